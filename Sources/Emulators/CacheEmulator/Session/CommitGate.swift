import EventLoop

/// Holds back what clients are sent until the changes that it may tell of are on disk, as Redis does by `appendfsync
/// always`. Confined to the loop.
///
/// A reply waits for all that had changed when it was written, also by others. So that one disk write serves many, whoever
/// keeps the emulator's files says how far they have come.
public final class CommitGate {
    /// How many changes the emulator has told by now.
    private let told: () -> Int64
    /// How many of them are on disk.
    private(set) var reached: Int64
    /// The disk takes nothing: what changes nothing is answered at once.
    private var isOpen = false
    private var held: [ObjectIdentifier: HeldOutput] = [:]

    init(told: @escaping () -> Int64) {
        self.told = told
        reached = told()
    }

    /// So many changes are on disk: replies that waited for no more go out.
    public func committed(_ count: Int64) {
        guard count > reached else { return }
        reached = count
        // Who waits for more stays, until its output is looked at again.
        for output in held.values { output.connection?.flushSoon() }
    }

    /// The disk takes nothing. What waits for it can be neither confirmed nor taken back: those connections are closed, and
    /// their clients know as much as of a server that has ended.
    public func refuse() {
        isOpen = true
        let all = held
        held = [:]
        for output in all.values {
            if output.isWaiting { output.connection?.close() } else { output.connection?.flushSoon() }
        }
    }

    /// The disk takes changes again.
    public func accept() {
        isOpen = false
    }

    /// What a connection is sent from now on is held.
    func hold(_ connection: Connection) {
        connection.gate = HeldOutput(self, connection)
    }

    /// What waits goes out: somebody else serves the connection, or it has ended.
    func leave(_ connection: Connection) {
        guard let output = connection.gate as? HeldOutput, output.gate === self else { return }
        held[ObjectIdentifier(output)] = nil
        connection.gate = nil
        connection.flushSoon()
    }

    private final class HeldOutput: OutputPacer {
        let gate: CommitGate
        private(set) weak var connection: Connection?
        /// Places in all that the connection was ever to be sent: what was sent, and what may be.
        private var sent: UInt64 = 0
        private var allowed: UInt64 = 0
        /// What stands in front of `end` may go when `change` is on disk; both rise.
        private var marks: [(end: UInt64, change: Int64)] = []

        init(_ gate: CommitGate, _ connection: Connection) {
            self.gate = gate
            self.connection = connection
        }

        func allowance(of output: ByteOutput) -> Int {
            let end = sent + UInt64(output.count)
            // Somebody may have thrown away what waited.
            allowed = min(allowed, end)
            while let last = marks.last, last.end > end { marks.removeLast() }
            if let passed = marks.lastIndex(where: { gate.isOpen || $0.change <= gate.reached }) {
                allowed = marks[passed].end
                marks.removeSubrange(...passed)
            }
            if end > marks.last?.end ?? allowed {
                let told = gate.told()
                if gate.isOpen || told <= gate.reached { allowed = end } else { marks.append((end, told)) }
            }
            gate.held[ObjectIdentifier(self)] = marks.isEmpty ? nil : self
            return Int(allowed - sent)
        }

        /// Something of it is not on disk.
        var isWaiting: Bool { marks.last.map { $0.change > gate.reached } ?? false }

        func sent(_ count: Int, of output: ByteOutput) {
            sent += UInt64(count)
        }

        var allowsEnd: Bool { true }
    }
}

extension CacheEmulator {
    /// Has replies wait from now on; for an emulator that nobody uses yet.
    public func holdReplies() {
        commits = CommitGate { [unowned self] in changesTold }
        configuration.set("appendfsync", to: "always")
    }
}
