import EventLoop
import Gateway
import TestKit
import Testing

/// What clients have put into a server's script cache, and whom they wake.
@Suite(.requires(.redisServer)) struct ScriptTests {

    private func move(_ test: GatewayUnderTest, to target: Upstream, meanwhile: () throws -> Void = {}) async throws {
        let endpoint = GatewayUnderTest.endpoint
        #expect(await test.gateway.prepare(endpoint, for: target, within: .seconds(5)) == nil)
        try meanwhile()
        #expect(await test.gateway.pause(endpoint, within: .seconds(5)) == nil)
        #expect(await test.gateway.restore(endpoint, within: .seconds(5)) == nil)
        #expect(await test.gateway.adopt(endpoint) != nil)
    }

    /// SCRIPT LOAD; the hash that the server answers.
    private func load(_ client: SocketClient, _ script: String) throws -> String {
        try client.send("SCRIPT LOAD \"\(script)\"\r\n")
        #expect(try client.line() == "$40")
        return try client.line()
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `scripts that were seen are at the target, and those that were flushed are not`(
        driver: LoopUnderTest
    ) async throws {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await GatewayUnderTest.run(driver, routed: false) { test in
                    func upstream(_ server: RealServer) -> Upstream {
                        .redisServer(.init(address: server.address, user: nil, secret: nil, database: nil))
                    }
                    await test.gateway.route(GatewayUnderTest.endpoint, to: upstream(first))
                    let client = try test.connect(as: GatewayUnderTest.web)
                    let gone = try load(client, "return 0")
                    #expect(try client.ask("SCRIPT FLUSH") == "+OK")
                    let loaded = try load(client, "return 11")
                    #expect(try client.ask("EVAL \"return 12\" 0") == ":12")
                    var late = ""
                    try await move(test, to: upstream(second)) { late = try load(client, "return 13") }
                    #expect(try client.ask("EVALSHA \(loaded) 0") == ":11")
                    #expect(try client.ask("EVALSHA \(late) 0") == ":13")
                    #expect(try client.ask("EVALSHA \(gone) 0").hasPrefix("-NOSCRIPT"))
                    try client.send("SCRIPT EXISTS \(loaded) \(gone)\r\n")
                    _ = try client.receive(until: "*2\r\n:1\r\n:0\r\n")
                    // And back, where they still are.
                    try await move(test, to: upstream(first))
                    #expect(try client.ask("EVALSHA \(late) 0") == ":13")
                }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what was flushed at an emulator does not come to the next server`(driver: LoopUnderTest) async throws {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await GatewayUnderTest.run(driver) { test in
                    func upstream(_ server: RealServer) -> Upstream {
                        .redisServer(.init(address: server.address, user: nil, secret: nil, database: nil))
                    }
                    let client = try test.connect(as: GatewayUnderTest.web)
                    let gone = try load(client, "return 1")
                    try await move(test, to: upstream(first))
                    #expect(try client.ask("EVALSHA \(gone) 0") == ":1")
                    try await move(test, to: .cache(test.emulator))
                    #expect(try client.ask("EVALSHA \(gone) 0") == ":1")
                    #expect(try client.ask("SCRIPT FLUSH") == "+OK")
                    let kept = try load(client, "return 2")
                    try await move(test, to: upstream(second))
                    #expect(try client.ask("EVALSHA \(gone) 0").hasPrefix("-NOSCRIPT"))
                    #expect(try client.ask("EVALSHA \(kept) 0") == ":2")
                }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that waits at the server is woken by its number here`(driver: LoopUnderTest) async throws {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                await test.gateway.route(
                    GatewayUnderTest.endpoint,
                    to: .redisServer(.init(address: server.address, user: nil, secret: nil, database: nil)))
                let direct = try SocketClient(to: server.address, timeout: .seconds(5))
                let waker = try test.connect(as: GatewayUnderTest.web)
                for (reason, answer) in [("", "*-1"), (" TIMEOUT", "*-1"), (" ERROR", "-UNBLOCKED")] {
                    let waiting = try test.connect(as: GatewayUnderTest.web)
                    let id = try waiting.ask("CLIENT ID").dropFirst()
                    #expect(try waker.ask("CLIENT UNBLOCK \(id)") == ":0")
                    try waiting.send("BLPOP nothing 0\r\n")
                    try await eventually("it waits") {
                        let info = try direct.ask("INFO clients")
                        let rest = try direct.receive(exactly: (Int(info.dropFirst()) ?? 0) + 2)
                        return String(decoding: rest, as: UTF8.self).contains("blocked_clients:1")
                    }
                    #expect(try waker.ask("CLIENT UNBLOCK \(id)\(reason)") == ":1")
                    #expect(try waiting.line().hasPrefix(answer))
                    #expect(try waiting.ask("PING") == "+PONG")
                }
                #expect(try waker.ask("CLIENT UNBLOCK 99999") == ":0")
            }
        }
    }
}
