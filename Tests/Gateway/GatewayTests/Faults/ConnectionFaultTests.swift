import BrokerModel
import EventLoop
import Gateway
import TestKit
import Testing

/// What an app sees of faults of whole connections, before the emulator and before a real server.
@Suite(.requires(.redisServer)) struct ConnectionFaultTests {
    private static let both: [FaultEffect.Direction] = [.up, .down]

    @Test(arguments: FaultBench.all, both)
    func `latency holds every byte up, in order, also of clients that were there`(
        bench: FaultBench, direction: FaultEffect.Direction
    ) async throws {
        try await bench.run { test in
            let before = try test.connect(as: GatewayUnderTest.web)
            #expect(try before.ask("PING") == "+PONG")
            let id = try await test.fault(Fault(.latency(150, jitter: 0, direction)))
            var begin = ContinuousClock.now
            #expect(try before.askAll(["PING", "ECHO a", "INCR n"])[0] == "+PONG")
            #expect((.milliseconds(145)..<(.milliseconds(600))).contains(begin.duration(to: .now)))
            #expect(try before.line() == ":1")
            begin = .now
            let after = try test.connect(as: GatewayUnderTest.web)
            #expect(begin.duration(to: .now) >= .milliseconds(145))
            try after.send("INCR n\r\n")
            after.shutdownOutput()
            #expect(String(decoding: try after.receiveToEnd(), as: UTF8.self) == ":2\r\n")

            // A removed fault lets go what it holds.
            await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint)
            let long = try await test.fault(Fault(.latency(60_000, jitter: 0, direction)))
            try before.send("INCR n\r\n")
            #expect(!before.hasInput(within: .milliseconds(100)))
            await test.gateway.removeFault(long, on: GatewayUnderTest.endpoint)
            #expect(try before.line() == ":3")
        }
    }

    @Test(arguments: FaultBench.all)
    func `toxicity 0 does nothing, first and every choose connections`(bench: FaultBench) async throws {
        try await bench.run { test in
            let none = try await test.fault(Fault(.down, toxicity: 0))
            let there = try test.connect(as: GatewayUnderTest.web)
            #expect(await test.report(none)?.matched == 1)
            #expect(await test.report(none)?.fired == 0)
            let first = try await test.fault(Fault(.down, first: 2))
            // The client that is there is the first of them.
            #expect(there.ending() != nil)
            #expect(try test.connect().ending() != nil)
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            #expect(await test.report(first)?.fired == 2)
        }
    }

    @Test(arguments: FaultBench.all)
    func `a fault that chooses clients meets who is named so, when that is known, and once`(
        bench: FaultBench
    ) async throws {
        try await bench.run { test in
            let web = try test.connect(as: GatewayUnderTest.web)
            let worker = try test.connect(as: GatewayUnderTest.worker)
            let slow = try await test.fault(Fault(.latency(150, jitter: 0, .down), client: "work*"))
            var begin = ContinuousClock.now
            #expect(try worker.ask("PING") == "+PONG")
            #expect(begin.duration(to: .now) >= .milliseconds(145))
            begin = .now
            #expect(try web.ask("PING") == "+PONG")
            #expect(begin.duration(to: .now) < .milliseconds(145))
            // One that comes is known when it has said who it is.
            let other = try test.connect()
            #expect(try other.ask("PING").hasPrefix("-NOAUTH"))
            begin = .now
            #expect(try other.ask("AUTH worker \(GatewayUnderTest.worker.secret)") == "+OK")
            #expect(begin.duration(to: .now) >= .milliseconds(145))
            #expect(try other.ask("CLIENT SETNAME workbench") == "+OK")
            #expect(await test.report(slow)?.fired == 2)
            // Met once each, whatever they say of themselves: the next client is the second.
            let nth = try await test.fault(Fault(.down, client: "w*", nth: 4))
            #expect(await test.report(nth)?.matched == 3)
            #expect(try web.ask("CLIENT SETNAME walker") == "+OK")
            #expect(await test.report(nth)?.matched == 3)
            let fourth = try test.connect()
            try fourth.send("AUTH \(GatewayUnderTest.web.secret)\r\n")
            #expect(fourth.ending() != nil)
            // By its own name, and closed behind the request that told it.
            _ = try await test.fault(Fault(.down, client: "batch"))
            #expect(try web.ask("PING") == "+PONG")
            try web.send("CLIENT SETNAME batch\r\n")
            #expect(web.ending() != nil)
            #expect(try test.connect(as: GatewayUnderTest.web).ask("PING") == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all)
    func `down closes who is there and who comes, until it is removed`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = try await test.fault(Fault(.down))
            #expect(client.ending() != nil)
            #expect(try test.connect().ending() != nil)
            await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint)
            #expect(try test.connect(as: GatewayUnderTest.web).ask("PING") == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all)
    func `who comes may be told that there are too many clients`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            try await test.fault(Fault(.maxClients, count: 1))
            let refused = try test.connect()
            #expect(
                String(decoding: try refused.receiveToEnd(), as: UTF8.self) == "-ERR max number of clients reached\r\n")
            #expect(try client.ask("PING") == "+PONG")
            #expect(try test.connect(as: GatewayUnderTest.web).ask("PING") == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all, both)
    func `a timeout swallows, closes after its time, and what has lost bytes is closed at its end`(
        bench: FaultBench, direction: FaultEffect.Direction
    ) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let quiet = try test.connect(as: GatewayUnderTest.web)
            let hold = try await test.fault(Fault(.timeout(0, direction)))
            try client.send("INCR n\r\n")
            #expect(!client.hasInput(within: .milliseconds(100)))
            await test.gateway.removeFault(hold, on: GatewayUnderTest.endpoint)
            #expect(client.ending() != nil)
            #expect(try quiet.ask("INCR n") == (direction == .up ? ":1" : ":2"))

            let begin = ContinuousClock.now
            try await test.fault(Fault(.timeout(200, direction)))
            try quiet.send("PING\r\n")
            #expect(quiet.ending() != nil)
            #expect((.milliseconds(190)..<(.milliseconds(900))).contains(begin.duration(to: .now)))
        }
    }

    @Test(arguments: FaultBench.all)
    func `a peer is reset after a time, unless the fault is removed before`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let long = try await test.fault(Fault(.resetPeer(300)))
            await test.gateway.removeFault(long, on: GatewayUnderTest.endpoint)
            try await test.fault(Fault(.resetPeer(50)))
            #expect(client.ending() == .reset)
        }
    }

    @Test(arguments: FaultBench.all)
    func `the end comes later`(bench: FaultBench) async throws {
        try await bench.run { test in
            try await test.fault(Fault(.slowClose(1500, .down)))
            let client = try test.connect(as: GatewayUnderTest.web)
            let begin = ContinuousClock.now
            #expect(try client.ask("QUIT") == "+OK")
            #expect(begin.duration(to: .now) < .milliseconds(1000))
            #expect(client.ending() == .closed)
            #expect((.milliseconds(1450)..<(.seconds(3))).contains(begin.duration(to: .now)))
        }
    }

    @Test(arguments: FaultBench.all, both)
    func `slices change no byte`(bench: FaultBench, direction: FaultEffect.Direction) async throws {
        try await bench.run { test in
            try await test.fault(Fault(.slicer(size: 7, variation: 5, delay: 50, direction), seed: 3))
            let client = try test.connect(as: GatewayUnderTest.web)
            let value = String(repeating: "0123456789", count: 30)
            for number in 0..<3 { #expect(try client.ask("SET k \(value)\(number)") == "+OK") }
            #expect(try client.askAll(["PING", "GET k"]) == ["+PONG", "$301"])
            #expect(try client.line() == value + "2")
        }
    }

    @Test(arguments: FaultBench.all)
    func `a connection ends behind so many bytes`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = try await test.fault(Fault(.limitData(bytes: 10, .down)))
            try client.send("PING\r\nPING\r\nPING\r\n")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "+PONG\r\n+PO")
            await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint)
            let next = try test.connect(as: GatewayUnderTest.web)
            #expect(try next.ask("PING") == "+PONG")
            try await test.fault(Fault(.limitData(bytes: 10, .up)))
            try next.send("INCR l\r\nINCR l\r\nINCR l\r\n")
            #expect(next.ending() != .reset)
            await test.gateway.removeFaults(on: GatewayUnderTest.endpoint)
            let last = try test.connect(as: GatewayUnderTest.web)
            #expect(["$-1", "$1"].contains(try last.ask("GET l")))
        }
    }

    @Test(arguments: FaultBench.all, both)
    func `a narrow stream bounds what waits, and harms nobody else`(
        bench: FaultBench, direction: FaultEffect.Direction
    ) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let other = try test.connect(as: GatewayUnderTest.worker)
            #expect(try client.ask("SET v \(String(repeating: "x", count: 60_000))") == "+OK")
            try await test.fault(Fault(.bandwidth(1, direction), first: 1))
            // Replies are kept for a client that does not read: an emulator bounds them, a server by its own settings.
            let size = bench.side == .emulator ? 60_000 : 1000
            let word = String(repeating: "x", count: size)
            let request = bench.side == .emulator ? "GET v\r\n" : "*2\r\n$4\r\nECHO\r\n$1000\r\n\(word)\r\n"
            let flood = Array(String(repeating: request, count: 50_000_000 / request.utf8.count).utf8)
            var sent = 0
            // What the kernel and the loop take in is bounded: the rest of 50 MB is not taken.
            for _ in 0..<20 {
                sent += try client.sendSome(flood[sent...])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(sent < 30_000_000 || bench.side == .server && direction == .down)
            let begin = ContinuousClock.now
            for _ in 0..<20 { #expect(try other.ask("PING") == "+PONG") }
            #expect(begin.duration(to: .now) < .seconds(1))
            let begun = "$\(size)\r\nxxx"
            #expect(try client.receive(exactly: begun.utf8.count) == Array(begun.utf8))
            client.close()
            await test.gateway.removeFaults(on: GatewayUnderTest.endpoint)
            try await eventually("it is gone") { await test.connections() == 1 }
        }
    }

    @Test(arguments: FaultBench.all)
    func `a large request passes a narrow stream whole`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = try await test.fault(Fault(.bandwidth(2000, .up)))
            let value = String(repeating: "x", count: 400_000)
            let begin = ContinuousClock.now
            try client.send("*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$\(value.utf8.count)\r\n\(value)\r\n")
            #expect(try client.line() == "+OK")
            #expect(begin.duration(to: .now) >= .milliseconds(90))
            await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint)
            #expect(try client.ask("STRLEN v") == ":400000")
        }
    }
}
