import EventLoop
import QueueEmulator
import RESPWire

import class CacheEmulator.CacheEmulator

/// A command of a queue's client.
struct QueueSubject: FaultSubject {
    let name: StaticString
    let tube: UnsafeRawBufferPointer?

    var command: String { name.description }
    var keys: [String] { tube.map { [String(decoding: $0, as: UTF8.self)] } ?? [] }
    var client: String? { nil }

    /// Nothing sets a connection up: nobody says who he is.
    var isSetup: Bool { false }

    func isNamed(_ asked: [UInt8], _ subcommand: [UInt8]?) -> Bool {
        subcommand == nil && Bytes(name).raw.elementsEqual(asked)
    }

    func hasKey(like pattern: [UInt8]) -> Bool {
        guard let tube, let start = tube.baseAddress else { return false }
        return pattern.withBytes { CacheEmulator.matches($0, Bytes(raw: start, tube.count)) }
    }

    func isOfClient(like pattern: [UInt8]) -> Bool { false }
}

/// What faults are about to do to a queue's client, or have done; there is one as long as its endpoint has faults of
/// commands.
final class QueueFaults: QueueFilter {
    /// So much is kept of what waits behind a command that a fault holds up.
    private static let mostKept = 64 << 10

    private weak var connection: Connection?
    private unowned let endpoint: Endpoint
    /// The command in front waits until then, in the loop's nanoseconds, by this fault.
    private var delay: (until: UInt64, id: FaultID?)?
    /// The reply that is awaited meets this.
    private var awaited: (effect: ReplyCut.Effect, id: FaultID?)?
    /// A command was dropped: nothing is answered any more.
    private var mutedBy: FaultID?
    /// The connection is about to end: nothing is taken any more.
    private var isEnding = false
    private var hasInputEnded = false

    init(_ connection: Connection, endpoint: Endpoint) {
        self.connection = connection
        self.endpoint = endpoint
    }

    /// Nothing is left of what faults have done.
    var isIdle: Bool { delay == nil && awaited == nil && mutedBy == nil && !isEnding }

    // MARK: commands

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, by session: QueueSession) -> Int {
        if isEnding { return bytes.count }
        if mutedBy != nil || delay.map({ endpoint.loop.now < $0.until }) ?? false {
            if bytes.count >= Self.mostKept { connection.pauseReading() }
            return 0
        }
        let used = session.received(bytes, on: connection)
        if isEnding { return bytes.count }
        if hasInputEnded, delay == nil, mutedBy == nil, connection.isOpen {
            hasInputEnded = false
            session.inputEnded(on: connection)
        }
        return used
    }

    func verdict(on command: StaticString, tube: UnsafeRawBufferPointer?) -> QueueVerdict {
        guard mutedBy == nil, !isEnding else { return .held }
        if delay != nil {
            delay = nil
            return .run
        }
        let decision = endpoint.decide(QueueSubject(name: command, tube: tube))
        switch decision.action {
        case .pass: return .run
        case .error(let line): return .answered(line)
        case .delay(let time):
            wait(time, decision.id)
            return .held
        case .reply(let effect):
            awaited = (effect, decision.id)
            return .told
        case .reset:
            endSoon { $0.abort() }
            return .held
        case .drop:
            mutedBy = decision.id
            return .held
        }
    }

    func replied(behind before: Int) {
        guard let (effect, id) = awaited, let output = connection?.output else { return }
        awaited = nil
        switch effect {
        case .cut(let bytes):
            output.truncate(to: min(output.count, before + bytes))
            endSoon { $0.closeAfterFlush() }
        case .reset:
            output.truncate(to: before)
            endSoon { $0.abort() }
        case .drop:
            output.truncate(to: before)
            mutedBy = id
        }
    }

    private func wait(_ nanoseconds: UInt64, _ id: FaultID?) {
        let until = endpoint.loop.now + nanoseconds
        delay = (until, id)
        endpoint.loop.schedule(after: nanoseconds) { [weak self] in
            guard let self, delay?.until == until else { return }
            deliverAgain()
        }
    }

    /// Behind what was answered before, which goes out at the end of the turn.
    private func endSoon(_ end: @escaping @Sendable (Connection) -> Void) {
        isEnding = true
        guard let connection else { return }
        let bound = LoopBound(connection, on: endpoint.loop)
        endpoint.loop.post { end(bound.value) }
    }

    private func deliverAgain() {
        connection?.pauseReading()
        connection?.resumeReading()
    }

    // MARK: ends

    /// The client has sent FIN: whether that is to be looked at later, behind a command that is delayed.
    func outlivesInput() -> Bool {
        if isEnding { return true }
        guard delay != nil else { return false }
        hasInputEnded = true
        return true
    }

    /// Lets go what a fault holds that was removed.
    func released(by id: FaultID) {
        if mutedBy == id {
            isEnding = true
            connection?.closeAfterFlush()
        } else if let delay, delay.id == id {
            self.delay = (0, id)
            deliverAgain()
        }
    }
}
