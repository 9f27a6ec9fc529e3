import EventLoop

@testable import QueueEmulator

/// Plays the lines of an input: what begins with `@` is for the script, the rest is sent with CR LF behind it.
///
///     @client N   goes on as client N of 4, who connects if needed     @pass N   lets N seconds pass
///     @gone       the client's connection is gone                     @drain    no more jobs are taken
///     @end        the client sends FIN                                @serve    jobs are taken again
final class QueueSessionScript {
    private(set) var replies: [String] = []
    private let cutLength: Int
    private let clock = ManualClock()
    private let emulator: QueueEmulator
    private let pool = BufferPool()
    private var connections: [Int: FakeConnection] = [:]
    private var current = 1
    private var lastID: UInt64 = 0

    init(cutEvery cutLength: Int) {
        self.cutLength = cutLength
        var limits = QueueLimits()
        limits.jobSize = 100
        limits.memory = 1000
        emulator = QueueEmulator(
            limits: limits, clock: clock.queueClock,
            host: HostFacts(
                processID: 42, hostname: "box", system: "#1", platform: "pdp11",
                processorTime: { ProcessorTime(user: 1_000_002, system: 30) }))
    }

    func play(_ line: [UInt8]) {
        if line.first == UInt8(ascii: "@") {
            obey(String(decoding: line.dropFirst(), as: UTF8.self).split(separator: " ").map(String.init))
        } else {
            send(line + [13, 10])
        }
        settle()
        emulator.engine.checkBooks()
    }

    /// Ends every client, deletes every job, and sees that nothing is left.
    func end() {
        for connection in connections.values.sorted(by: { $0.id < $1.id }) { connection.disappear() }
        connections = [:]
        settle()
        let engine = emulator.engine
        engine.checkBooks()
        precondition(engine.totals.connections == 0 && engine.totals.reserved == 0 && engine.totals.waiting == 0)
        let client = engine.connect()
        for job in engine.allJobs { precondition(engine.delete(job.id, by: client)) }
        engine.disconnect(client)
        precondition(engine.jobs.count == 0 && engine.totals.memory == 0 && engine.tubes.list.count == 1)
    }

    private func obey(_ words: [String]) {
        let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
        switch words.first {
        case "client": current = number & 3
        case "gone": connections.removeValue(forKey: current)?.disappear()
        case "end": connections[current]?.receiveEnd()
        case "pass": clock.advance(seconds: UInt64(clamping: number))
        case "drain": emulator.isDraining = true
        case "serve": emulator.isDraining = false
        default: break
        }
    }

    private func send(_ bytes: [UInt8]) {
        let connection = connections[current] ?? connect()
        var rest = bytes[...]
        while !rest.isEmpty {
            connection.receive(Array(rest.prefix(cutLength)))
            rest = rest.dropFirst(cutLength)
        }
    }

    private func connect() -> FakeConnection {
        lastID += 1
        let connection = FakeConnection(id: lastID, pool: pool)
        connection.handler = QueueSession(emulator: emulator, connection: connection)
        connections[current] = connection
        return connection
    }

    /// What waits to be sent, without the one thing that every emulator draws at random.
    private func text(of output: ByteOutput) -> String {
        String(decoding: output.readable, as: UTF8.self).replacing(emulator.instanceID, with: "ID")
    }

    /// Runs what connections have put off, as a loop does after each event, and takes the replies.
    private func settle() {
        let all = connections.sorted { $0.key < $1.key }
        repeat {
            for (_, connection) in all { connection.deliverWaiting() }
        } while all.contains { $0.value.isDeliveryWaiting }
        for (number, connection) in all {
            let output = connection.output
            if output.count > 0 { replies.append("\(number) \(text(of: output))") }
            output.consume(output.count)
            if connection.isClosing { connections[number] = nil }
        }
    }
}
