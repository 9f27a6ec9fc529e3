import EventLoop
import Gateway
import TestKit
import Testing

/// Requests that a relay hands on before their end has come.
@Suite(.requires(.redisServer)) struct LargeRequestTests {
    private static let half = [UInt8](repeating: UInt8(ascii: "v"), count: 1 << 20)
    private static let header = Array("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$\(2 << 20)\r\n".utf8)

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

    /// Waits until a client of the server's has sent a part of a request.
    private func waitForBeginning(at server: RealServer) async throws {
        let direct = try SocketClient(to: server.address, timeout: .seconds(5))
        defer { direct.close() }
        try await eventually("the server has the beginning") {
            try direct.send("CLIENT LIST\r\n")
            let length = try direct.line().dropFirst()
            let list = String(decoding: try direct.receive(exactly: (Int(length) ?? 0) + 2), as: UTF8.self)
            return list.split(separator: " ").contains { word in
                word.hasPrefix("qbuf=") && Int(word.dropFirst(5)).map { $0 > 500_000 } == true
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `the server has the beginning before the end has come`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            try client.send(Array("ECHO before\r\n".utf8) + Self.header + Self.half)
            #expect(try client.line() == "$6")
            #expect(try client.line() == "before")
            try await waitForBeginning(at: server)
            try client.send(Self.half + Array("\r\nSTRLEN k\r\nPING\r\n".utf8))
            #expect(try client.line() == "+OK")
            #expect(try client.line() == ":\(2 << 20)")
            #expect(try client.line() == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `one that breaks off, and one that is none in the middle, do nothing`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            let cut = try test.connect(as: GatewayUnderTest.web)
            #expect(try cut.ask("PING") == "+PONG")
            try cut.send(Self.header + Self.half)
            try await waitForBeginning(at: server)
            cut.shutdownOutput()
            let began = ContinuousClock.now
            #expect(try cut.isEnded())
            #expect(began.duration(to: .now) < .seconds(3))

            let broken = try test.connect(as: GatewayUnderTest.web)
            #expect(try broken.ask("PING") == "+PONG")
            try broken.send(Array("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$\(1 << 20)\r\n".utf8) + Self.half)
            try broken.send("\r\n+OK\r\n")
            #expect(try broken.line() == "-ERR Protocol error: expected '$', got '+'")
            #expect(try broken.isEnded())
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("EXISTS k") == ":0")
            try await eventually("nobody is left") { await test.connections() == 1 }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `headers without an end, and numbers of many digits, harm nobody`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let many = String(repeating: "0", count: 20_000)
            for rest in [
                "$\(many)", "$\(many)5\r\nhello\r\n", "$3\r\nkey\r\n$\(many)", "$\(many.prefix(25))1\r\n\(many)",
            ] {
                let client = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("PING") == "+PONG")
                try client.send("*3\r\n$3\r\nSET\r\n" + rest)
                client.shutdownOutput()
                _ = try client.receiveToEnd()
                #expect(try test.connect(as: GatewayUnderTest.web).ask("PING") == "+PONG")
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a move waits for the end of one`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            try client.send(Self.header + Self.half)
            try await waitForBeginning(at: server)
            let endpoint = GatewayUnderTest.endpoint
            #expect(await test.gateway.prepare(endpoint, for: .cache(test.emulator), within: .seconds(5)) == nil)
            // Too short: the end has not come.
            let early = await test.gateway.pause(endpoint, within: .milliseconds(50))
            guard case .tooLate(let clients) = early else { return #expect(Bool(false), "it has to wait") }
            #expect(clients.map(\.why) == ["waits for a reply"])
            await test.gateway.resume(endpoint)

            #expect(await test.gateway.prepare(endpoint, for: .cache(test.emulator), within: .seconds(5)) == nil)
            async let paused = test.gateway.pause(endpoint, within: .seconds(5))
            try client.send(Self.half + Array("\r\n".utf8))
            #expect(await paused == nil)
            try client.send("EXISTS k\r\n")
            #expect(await test.gateway.restore(endpoint, within: .seconds(5)) == nil)
            #expect(await test.gateway.adopt(endpoint)?.moved == 1)
            // The first was answered by the server, the second by the emulator, which holds nothing.
            #expect(try client.line() == "+OK")
            #expect(try client.line() == ":0")
        }
    }
}
