import EventLoop
import Gateway
import TestKit
import Testing

/// Cursors travel between an app's connections, and from before a switch to behind it.
@Suite(.requires(.redisServer)) struct ScanTests {
    private static let keys = (0..<500).map { "stay:\($0)" }

    /// One page: the cursor and the names.
    private func page(_ client: SocketClient, _ command: String) throws -> (cursor: String, names: [String]) {
        try client.send(command + "\r\n")
        #expect(try client.line() == "*2")
        _ = try client.line()
        let cursor = try client.line()
        let count = Int(try client.line().dropFirst()) ?? 0
        let names = try (0..<count).map { _ in
            _ = try client.line()
            return try client.line()
        }
        // HSCAN has the values between them.
        return (cursor, names.filter { $0.hasPrefix("stay:") })
    }

    private func fill(_ client: SocketClient) throws {
        for key in Self.keys { #expect(try client.ask("SET \(key) v").hasPrefix("+")) }
        for key in Self.keys {
            #expect(try client.ask("HSET hash \(key) \(String(repeating: "v", count: 80))") == ":1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases, [true, false])
    func `a walk that a switch comes into misses nothing that stays`(driver: LoopUnderTest, isBack: Bool) async throws {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                let there = Upstream.redisServer(
                    .init(address: server.address, user: nil, secret: nil, database: nil))
                let (first, second) = isBack ? (there, .cache(test.emulator)) : (.cache(test.emulator), there)
                let endpoint = GatewayUnderTest.endpoint
                // Both hold the same keys, each in an order of its own.
                await test.gateway.route(endpoint, to: second)
                try fill(try test.connect(as: GatewayUnderTest.web))
                await test.gateway.route(endpoint, to: first)
                let client = try test.connect(as: GatewayUnderTest.web)
                try fill(client)
                for (command, tail) in [("SCAN", "COUNT 50"), ("HSCAN hash", "COUNT 50")] {
                    if command != "SCAN" { await test.gateway.route(endpoint, to: first) }
                    let walker = try test.connect(as: GatewayUnderTest.web)
                    let (begun, names) = try page(walker, "\(command) 0 \(tail)")
                    #expect(begun != "0" && (Int(begun) ?? .max) < 1 << 53)
                    // Another connection of the app goes on.
                    let other = try test.connect(as: GatewayUnderTest.web)
                    let (next, more) = try page(other, "\(command) \(begun) \(tail)")
                    #expect(Set(more).isDisjoint(with: names))

                    #expect(await test.gateway.prepare(endpoint, for: second, within: .seconds(5)) == nil)
                    #expect(await test.gateway.pause(endpoint, within: .seconds(5)) == nil)
                    #expect(await test.gateway.restore(endpoint, within: .seconds(5)) == nil)
                    #expect(await test.gateway.adopt(endpoint) != nil)
                    var seen: Set<String> = []
                    var cursor = next
                    repeat {
                        let (following, names) = try page(walker, "\(command) \(cursor) \(tail)")
                        seen.formUnion(names)
                        cursor = following
                    } while cursor != "0"
                    #expect(seen.isSuperset(of: Self.keys))
                }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `pages come in pipelines, inside MULTI, and with errors between them`(driver: LoopUnderTest) async throws {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                await test.gateway.route(
                    GatewayUnderTest.endpoint,
                    to: .redisServer(.init(address: server.address, user: nil, secret: nil, database: nil)))
                let client = try test.connect(as: GatewayUnderTest.web)
                try fill(client)
                try client.send("SCAN\r\nSCAN x\r\nSCAN 0 COUNT\r\nPING\r\n")
                #expect(try client.line() == "-ERR wrong number of arguments for 'scan' command")
                #expect(try client.line() == "-ERR invalid cursor")
                #expect(try client.line() == "-ERR syntax error")
                #expect(try client.line() == "+PONG")
                // Inside MULTI a cursor has no epoch: it goes on where it came from.
                var seen: Set<String> = []
                var cursor = "0"
                repeat {
                    #expect(try client.ask("MULTI") == "+OK")
                    #expect(try client.ask("SCAN \(cursor) COUNT 100") == "+QUEUED")
                    try client.send("EXEC\r\n")
                    #expect(try client.line() == "*1")
                    let (following, names) = try page(client, "")
                    seen.formUnion(names)
                    cursor = following
                } while cursor != "0"
                #expect(seen.isSuperset(of: Self.keys))
            }
        }
    }
}
