import BrokerModel
import EventLoop
import TestKit
import Testing

@testable import ControlPlane

/// What apps have set up at an emulator beside their data: events of keys, and users.
@Suite(.requires(.redisServer)) struct SwapSettingsTests {
    private func listener(_ broker: BrokerUnderTest) async throws -> RedisClient {
        let client = try RedisClient(try await broker.variable("CACHE_URL"))
        try client.socket.send("SUBSCRIBE __keyevent@0__:set\r\n")
        _ = try client.socket.receive(until: ":1\r\n")
        return client
    }

    /// Whether the listener hears that the key is set.
    private func hears(_ listener: RedisClient, _ client: RedisClient, _ key: String) throws -> Bool {
        try client.ask("SET \(key) v")
        guard listener.socket.hasInput(within: .seconds(5)) else { return false }
        let message =
            "*3\r\n$7\r\nmessage\r\n$18\r\n__keyevent@0__:set\r\n"
            + "$\(key.utf8.count)\r\n\(key)\r\n"
        return try listener.socket.receive(exactly: message.utf8.count) == Array(message.utf8)
    }

    @Test func `who listens to events of keys hears them behind a swap, a restart of the server, and the way back`()
        async throws
    {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("CONFIG SET notify-keyspace-events E$") == "+OK")
            let listener = try await listener(broker)
            #expect(try hears(listener, client, "a"))
            try await broker.swap("cache", to: "exec:redis-server", cold: false)
            #expect(try hears(listener, client, "b"))
            // What the server is started with the next time.
            try await broker.restart()
            try await broker.isEventually("ready", "cache")
            let (client2, listener2) = (
                try RedisClient(try await broker.variable("CACHE_URL")), try await self.listener(broker)
            )
            #expect(try hears(listener2, client2, "c"))
            try await broker.swap("cache", to: "emulator", cold: false)
            #expect(try hears(listener2, client2, "d"))
            // Changed at the emulator: the way back takes it along.
            #expect(try client2.ask("CONFIG SET notify-keyspace-events KEA") == "+OK")
            _ = try await broker.rollback("cache")
            #expect(try hears(listener2, client2, "e"))
            #expect(try client2.lines("CONFIG GET notify-keyspace-events").last == "AKE")
        }
    }

    @Test func `a server of somebody else that publishes no events is refused to who listens to them`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                let there = "redis://127.0.0.1:\(server.port ?? 0)/0"
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                #expect(try client.ask("CONFIG SET notify-keyspace-events E$") == "+OK")
                let listener = try await listener(broker)
                let request = SwapRequest(to: try ProviderDocument(there))
                let plan = try await broker.plane.planSwap("cache", request, in: broker.workspace)
                #expect(plan.problems.map(\.code) == [.unsafe])
                let refused = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: there, cold: false)
                }
                #expect(refused?.code == .unsafe && refused?.description.contains("lacks $E there") == true)
                #expect(try hears(listener, client, "a"))
                let owner = try RedisClient(there)
                #expect(try owner.ask("CONFIG GET notify-keyspace-events").hasPrefix("*2"))
                _ = try (owner.line(), owner.line(), owner.line(), owner.line())
                #expect(try owner.ask("CONFIG SET notify-keyspace-events KEA") == "+OK")
                try await broker.swap("cache", to: there, cold: false)
                #expect(try hears(listener, client, "b"))
                // Its owner's settings stay the owner's, also where the emulator's are others.
                try await broker.swap("cache", to: "emulator", cold: false)
                #expect(try client.lines("CONFIG GET notify-keyspace-events").last == "AKE")
            }
        }
    }

    @Test func `users that apps have made keep a swap from losing them`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("ACL SETUSER helper on >pw ~* +@all") == "+OK")
            let refused = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "exec:redis-server", cold: false)
            }
            #expect(refused?.code == .unsupported && refused?.description.contains("helper") == true)
            let again = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("AUTH helper pw") == "+OK")
            #expect(try again.ask("ACL DELUSER helper") == ":1")
            #expect(try again.ask("SET k v") == "+OK")
            try await broker.swap("cache", to: "exec:redis-server", cold: false)
            #expect(try again.ask("GET k") == "v")
            // A rollback would lose them, too.
            try await broker.swap("cache", to: "emulator", cold: false)
            #expect(try again.ask("ACL SETUSER helper on >pw ~* +@all") == "+OK")
            let kept = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
            #expect(kept?.description.contains("helper") == true, "\(String(describing: kept))")
            #expect(try again.ask("ACL DELUSER helper") == ":1")
            _ = try await broker.rollback("cache")
        }
    }

    @Test func `a limit of memory goes along to a server, its restart, and back`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lfu") == "+OK")
            let told = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(told.leftBehind == nil)
            #expect(try client.lines("CONFIG GET maxmemory").last == "104857600")
            #expect(try client.lines("CONFIG GET maxmemory-policy").last == "allkeys-lfu")
            try await broker.restart()
            try await broker.isEventually("ready", "cache")
            let again = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try again.lines("CONFIG GET maxmemory").last == "104857600")
            try await broker.swap("cache", to: "emulator", cold: false, maxPause: 5000)
            #expect(try again.lines("CONFIG GET maxmemory").last == "104857600")
            #expect(try again.lines("CONFIG GET maxmemory-policy").last == "allkeys-lfu")
            #expect(try again.ask("CONFIG SET maxmemory 200mb maxmemory-policy volatile-ttl") == "+OK")
            try await broker.rollback("cache")
            #expect(try again.lines("CONFIG GET maxmemory").last == "209715200")
            #expect(try again.lines("CONFIG GET maxmemory-policy").last == "volatile-ttl")
        }
    }

    @Test func `a limit of memory that is too little at the target keeps a swap from losing keys`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            #expect(try client.ask("CONFIG SET maxmemory 100kb maxmemory-policy allkeys-lru") == "+OK")
            let refused = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            }
            #expect(refused?.what == "maxmemory of 102.4 kB is too little at \"exec:redis-server\"")
            let fix = try #require(refused?.fix?.split(separator: " in the app").first)
            #expect(try client.ask(String(fix)) == "+OK")
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(try client.ask("GET k") == "v")
        }
    }

    @Test func `the limit of memory of a server of somebody else stays its owner's, which is told`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                let there = "redis://127.0.0.1:\(server.port ?? 0)/0"
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                #expect(try client.ask("CONFIG SET maxmemory 100mb") == "+OK")
                let told = try await broker.swap("cache", to: there, cold: false, maxPause: 5000)
                #expect(told.leftBehind == "maxmemory 104.9 MB (noeviction) of emulator")
                #expect(try client.lines("CONFIG GET maxmemory").last == "0")
                // The way back is to what it was.
                let back = try await broker.rollback("cache")
                #expect(back.leftBehind == nil)
                #expect(try client.lines("CONFIG GET maxmemory").last == "104857600")
            }
        }
    }
}
