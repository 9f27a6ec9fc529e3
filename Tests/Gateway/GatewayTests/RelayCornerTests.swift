import EventLoop
import Gateway
import TestKit
import Testing

/// What few clients do, before a real redis-server.
@Suite(.requires(.redisServer)) struct RelayCornerTests {
    private func run(_ driver: LoopUnderTest, _ body: (GatewayUnderTest, RealServer) async throws -> Void) async throws
    {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                let upstream = Upstream.RedisServer(address: server.address, user: nil, secret: nil, database: nil)
                await test.gateway.route(GatewayUnderTest.endpoint, to: .redisServer(upstream))
                try await body(test, server)
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `the server's own secret is not shown by CONFIG GET`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            for names in ["requirepass", "REQUIREPASS", "*", "require?ass", "[r]equirepass", "maxmemory masterauth"] {
                #expect(try client.ask("CONFIG GET \(names)").hasPrefix("-NOPERM"))
            }
            #expect(try client.ask("CONFIG GET maxmemory-p*") == "*2")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what scripts may answer comes through whole`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("EVAL \"local t={1} for i=1,40 do t={t} end return t\" 0\r\nPING\r\n")
            _ = try client.receive(until: ":1\r\n")
            #expect(try client.line() == "+PONG")
            #expect(try client.ask("EVAL \"return redis.status_reply(string.rep('x',70000))\" 0").count == 70_001)
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a line with a zero byte is answered, and the client's end is noticed`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send(Array("\0ping\r\n".utf8))
            #expect(try client.line() == "+PONG")
            try client.send("CLIENT ID\r\n")
            #expect(try client.line().hasPrefix(":"))
            client.close()
            try await eventually("it is gone") { await test.connections() == 0 }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what is sent behind a refused MULTI runs once, also when the client is moved`(driver: LoopUnderTest)
        async throws
    {
        let forbidden = ["--rename-command", "MULTI", ""]
        try await RealServer.run(.redisServer, arguments: forbidden) { strict in
            try await run(driver) { test, server in
                let (id, limit) = (GatewayUnderTest.endpoint, Duration.seconds(5))
                let there = Upstream.RedisServer(address: server.address, user: nil, secret: nil, database: nil)
                let here = Upstream.RedisServer(address: strict.address, user: nil, secret: nil, database: nil)
                await test.gateway.route(id, to: .redisServer(here))
                let client = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("MULTI").hasPrefix("-ERR unknown command"))
                #expect(try client.ask("INCR x") == ":1")
                #expect(await test.gateway.prepare(id, for: .redisServer(there), within: limit) == nil)
                #expect(await test.gateway.pause(id, within: limit) == nil)
                #expect(await test.gateway.restore(id, within: limit) == nil)
                #expect(await test.gateway.adopt(id) != nil)
                #expect(try client.ask("GET x") == "$-1")
                #expect(try client.ask("EXEC") == "-ERR EXEC without MULTI")
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a subscription inside MULTI is refused, and the transaction with it`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("MULTI") == "+OK")
            #expect(try client.ask("SUBSCRIBE c") == "-ERR Command not allowed inside a transaction")
            #expect(try client.ask("EXEC").hasPrefix("-EXECABORT"))
            #expect(try client.ask("CLIENT ID").hasPrefix(":"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `replies that are skipped are the ones that Redis skips`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nGET k\r\nPING\r\n")
            #expect(try client.line() == "+PONG")
            try client.send("CLIENT REPLY OFF\r\nPING\r\nQUIT\r\n")
            #expect(try client.isEnded())
        }
    }

    /// Nothing but its connection holds such a client's session, and that goes with the last reply.
    @Test(arguments: LoopUnderTest.allCases)
    func `a client that ends its output is answered, then closed, also when all it is owed is silence`(
        driver: LoopUnderTest
    ) async throws {
        try await run(driver) { test, _ in
            for number in 1...20 {
                let (heard, unheard) = (
                    try test.connect(as: GatewayUnderTest.web), try test.connect(as: GatewayUnderTest.web)
                )
                try heard.send("INCR heard\r\nEVAL \"for i = 1, 300000 do end return 0\" 0\r\nPING\r\n")
                heard.shutdownOutput()
                try unheard.send(
                    "CLIENT REPLY OFF\r\nINCR unheard\r\nEVAL \"for i = 1, 300000 do end return 0\" 0\r\nINCR unheard\r\n"
                )
                unheard.shutdownOutput()
                #expect(try heard.line() == ":\(number)")
                #expect(try heard.line() == ":0")
                #expect(try heard.line() == "+PONG")
                #expect(try heard.isEnded())
                #expect(try unheard.isEnded())
            }
            let last = try test.connect(as: GatewayUnderTest.web)
            #expect(try last.ask("GET unheard") == "$2")
            #expect(try last.line() == "40")
        }
    }
}
