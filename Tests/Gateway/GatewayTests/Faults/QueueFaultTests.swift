import BrokerModel
import EventLoop
import Gateway
import QueueEmulator
import TestKit
import Testing

/// What an app sees of faults at a queue's endpoint.
struct QueueFaultTests {
    private static let endpoint = EndpointID("queue")

    private func run(
        _ driver: LoopUnderTest, _ body: (Gateway, _ connect: () throws -> SocketClient) async throws -> Void
    ) async throws {
        try await driver.run { loop in
            let gateway = Gateway(loop: loop)
            let queue = try await loop.onLoop { LoopBound(QueueEmulator(clock: QueueClock(loop: loop)), on: loop) }
            let address = SocketAddress.tcp(host: "127.0.0.1", port: try FreePort.find())
            try await gateway.open(Self.endpoint, at: address)
            await gateway.route(Self.endpoint, to: .queue(queue))
            try await body(gateway) { try SocketClient(to: address, timeout: .seconds(5)) }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `an error is a line in its place, and a refused put takes its body along`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            let client = try connect()
            let id = try await gateway.addFault(
                Fault(.error("OUT_OF_MEMORY"), commands: ["put"], key: "mail*", nth: 2), on: Self.endpoint)
            let put = "put 0 0 10 3\r\nabc\r\n"
            try client.send(put + "use mail-out\r\n" + put + put + "use default\r\n" + put)
            let replies = try (0..<6).map { _ in try client.line() }
            let expected = [
                "INSERTED 1", "USING mail-out", "INSERTED 2", "OUT_OF_MEMORY", "USING default", "INSERTED 3",
            ]
            #expect(replies == expected)
            #expect(await gateway.faults(on: Self.endpoint).first { $0.id == id }?.matched == 2)
            try await gateway.addFault(
                Fault(.error("INTERNAL_ERROR"), commands: ["reserve-with-timeout"], count: 1), on: Self.endpoint)
            #expect(try client.ask("reserve-with-timeout 0") == "INTERNAL_ERROR")
            #expect(try client.ask("reserve-with-timeout 0") == "RESERVED 1 3")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a delay holds up one client, who may half-close, and is let go`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            try await gateway.addFault(Fault(.delay(200, jitter: 0), key: "slow"), on: Self.endpoint)
            let (client, other) = (try connect(), try connect())
            let begin = ContinuousClock.now
            try client.send("use fast\r\nuse slow\r\nlist-tube-used\r\n")
            #expect(try client.line() == "USING fast")
            #expect(try other.ask("list-tube-used") == "USING default")
            #expect(begin.duration(to: .now) < .milliseconds(150))
            client.shutdownOutput()
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "USING slow\r\nUSING slow\r\n")
            #expect(begin.duration(to: .now) >= .milliseconds(200))

            let long = try await gateway.addFault(
                Fault(.delay(60_000, jitter: 0), commands: ["list-tubes-watched"]), on: Self.endpoint)
            try other.send("list-tubes-watched\r\nuse x\r\n")
            #expect(!other.hasInput(within: .milliseconds(50)))
            await gateway.removeFault(long, on: Self.endpoint)
            #expect(try other.line().hasPrefix("OK"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `replies are cut, lost, or never come`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            func job(_ effect: FaultEffect, _ command: String) async throws -> (SocketClient, FaultID) {
                let id = try await gateway.addFault(Fault(effect, commands: ["put"], count: 1), on: Self.endpoint)
                let client = try connect()
                try client.send("use t\r\nput 0 0 10 3\r\na")
                #expect(try client.line() == "USING t")
                // The connection may be reset already.
                try? client.send("bc\r\nlist-tube-used\r\n")
                return (client, id)
            }
            let (cut, _) = try await job(.cut(bytes: 5), "put")
            #expect(String(decoding: try cut.receiveToEnd(), as: UTF8.self) == "INSER")
            let (after, _) = try await job(.reset(.after), "put")
            #expect(after.ending() == .reset)
            let (before, _) = try await job(.reset(.before), "put")
            #expect(before.ending() != nil)
            let (dropped, id) = try await job(.drop(executed: true), "put")
            #expect(!dropped.hasInput(within: .milliseconds(50)))
            await gateway.removeFault(id, on: Self.endpoint)
            #expect(dropped.ending() == .closed)
            let (undone, _) = try await job(.drop(executed: false), "put")
            #expect(!undone.hasInput(within: .milliseconds(50)))

            // The job of the cut reply, of the reset after, of the executed drop.
            let client = try connect()
            #expect(try client.ask("use t") == "USING t")
            #expect(try client.ask("kick 10") == "KICKED 0")
            try client.send("stats-tube t\r\n")
            #expect(String(decoding: try client.receive(until: "total-jobs: 3\n"), as: UTF8.self).contains("ready: 3"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a reserve that waits meets its fault when a job comes`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            try await gateway.addFault(Fault(.reset(.after), commands: ["reserve"]), on: Self.endpoint)
            let (worker, producer) = (try connect(), try connect())
            try worker.send("reserve\r\n")
            try await eventually("it waits") {
                try producer.send("stats\r\n")
                let header = try producer.line()
                let size = Int(header.dropFirst(3)) ?? 0
                let text = String(decoding: try producer.receive(exactly: size + 2), as: UTF8.self)
                return text.contains("current-waiting: 1")
            }
            #expect(try producer.ask("put 0 0 10 1\r\nx") == "INSERTED 1")
            #expect(worker.ending() == .reset)
            // Whoever has reserved is gone: the job is ready again.
            try await eventually("it is ready") { try producer.ask("peek-ready").hasPrefix("FOUND 1") }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `connections are slowed, cut and refused`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            let client = try connect()
            #expect(try client.ask("use a") == "USING a")
            for direction in FaultEffect.Direction.allCases {
                let id = try await gateway.addFault(Fault(.latency(150, jitter: 0, direction)), on: Self.endpoint)
                let begin = ContinuousClock.now
                #expect(try client.ask("use b") == "USING b")
                #expect(begin.duration(to: .now) >= .milliseconds(145))
                await gateway.removeFault(id, on: Self.endpoint)
            }
            try await gateway.addFault(Fault(.limitData(bytes: 4, .down)), on: Self.endpoint)
            try client.send("use b\r\n")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "USIN")
            await gateway.removeFaults(on: Self.endpoint)
            try await gateway.addFault(Fault(.down, count: 1), on: Self.endpoint)
            #expect(try connect().ending() != nil)
            #expect(try connect().ask("use c") == "USING c")
            for fault in [Fault(.maxClients), Fault(.error("oom")), Fault(.error("DRAINING"), client: "a")] {
                await #expect(throws: BrokerError.self) { try await gateway.addFault(fault, on: Self.endpoint) }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what waits behind a slow stream is bounded`(driver: LoopUnderTest) async throws {
        try await run(driver) { gateway, connect in
            let client = try connect()
            try await gateway.addFault(Fault(.bandwidth(1, .up)), on: Self.endpoint)
            try client.send("reserve\r\n")
            let flood = Array(String(repeating: "list-tube-used\r\n", count: 50_000_000 / 16).utf8)
            var sent = 0
            for _ in 0..<20 {
                sent += try client.sendSome(flood[sent...])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(sent < 30_000_000)
        }
    }
}
