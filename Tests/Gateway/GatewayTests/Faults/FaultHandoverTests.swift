import BrokerModel
import EventLoop
import Gateway
import TestKit
import Testing

/// Faults belong to the endpoint: a move neither ends them nor waits for what they hold.
@Suite(.requires(.redisServer)) struct FaultHandoverTests {
    @Test(arguments: HandoverTests.Move.all)
    func `faults act before and after a move, and what they hold does not hold it up`(
        move: HandoverTests.Move
    ) async throws {
        try await HandoverTests().run(move) { bench in
            let test = bench.test
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = try await test.fault(Fault(.error("ERR odd"), commands: ["ping"], every: 2))
            #expect(try client.askAll(["PING", "PING", "PING"]) == ["+PONG", "-ERR odd", "+PONG"])

            let delay = try await test.fault(Fault(.delay(60_000, jitter: 0), commands: ["incr"]))
            let delayed = try test.connect(as: GatewayUnderTest.web)
            try delayed.send("INCR moved\r\nECHO behind\r\n")
            let drops = [
                Fault(.drop(executed: true), commands: ["set"]), Fault(.drop(executed: false), commands: ["get"]),
            ]
            let dropIDs = try await test.gateway.addFaults(drops, on: GatewayUnderTest.endpoint)
            let (executed, dropped) = (
                try test.connect(as: GatewayUnderTest.web), try test.connect(as: GatewayUnderTest.web)
            )
            try executed.send("SET s 1\r\n")
            try dropped.send("GET s\r\n")
            for fault in [delay] + dropIDs {
                try await eventually("it is met") { await test.report(fault)?.fired == 1 }
            }

            try await bench.move(to: move.to)
            #expect(try client.askAll(["PING", "PING"]) == ["-ERR odd", "+PONG"])
            #expect(await test.report(id)?.fired == 2)
            await test.gateway.removeFault(delay, on: GatewayUnderTest.endpoint)
            #expect(try delayed.line() == ":1")
            #expect(try delayed.line() == "$6")
            #expect(try client.ask("GETRANGE moved 0 -1") == "$1")
            await test.gateway.removeFaults(on: GatewayUnderTest.endpoint)
            #expect(executed.ending() == .closed)
            #expect(dropped.ending() == .closed)
        }
    }

    @Test(arguments: HandoverTests.Move.all)
    func `a command that blocks meets its fault where it is answered`(move: HandoverTests.Move) async throws {
        try await HandoverTests().run(move) { bench in
            let test = bench.test
            let other = try test.connect(as: GatewayUnderTest.worker)
            let id = try await test.fault(Fault(.cut(bytes: 4), commands: ["blpop"]))
            let (waiting, late) = (
                try test.connect(as: GatewayUnderTest.web), try test.connect(as: GatewayUnderTest.web)
            )
            try waiting.send("BLPOP q 0\r\n")
            try late.send("BLPOP none 0.3\r\n")
            try await eventually("both wait") {
                guard await test.report(id)?.fired == 2 else { return false }
                return try other.askCount("CLIENT LIST", containing: "flags=b") == 2
            }
            #expect(await bench.pause(for: move.to) == nil)
            try await Task.sleep(for: .milliseconds(400))
            _ = try await bench.finish()
            #expect(String(decoding: try late.receiveToEnd(), as: UTF8.self) == "*-1\r")
            #expect(try other.ask("RPUSH q job") == ":1")
            #expect(String(decoding: try waiting.receiveToEnd(), as: UTF8.self) == "*2\r\n")
            #expect(try other.ask("LLEN q") == ":0")
        }
    }

    @Test(arguments: HandoverTests.Move.all)
    func `a delay that ends while the client is moved is asked of the target`(move: HandoverTests.Move) async throws {
        try await HandoverTests().run(move) { bench in
            let test = bench.test
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            let id = try await test.fault(Fault(.delay(100, jitter: 0), commands: ["set"]))
            try client.send("SET here 1\r\n")
            try await eventually("it is met") { await test.report(id)?.fired == 1 }
            #expect(await bench.pause(for: move.to) == nil)
            try await Task.sleep(for: .milliseconds(200))
            _ = try await bench.finish()
            #expect(try client.line() == "+OK")
            #expect(try client.ask("EXISTS here") == ":1")
        }
    }
}
