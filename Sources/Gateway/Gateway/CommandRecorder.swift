import EventLoop

/// What clients have asked of an endpoint since somebody began to look: how often each command, and the last ones.
public struct CommandTally: Equatable, Sendable {
    /// Nothing was noted until now.
    public var begins = false
    public struct Entry: Equatable, Sendable {
        /// In lower case.
        public var command: String
        /// Its keys, or its tube; no values.
        public var keys: [String]
        /// CLIENT SETNAME; nil where the client has said none.
        public var client: String?
    }

    public var total = 0
    /// By name, of those that were met first; what has no place is counted in `total` alone.
    public var counts: [String: Int] = [:]
    /// The oldest first.
    public var last: [Entry] = []
}

/// Keeps the tally of an endpoint; there is one only while somebody looks, since every command passes it.
struct CommandRecorder {
    private static let mostNames = 1024
    private static let mostKept = 1000
    private static let longestKey = 256
    private static let mostKeys = 16

    /// How long it goes on when nobody asks: every command passes it.
    static let patience: UInt64 = 600_000_000_000

    private var tally = CommandTally()
    /// When somebody has asked last, in the loop's nanoseconds.
    var askedAt: UInt64 = 0
    /// Where the next one goes once the list is full.
    private var next = 0

    mutating func note(_ command: String, _ keys: [String], _ client: String?) {
        tally.total += 1
        if tally.counts[command] != nil || tally.counts.count < Self.mostNames {
            tally.counts[command, default: 0] += 1
        }
        let entry = CommandTally.Entry(
            command: command, keys: keys.prefix(Self.mostKeys).map { String($0.prefix(Self.longestKey)) },
            client: client.map { String($0.prefix(Self.longestKey)) })
        guard tally.last.count == Self.mostKept else { return tally.last.append(entry) }
        tally.last[next] = entry
        next = (next + 1) % Self.mostKept
    }

    /// What was noted until now.
    var noted: CommandTally {
        var noted = tally
        noted.last = Array(tally.last[next...] + tally.last[..<next])
        return noted
    }
}

extension Gateway {
    /// What clients have asked of an endpoint since the last mark; nothing is noted before the first call, nor ten minutes
    /// behind the last one. With `marks` it is begun anew.
    public func commands(on id: EndpointID, marks: Bool) async -> CommandTally {
        await run(id) {
            $0.endpoints[id]?.noted(marks: marks) ?? CommandTally()
        } orWhenStopped: {
            CommandTally()
        }
    }
}

extension Endpoint {
    fileprivate func noted(marks: Bool) -> CommandTally {
        var noted = recorder?.noted ?? CommandTally()
        noted.begins = recorder == nil
        if marks || recorder == nil { recorder = CommandRecorder() }
        recorder?.askedAt = loop.now
        loop.schedule(after: CommandRecorder.patience) { [weak self] in self?.forgetRecorder() }
        lookAtFaults()
        return noted
    }

    private func forgetRecorder() {
        guard let recorder, loop.now >= recorder.askedAt + CommandRecorder.patience else { return }
        self.recorder = nil
        lookAtFaults()
    }
}
