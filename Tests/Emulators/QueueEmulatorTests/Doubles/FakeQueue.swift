import EventLoop

@testable import QueueEmulator

/// An emulator without loop or sockets, its clients, and its time.
final class FakeQueue {
    let clock = ManualClock()
    let emulator: QueueEmulator
    private let pool = BufferPool()
    private var connections: [FakeConnection] = []
    private var lastID: UInt64 = 0

    init(limits: QueueLimits = QueueLimits(), host: HostFacts = .made) {
        emulator = QueueEmulator(limits: limits, clock: clock.queueClock, host: host)
    }

    func connect() -> FakeConnection {
        lastID += 1
        let connection = FakeConnection(id: lastID, pool: pool)
        connection.handler = QueueSession(emulator: emulator, connection: connection)
        connections.append(connection)
        return connection
    }

    /// Sends `text` and returns what this client has been answered, all that happened before included.
    func say(_ text: String, _ connection: FakeConnection) -> String {
        send(Array(text.utf8), connection)
        return hear(connection)
    }

    func hear(_ connection: FakeConnection) -> String {
        let text = String(decoding: connection.takeOutput(), as: UTF8.self)
        settle()
        return text
    }

    func send(_ bytes: [UInt8], _ connection: FakeConnection) {
        connection.receive(bytes)
        settle()
    }

    func end(_ connection: FakeConnection) {
        connection.receiveEnd()
        settle()
    }

    func disappear(_ connection: FakeConnection) {
        connection.disappear()
        connections.removeAll { $0 === connection }
        settle()
    }

    func pass(seconds: Double) {
        clock.advance(seconds: seconds)
        settle()
    }

    /// Runs what connections have put off, as a loop does after each event.
    func settle() {
        while connections.contains(where: { $0.deliverWaiting() }) {}
    }
}

extension HostFacts {
    /// Facts that no machine has.
    static let made = HostFacts(
        processID: 42, hostname: "box", system: "#1", platform: "pdp11",
        processorTime: { ProcessorTime(user: 1_000_002, system: 30) })
}
