import BrokerModel
import EventLoop
import Gateway
import TestKit
import Testing

/// What an app sees of faults of commands, before the emulator and before a real server.
@Suite(.requires(.redisServer)) struct CommandFaultTests {
    @Test(arguments: FaultBench.all)
    func `an error stands in its place among pipelined replies`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("SET n 0") == "+OK")
            let id = try await test.fault(Fault(.error("loading"), commands: ["incr"], nth: 3))
            let replies = try client.askAll(Array(repeating: "INCR n", count: 10))
            let loading = "-LOADING Redis is loading the dataset in memory"
            #expect(replies == [":1", ":2", loading, ":3", ":4", ":5", ":6", ":7", ":8", ":9"])
            let report = try #require(await test.report(id))
            #expect(report.matched == 10)
            #expect(report.fired == 1)
            #expect(try client.ask("GET n") == "$1")
            #expect(try client.line() == "9")
        }
    }

    @Test(arguments: FaultBench.all)
    func `key, client and subcommand choose`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            try await test.fault(Fault(.error("ERR key"), key: "user:*"))
            #expect(try client.ask("SET other 1") == "+OK")
            #expect(try client.ask("MSET other 1 user:1 2") == "-ERR key")
            #expect(try client.ask("EVAL return(1) 1 user:7") == "-ERR key")
            #expect(try client.ask("PING") == "+PONG")
            await test.gateway.removeFaults(on: GatewayUnderTest.endpoint)

            try await test.fault(Fault(.error("ERR worker"), client: "attachment-2"))
            try await test.fault(Fault(.error("ERR named"), client: "job-*"))
            let worker = try test.connect(as: GatewayUnderTest.worker)
            #expect(try worker.ask("PING") == "-ERR worker")
            #expect(try client.ask("PING") == "+PONG")
            #expect(try client.ask("CLIENT SETNAME job-1") == "+OK")
            #expect(try client.ask("PING") == "-ERR named")
            await test.gateway.removeFaults(on: GatewayUnderTest.endpoint)

            try await test.fault(Fault(.error("BUSYGROUP x"), commands: ["xgroup|create"]))
            #expect(try client.ask("XGROUP CREATE s g $ MKSTREAM") == "-BUSYGROUP x")
            #expect(try client.ask("XGROUP DESTROY s g").hasPrefix("-ERR"))
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all)
    func `an error inside MULTI aborts it as Redis does, and one on EXEC ends it`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            try await test.fault(Fault(.error("oom"), commands: ["set"], count: 1))
            let replies = try client.askAll(["MULTI", "INCR a", "SET b 1", "EXEC", "GET a"])
            #expect(replies[..<2] == ["+OK", "+QUEUED"])
            #expect(replies[2].hasPrefix("-OOM"))
            #expect(replies[3].hasPrefix("-EXECABORT"))
            #expect(replies[4] == "$-1")

            try await test.fault(Fault(.error("READONLY no"), commands: ["exec"], count: 1))
            #expect(try client.askAll(["MULTI", "INCR a", "EXEC"]) == ["+OK", "+QUEUED", "-READONLY no"])
            #expect(try client.ask("GET a") == "$-1")
            #expect(try client.ask("EXEC") == "-ERR EXEC without MULTI")

            try await test.fault(Fault(.error("ERR m"), commands: ["multi"], count: 1))
            #expect(try client.askAll(["MULTI", "INCR a", "EXEC"]) == ["-ERR m", ":1", "-ERR EXEC without MULTI"])
        }
    }

    @Test(arguments: FaultBench.all)
    func `a delay holds its own connection up, in order, and nobody else's`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let other = try test.connect(as: GatewayUnderTest.worker)
            #expect(try client.askAll(["SET a 0", "SET b 0"]) == ["+OK", "+OK"])
            #expect(try other.ask("PING") == "+PONG")
            try await test.fault(Fault(.delay(300, jitter: 0), key: "a"))
            let begin = ContinuousClock.now
            try client.send("INCR b\r\nINCR a\r\nINCR b\r\n")
            #expect(try client.line() == ":1")
            #expect(begin.duration(to: .now) < .milliseconds(250))
            let asked = ContinuousClock.now
            for _ in 0..<20 { #expect(try other.ask("EXISTS b") == ":1") }
            #expect(asked.duration(to: .now) < .milliseconds(200))
            #expect(try other.ask("GET a") == "$1")  // delayed as well
            #expect(try client.line() == ":1")
            #expect(try client.line() == ":2")
            #expect(begin.duration(to: .now) >= .milliseconds(300))
        }
    }

    @Test(arguments: FaultBench.all)
    func `a delayed client may half-close, or go, and a removed delay lets go`(bench: FaultBench) async throws {
        try await bench.run { test in
            let id = try await test.fault(Fault(.delay(200, jitter: 0), commands: ["incr"]))
            let half = try test.connect(as: GatewayUnderTest.web)
            try half.send("INCR a\r\n")
            half.shutdownOutput()
            #expect(String(decoding: try half.receiveToEnd(), as: UTF8.self) == ":1\r\n")

            await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint)
            let long = try await test.fault(Fault(.delay(60_000, jitter: 0), commands: ["incr"]))
            let gone = try test.connect(as: GatewayUnderTest.web)
            try gone.send("INCR a\r\n")
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("INCR a\r\nPING\r\n")
            try await eventually("both are met") { await test.report(long)?.fired == 2 }
            gone.reset()
            try await eventually("it is gone") { await test.connections() == 1 }
            #expect(await test.gateway.removeFault(long, on: GatewayUnderTest.endpoint))
            #expect(try client.line() == ":2")
            #expect(try client.line() == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all)
    func `a reply is cut after some bytes`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("SET a hello") == "+OK")
            try await test.fault(Fault(.cut(bytes: 6), commands: ["get"], nth: 1))
            try await test.fault(Fault(.cut(bytes: 0), commands: ["incr"]))
            try client.send("PING\r\nGET a\r\nPING\r\n")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "+PONG\r\n$5\r\nhe")
            let next = try test.connect(as: GatewayUnderTest.web)
            try next.send("INCR n\r\n")
            #expect(try next.receiveToEnd().isEmpty)
            let last = try test.connect(as: GatewayUnderTest.web)
            #expect(try last.ask("GET n") == "$1")
            #expect(try last.line() == "1")
        }
    }

    @Test(arguments: FaultBench.all, [FaultEffect.ResetTime.before, .after])
    func `a reset leaves the command undone before, and done after it`(
        bench: FaultBench, when: FaultEffect.ResetTime
    ) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            try await test.fault(Fault(.reset(when), commands: ["incr"], count: 1))
            try client.send("PING\r\nINCR n\r\nINCR n\r\n")
            #expect(try client.line() == "+PONG")
            #expect(client.ending() == .reset)
            let next = try test.connect(as: GatewayUnderTest.web)
            #expect(try next.ask("INCR n") == (when == .before ? ":1" : ":2"))
        }
    }

    @Test(arguments: FaultBench.all, [true, false])
    func `what is dropped is never answered, nor what comes behind it`(
        bench: FaultBench, isExecuted: Bool
    ) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = try await test.fault(Fault(.drop(executed: isExecuted), commands: ["incr"], count: 1))
            try client.send("PING\r\nINCR n\r\nPING\r\n")
            #expect(try client.line() == "+PONG")
            try await eventually("it is met") { await test.report(id)?.fired == 1 }
            let other = try test.connect(as: GatewayUnderTest.web)
            #expect(try other.ask("INCR n") == (isExecuted ? ":2" : ":1"))
            #expect(!client.hasInput(within: .milliseconds(100)))
            #expect(await test.gateway.removeFault(id, on: GatewayUnderTest.endpoint))
            #expect(client.ending() == .closed)
            #expect(try other.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: FaultBench.all)
    func `a command that blocks meets its fault when it is answered`(bench: FaultBench) async throws {
        try await bench.run { test in
            let other = try test.connect(as: GatewayUnderTest.worker)
            let id = try await test.fault(Fault(.cut(bytes: 4), commands: ["blpop"], nth: 1))
            try await test.fault(Fault(.reset(.after), commands: ["blpop"], nth: 1))
            for (number, expected) in [("*2\r\n", SocketClient.Failure?.none), ("", .reset)].enumerated() {
                let client = try test.connect(as: GatewayUnderTest.web)
                try client.send("BLPOP q 0\r\n")
                try await eventually("it waits") { try other.askCount("CLIENT LIST", containing: "flags=b") == 1 }
                #expect(try other.ask("RPUSH q job\(number)") == ":1")
                if let failure = expected.1 {
                    #expect(client.ending() == failure)
                } else {
                    #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == expected.0)
                }
                #expect(try other.ask("LLEN q") == ":0")
            }
            #expect(await test.report(id)?.fired == 1)
        }
    }

    @Test(arguments: FaultBench.all)
    func `messages and pushes are no replies`(bench: FaultBench) async throws {
        try await bench.run { test in
            let other = try test.connect(as: GatewayUnderTest.worker)
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("SUBSCRIBE c\r\n")
            _ = try client.receive(exactly: "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n".utf8.count)
            let id = try await test.fault(Fault(.drop(executed: true), commands: ["ping"]))
            try client.send("PING\r\n")
            try await eventually("it is met") { await test.report(id)?.fired == 1 }
            #expect(try other.ask("PUBLISH c hi") == ":1")
            let message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
            #expect(String(decoding: try client.receive(exactly: message.utf8.count), as: UTF8.self) == message)
            #expect(!client.hasInput(within: .milliseconds(50)))
        }
    }

    @Test(arguments: FaultBench.all)
    func `an error that is silenced is not sent`(bench: FaultBench) async throws {
        try await bench.run { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            try await test.fault(Fault(.error("ERR x"), commands: ["incr"]))
            try client.send("CLIENT REPLY SKIP\r\nINCR a\r\nPING\r\nINCR a\r\n")
            #expect(try client.line() == "+PONG")
            #expect(try client.line() == "-ERR x")
        }
    }

    @Test(arguments: FaultBench.all)
    func `a log-in meets the faults that name it`(bench: FaultBench) async throws {
        try await bench.run { test in
            try await test.fault(Fault(.error("busy")))
            try await test.fault(Fault(.error("ERR later"), commands: ["auth"], count: 1))
            let client = try test.connect()
            #expect(try client.ask("GET a").hasPrefix("-NOAUTH"))
            #expect(try client.ask("AUTH web-secret") == "-ERR later")
            #expect(try client.ask("AUTH web-secret") == "+OK")
            #expect(try client.ask("GET a").hasPrefix("-BUSY"))
        }
    }

    @Test(arguments: FaultBench.all)
    func `with a fault that never matches all replies are the same`(bench: FaultBench) async throws {
        try await bench.run { test in
            var random = SeededRandom(seed: 11)
            var commands = ["FLUSHALL"]
            for _ in 0..<400 {
                let key = "k\(random.below(5))"
                commands.append(
                    random.pick([
                        "SET \(key) \(random.below(100))", "GET \(key)", "INCR \(key)", "LPUSH \(key) a b",
                        "LRANGE \(key) 0 -1", "MULTI", "EXEC", "DISCARD", "DEL \(key)", "HSET \(key) f v",
                        "HGETALL \(key)", "ECHO hi", "NOPE",
                        "GET", "CLIENT GETNAME", "EVAL return(#KEYS) 1 \(key)", "SELECT 0",
                        "BLPOP nothing 0.001", "XADD s 1-\(random.below(50)) f v", "XLEN s", "WATCH \(key)", "UNWATCH",
                    ]))
            }
            commands.append("ECHO end-of-run")
            func replies() throws -> [UInt8] {
                let client = try test.connect(as: GatewayUnderTest.web)
                try client.send(commands.map { $0 + "\r\n" }.joined())
                return try client.receive(until: "end-of-run\r\n")
            }
            let without = try replies()
            try await test.fault(Fault(.error("ERR never"), commands: ["nothing-is-called-so"]))
            try await test.fault(Fault(.delay(9, jitter: 0), key: "no-such-*"))
            try await test.fault(Fault(.latency(1, jitter: 0, .up), toxicity: 0))
            #expect(try replies() == without)
            #expect(await test.gateway.faults(on: GatewayUnderTest.endpoint).map(\.fired) == [0, 0, 0])
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `faults end by themselves, are added together or not at all, and outlive CONFIG RESETSTAT`(
        driver: LoopUnderTest
    ) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let id = GatewayUnderTest.endpoint
            await #expect(throws: BrokerError.self) {
                try await test.gateway.addFaults([Fault(.error("ERR a")), Fault(.down, commands: ["get"])], on: id)
            }
            #expect(await test.gateway.faults(on: id).isEmpty)
            let drop = Fault(.drop(executed: false), commands: ["get"], duration: 200)
            let ids = try await test.gateway.addFaults([Fault(.error("ERR a"), commands: ["ping"]), drop], on: id)
            #expect(try client.ask("CONFIG RESETSTAT") == "+OK")
            #expect(try client.ask("PING") == "-ERR a")
            try client.send("GET a\r\n")
            #expect(client.ending() == .closed)
            let reports = await test.gateway.faults(on: id)
            #expect(reports.map(\.id) == ids)
            #expect(reports[1].isOver && reports[1].endsIn == 0)
            #expect(reports[0].fault.seed != nil)
            await #expect(throws: BrokerError.self) {
                try await test.gateway.addFault(Fault(.down), on: EndpointID("nowhere"))
            }
            #expect(await !test.gateway.removeFault(FaultID(rawValue: 999), on: id))
        }
    }
}

extension SocketClient {
    /// How often a text is in a bulk reply.
    func askCount(_ command: String, containing text: String) throws -> Int {
        let header = try ask(command)
        let size = Int(header.dropFirst()) ?? 0
        let reply = String(decoding: try receive(exactly: size + 2), as: UTF8.self)
        return reply.split(separator: "\n").count { $0.contains(text) }
    }
}
