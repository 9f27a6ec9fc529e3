import EventLoop
import Gateway
import TestKit
import Testing

/// What CONFIG has set of connections is enforced.
struct LimitsTests {
    private func run(_ driver: LoopUnderTest, _ body: (GatewayUnderTest, SocketClient) async throws -> Void)
        async throws
    {
        try await GatewayUnderTest.run(driver) { test in
            try await body(test, try test.connect(as: GatewayUnderTest.web))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `one client too many is told so and closed, and may come when another has gone`(driver: LoopUnderTest)
        async throws
    {
        try await run(driver) { test, client in
            #expect(try client.ask("CONFIG SET maxclients 2") == "+OK")
            let second = try test.connect(as: GatewayUnderTest.web)
            let third = try test.connect()
            #expect(
                String(decoding: try third.receiveToEnd(), as: UTF8.self) == "-ERR max number of clients reached\r\n")
            try client.send("INFO clients\r\nINFO stats\r\n")
            _ = try client.receive(until: "maxclients:2\r\n")
            _ = try client.receive(until: "rejected_connections:1\r\n")
            second.close()
            try await eventually("there is room") {
                let again = try test.connect()
                try again.send("AUTH \(GatewayUnderTest.web.secret)\r\n")
                return (try? again.line()) == "+OK"
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `who is idle for too long is closed, but not who listens or waits`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            let (listener, waiter) = (
                try test.connect(as: GatewayUnderTest.web), try test.connect(as: GatewayUnderTest.web)
            )
            try listener.send("SUBSCRIBE c\r\n")
            _ = try listener.receive(until: ":1\r\n")
            try waiter.send("BLPOP l 0\r\n")
            #expect(try client.ask("CONFIG SET timeout 1") == "+OK")
            #expect(try client.isEnded())
            let other = try test.connect(as: GatewayUnderTest.web)
            #expect(try other.ask("CONFIG SET timeout 0") == "+OK")
            #expect(try other.ask("PUBLISH c x") == ":1")
            #expect(try other.ask("RPUSH l a") == ":1")
            _ = try waiter.receive(until: "$1\r\na\r\n")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `who leaves more unread than its class may is closed`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(
                try client.ask("CONFIG SET client-output-buffer-limit \"pubsub 100kb 0 0 normal 200kb 0 0\"") == "+OK")
            let listener = try SocketClient(to: test.address, receiveBuffer: 4096)
            try listener.send("AUTH \(GatewayUnderTest.web.secret)\r\nSUBSCRIBE c\r\n")
            _ = try listener.receive(until: ":1\r\n")
            let message = String(repeating: "x", count: 10_000)
            try await eventually("it is closed") { try client.ask("PUBLISH c \(message)") == ":0" }

            #expect(try client.ask("SET large \(String(repeating: "y", count: 60_000))") == "+OK")
            let reader = try SocketClient(to: test.address, receiveBuffer: 4096)
            try reader.send("AUTH \(GatewayUnderTest.web.secret)\r\n")
            #expect(try reader.line() == "+OK")
            try reader.send(String(repeating: "GET large\r\n", count: 400))
            try await eventually("it is closed") { await test.connections() == 1 }
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `one reply or message above the hard limit does not go out at all`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(
                try client.ask("CONFIG SET client-output-buffer-limit \"normal 100000 0 0 pubsub 100000 0 0\"") == "+OK"
            )
            #expect(try client.ask("SETRANGE large 1000000 x") == ":1000001")
            let reader = try test.connect(as: GatewayUnderTest.web)
            try reader.send("GET large\r\nPING\r\n")
            #expect(try reader.receiveToEnd().isEmpty)
            let listener = try test.connect(as: GatewayUnderTest.web)
            try listener.send("SUBSCRIBE c\r\n")
            _ = try listener.receive(until: ":1\r\n")
            #expect(try client.ask("EVAL \"return redis.call('publish', 'c', string.rep('x', 200000))\" 0") == ":1")
            #expect(try listener.receiveToEnd().isEmpty)
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `the soft limit counts only after its time`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(try client.ask("CONFIG SET client-output-buffer-limit \"pubsub 0 50kb 1\"") == "+OK")
            let listener = try SocketClient(to: test.address, receiveBuffer: 4096)
            try listener.send("AUTH \(GatewayUnderTest.web.secret)\r\nSUBSCRIBE c\r\n")
            _ = try listener.receive(until: ":1\r\n")
            let message = String(repeating: "x", count: 10_000)
            for _ in 0..<300 { _ = try client.ask("PUBLISH c \(message)") }
            #expect(try client.ask("PUBLISH c \(message)") == ":1")
            try await eventually("it is closed") { try client.ask("PUBLISH c x") == ":0" }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `the time of a soft limit passes without another message`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(try client.ask("CONFIG SET client-output-buffer-limit \"pubsub 0 1mb 1\"") == "+OK")
            let listener = try SocketClient(to: test.address, receiveBuffer: 4096)
            try listener.send("AUTH \(GatewayUnderTest.web.secret)\r\nSUBSCRIBE c\r\n")
            _ = try listener.receive(until: ":1\r\n")
            let message = String(repeating: "x", count: 16_000_000)
            try client.send("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$\(message.utf8.count)\r\n\(message)\r\n")
            #expect(try client.line() == ":1")
            try await eventually("it is closed") { await test.connections() == 1 }
            #expect(try client.ask("PUBLISH c x") == ":0")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `values and requests are as long as they may be`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(try client.ask("CONFIG SET proto-max-bulk-len 1mb client-query-buffer-limit 1mb") == "+OK")
            #expect(try client.ask("SETRANGE k 1048577 x").hasPrefix("-ERR string exceeds maximum allowed size"))
            let long = try test.connect(as: GatewayUnderTest.web)
            try long.send("*2\r\n$3\r\nGET\r\n$1048577\r\n")
            #expect(
                String(decoding: try long.receiveToEnd(), as: UTF8.self)
                    == "-ERR Protocol error: invalid bulk length\r\n")
            let many = try test.connect(as: GatewayUnderTest.web)
            let part = "$100000\r\n" + String(repeating: "z", count: 100_000) + "\r\n"
            try? many.send("*200\r\n$3\r\nDEL\r\n" + String(repeating: part, count: 30))
            #expect(throws: (any Error).self) {
                if try many.receiveToEnd().isEmpty { throw SocketClient.Failure.closed }
            }
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `nobody asks for more than the memory of all bears`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            for change in [
                "proto-max-bulk-len 9223372036854775807", "proto-max-bulk-len 8gb", "client-query-buffer-limit 64gb",
                "slowlog-max-len 9223372036854775807", "repl-backlog-size 64gb", "acllog-max-len 9223372036854775807",
                "client-output-buffer-limit \"normal 0 1 99999999999\"",
            ] {
                #expect(try client.ask("CONFIG SET \(change)").hasPrefix("-ERR CONFIG SET failed"), "\(change)")
            }
            #expect(try client.ask("CONFIG SET client-output-buffer-limit \"normal 0 1 2147483647\"") == "+OK")
            #expect(try client.ask("CONFIG SET slowlog-max-len 65536 slowlog-log-slower-than 0") == "+OK")
            for _ in 0..<3 {
                #expect(try client.ask("ECHO \(String(repeating: "x", count: 3000))") == "$3000")
                _ = try client.line()
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `who monitors is shown no secret, and is closed where it does not read`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, client in
            #expect(try client.ask("CONFIG SET client-output-buffer-limit \"slave 200kb 0 0\"") == "+OK")
            let monitor = try SocketClient(to: test.address, receiveBuffer: 4096)
            try monitor.send("AUTH \(GatewayUnderTest.web.secret)\r\nMONITOR\r\n")
            _ = try monitor.receive(until: "+OK\r\n+OK\r\n")
            for words in [
                "HELLO 3 SETNAME auth AUTH web web-secret", "HELLO 3 AUTH a b AUTH web web-secret",
                "HELLO 2 AUTH web web-secret", "AUTH web web-secret", "AUTH web-secret",
            ] {
                let other = try test.connect(as: GatewayUnderTest.web)
                try other.send(words + "\r\nECHO done\r\n")
                let shown = String(decoding: try monitor.receive(until: "\"done\"\r\n"), as: UTF8.self)
                #expect(!shown.contains("web-secret"), "\(shown)")
            }
            let long = String(repeating: "x", count: 10_000)
            try await eventually("it is closed") {
                _ = try client.ask("SET k \(long)")
                return await test.connections() == 1
            }
        }
    }
}
