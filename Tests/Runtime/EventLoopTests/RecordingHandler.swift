import EventLoop
import Synchronization
import TestKit
import Testing

/// A handler made of closures, which remembers every event it was given.
final class RecordingHandler: ConnectionHandler {
    typealias Received = (UnsafeRawBufferPointer, Connection) -> Int

    private let log: EventLog
    private let received: Received
    private let ended: ((Connection) -> Void)?
    private let drained: (Connection) -> Void

    /// Without `ended` the connection closes once its output is sent.
    init(
        _ log: EventLog = EventLog(), ended: ((Connection) -> Void)? = nil,
        drained: @escaping (Connection) -> Void = { _ in }, received: @escaping Received
    ) {
        self.log = log
        self.received = received
        self.ended = ended
        self.drained = drained
    }

    /// Uses all bytes.
    convenience init(_ log: EventLog = EventLog(), ended: ((Connection) -> Void)? = nil) {
        self.init(log, ended: ended) { bytes, _ in bytes.count }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        log.add(.received(String(decoding: bytes.prefix(64), as: UTF8.self)))
        return received(bytes, connection)
    }

    func inputEnded(on connection: Connection) {
        log.add(.inputEnded)
        if let ended { ended(connection) } else { connection.closeAfterFlush() }
    }

    func outputDrained(on connection: Connection) {
        log.add(.drained)
        drained(connection)
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        log.add(.closed(reason))
    }
}

/// What happened, in order; read from every thread.
final class EventLog: Sendable {
    enum Event: Equatable {
        /// The first 64 bytes.
        case received(String)
        case inputEnded
        case drained
        case closed(CloseReason)
        case note(String)
    }

    private let entries = Mutex<[Event]>([])

    var events: [Event] { entries.withLock { $0 } }
    var closes: [Event] { events.filter { if case .closed = $0 { true } else { false } } }

    func add(_ event: Event) {
        entries.withLock { $0.append(event) }
    }

    func contains(_ event: Event) -> Bool {
        events.contains(event)
    }
}

/// Holds the connection that a handler got, for the test to act on.
final class ConnectionSlot: Sendable {
    private let stored = Mutex<(LoopBound<Connection>, any EventLoop)?>(nil)

    func put(_ connection: Connection, on loop: any EventLoop) {
        stored.withLock { $0 = (LoopBound(connection, on: loop), loop) }
    }

    /// Runs `work` at once; on the loop.
    func withConnection(_ work: (Connection) -> Void) {
        guard let (bound, _) = stored.withLock({ $0 }) else { return }
        work(bound.value)
    }

    /// Runs `work` on the connection's loop, once there is a connection.
    func use<Value: Sendable>(_ work: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        try await eventually("there is a connection") { stored.withLock { $0 != nil } }
        let (bound, loop) = try #require(stored.withLock { $0 })
        return try await loop.onLoop { try work(bound.value) }
    }
}

/// Keeps a loop from its next events until it is released, so that many are ready in one turn.
final class LoopHold: Sendable {
    private let isHeld = Atomic<Bool>(true)
    private let hasBegun = Atomic<Bool>(false)

    init(_ loop: any EventLoop) {
        loop.post { [self] in
            hasBegun.store(true, ordering: .releasing)
            let deadline = ContinuousClock.now + .seconds(20)
            while isHeld.load(ordering: .acquiring), ContinuousClock.now < deadline { pauseThread() }
        }
        while !hasBegun.load(ordering: .acquiring) { pauseThread() }
    }

    func release() {
        isHeld.store(false, ordering: .releasing)
    }
}

/// A place for a test's listener: over which family it is.
enum Family: String, CaseIterable, Codable, Sendable {
    case tcp
    case unix

    func fresh() -> SocketAddress {
        switch self {
        case .tcp: .tcp(host: "127.0.0.1", port: 0)
        case .unix: .unix(path: "/tmp/loop-\(UInt64.random(in: 0 ... .max)).sock")
        }
    }
}

extension EventLoop {
    /// Listens at a fresh address and says which.
    func serve(
        _ family: Family = .tcp, accept: @escaping @Sendable (Connection) -> (any ConnectionHandler)?
    ) async throws -> SocketAddress {
        let address = family.fresh()
        return try await onLoop { try self.listen(on: address, accept: accept).address }
    }

    /// Serves echo, and puts the latest connection into `slot`.
    func serveEcho(_ family: Family = .tcp, log: EventLog = EventLog(), slot: ConnectionSlot = ConnectionSlot())
        async throws -> SocketAddress
    {
        try await serve(family) { connection in
            slot.put(connection, on: self)
            return RecordingHandler(log) { bytes, connection in
                connection.output.append(bytes)
                return bytes.count
            }
        }
    }

    /// Waits until the loop has begun a turn after everything that happened so far.
    func nextTurn() async throws {
        for _ in 0..<3 { try await onLoop {} }
    }
}

/// `count` bytes whose value says where they stand.
func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        let at = (start + bytes.count) % patternPeriod.count
        bytes += patternPeriod[at..<min(patternPeriod.count, at + count - bytes.count)]
    }
    return bytes
}

private let patternPeriod = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
