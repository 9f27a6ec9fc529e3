import EventLoop
import Gateway
import TestKit
import Testing

/// CLIENT TRACKING and MONITOR at a real server and at the emulator, and through a move from one to another.
@Suite(.requires(.redisServer)) struct TrackingTests {
    /// Which servers a client is moved between.
    enum Move: CaseIterable, Sendable {
        case betweenServers
        case toEmulator
        case fromEmulator
    }

    private func run(
        _ driver: LoopUnderTest, _ way: Move = .betweenServers,
        _ body: (GatewayUnderTest, _ move: () async throws -> Void) async throws -> Void
    ) async throws {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await GatewayUnderTest.run(driver, routed: false) { test in
                    let id = GatewayUnderTest.endpoint
                    let here = Upstream.RedisServer(address: first.address, user: nil, secret: nil, database: nil)
                    let there = Upstream.RedisServer(address: second.address, user: nil, secret: nil, database: nil)
                    let from = way == .fromEmulator ? Upstream.cache(test.emulator) : .redisServer(here)
                    let to = way == .toEmulator ? Upstream.cache(test.emulator) : .redisServer(there)
                    await test.gateway.route(id, to: from)
                    try await body(test) {
                        let limit = Duration.seconds(5)
                        #expect(await test.gateway.prepare(id, for: to, within: limit) == nil)
                        #expect(await test.gateway.pause(id, within: limit) == nil)
                        #expect(await test.gateway.restore(id, within: limit) == nil)
                        #expect(await test.gateway.adopt(id) != nil)
                    }
                }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases, Move.allCases)
    func `what a client keeps is called invalid by a push, and all of it at a move`(driver: LoopUnderTest, way: Move)
        async throws
    {
        try await run(driver, way) { test, move in
            let client = try test.connect(as: GatewayUnderTest.web)
            let other = try test.connect(as: GatewayUnderTest.web)
            try client.send("HELLO 3\r\n")
            while try client.line() != "*0" {}
            #expect(try client.ask("CLIENT GETREDIR") == ":-1")
            #expect(try client.ask("CLIENT TRACKING ON NOLOOP") == "+OK")
            #expect(try client.ask("CLIENT GETREDIR") == ":0")
            for round in 0..<2 {
                #expect(try client.ask("GET k").hasPrefix("_"))
                #expect(try other.ask("SET k \(round)") == "+OK")
                #expect(try (0..<6).map { _ in try client.line() } == [">2", "$10", "invalidate", "*1", "$1", "k"])
                guard round == 0 else { continue }
                try await move()
                #expect(try (0..<4).map { _ in try client.line() } == [">2", "$10", "invalidate", "_"])
            }
            #expect(try client.ask("CLIENT TRACKING OFF") == "+OK")
            #expect(try client.ask("CLIENT GETREDIR") == ":-1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases, Move.allCases)
    func `the client that is told is named by the number that it has here`(driver: LoopUnderTest, way: Move)
        async throws
    {
        try await run(driver, way) { test, move in
            let told = try test.connect(as: GatewayUnderTest.web)
            let id = try told.ask("CLIENT ID").dropFirst()
            try told.send("SUBSCRIBE __redis__:invalidate\r\n")
            _ = try told.receive(until: ":1\r\n")
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("CLIENT TRACKING ON REDIRECT 4711").hasPrefix("-ERR The client ID you want"))
            #expect(try client.ask("CLIENT TRACKING ON REDIRECT \(id) BCAST PREFIX redirect") == "+OK")
            #expect(try client.ask("CLIENT GETREDIR") == ":\(id)")
            let other = try test.connect(as: GatewayUnderTest.web)
            for round in 0..<2 {
                #expect(try other.ask("SET redirect:\(round) v") == "+OK")
                _ = try told.receive(until: "invalidate\r\n*1\r\n$10\r\nredirect:\(round)\r\n")
                guard round == 0 else { continue }
                try await move()
                _ = try told.receive(until: "invalidate\r\n$-1\r\n")
                #expect(try client.ask("CLIENT GETREDIR") == ":\(id)")
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases, Move.allCases)
    func `MONITOR goes on at the target`(driver: LoopUnderTest, way: Move) async throws {
        try await run(driver, way) { test, move in
            let watcher = try test.connect(as: GatewayUnderTest.web)
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try watcher.ask("MONITOR") == "+OK")
            for round in 0..<2 {
                #expect(try client.ask("SET k\(round) v") == "+OK")
                _ = try watcher.receive(until: "\"SET\" \"k\(round)\" \"v\"\r\n")
                if round == 0 { try await move() }
            }
            try watcher.send("GET k\r\n")
            let refusal =
                way == .toEmulator ? "Replica can't interact with the keyspace" : "only RESET and QUIT are possible"
            _ = try watcher.receive(until: "-ERR \(refusal)")
            _ = try watcher.receive(until: "\r\n")
            try watcher.send("RESET\r\n")
            _ = try watcher.receive(until: "+RESET\r\n")
            #expect(try watcher.ask("AUTH \(GatewayUnderTest.web.secret)") == "+OK")
            #expect(try watcher.ask("EXISTS k1") == ":1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `prefixes that were added one by one are all carried from an emulator`(driver: LoopUnderTest) async throws {
        try await run(driver, .fromEmulator) { test, move in
            let client = try test.connect(as: GatewayUnderTest.web)
            let other = try test.connect(as: GatewayUnderTest.web)
            try client.send("HELLO 3\r\n")
            while try client.line() != "*0" {}
            #expect(try client.ask("CLIENT TRACKING ON BCAST PREFIX a: NOLOOP") == "+OK")
            #expect(try client.ask("CLIENT TRACKING ON BCAST PREFIX b: NOLOOP") == "+OK")
            try await move()
            #expect(try (0..<4).map { _ in try client.line() } == [">2", "$10", "invalidate", "_"])
            for key in ["a:1", "b:1"] {
                #expect(try other.ask("SET \(key) v") == "+OK")
                #expect(try (0..<6).map { _ in try client.line() } == [">2", "$10", "invalidate", "*1", "$3", key])
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that monitors is not moved to where others are, and nobody tracks others' keys`(
        driver: LoopUnderTest
    ) async throws {
        try await RealServer.run(.redisServer) { server in
            try await run(driver) { test, _ in
                let shared = Upstream.RedisServer(address: server.address, user: nil, secret: nil, database: 3)
                let watcher = try test.connect(as: GatewayUnderTest.web)
                #expect(try watcher.ask("MONITOR") == "+OK")
                let (id, limit) = (GatewayUnderTest.endpoint, Duration.seconds(5))
                #expect(await test.gateway.prepare(id, for: .redisServer(shared), within: limit) == nil)
                #expect(await test.gateway.pause(id, within: limit) == nil)
                #expect(await test.gateway.restore(id, within: limit) != nil)
                await test.gateway.resume(id)

                watcher.close()
                let tracking = try test.connect(as: GatewayUnderTest.web)
                try tracking.send("HELLO 3\r\n")
                while try tracking.line() != "*0" {}
                #expect(try tracking.ask("CLIENT TRACKING ON BCAST") == "+OK")
                #expect(await test.gateway.prepare(id, for: .redisServer(shared), within: limit) == nil)
                #expect(await test.gateway.pause(id, within: limit) == nil)
                #expect(await test.gateway.restore(id, within: limit) != nil)
                await test.gateway.resume(id)

                await test.gateway.route(id, to: .redisServer(shared))
                let client = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("MONITOR").hasPrefix("-NOPERM"))
                #expect(try client.ask("CLIENT TRACKING ON BCAST").hasPrefix("-NOPERM"))
            }
        }
    }
}
