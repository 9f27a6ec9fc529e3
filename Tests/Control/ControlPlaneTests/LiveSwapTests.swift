import BrokerModel
import Ledger
import Processes
import ProviderKit
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A swap under clients that stay connected, with the data: against real servers, with an oracle beside every writer.
@Suite(.requires(.redisServer)) struct LiveSwapTests {
    /// All types, expiries, databases.
    private static let contents = [
        "SET text value", "SET number 42", "APPEND grown abc", "SETEX fading 1000 v", "PEXPIREAT number 4102444800000",
        "RPUSH list a b c 1 2 3", "SADD numbers 1 2 3", "SADD words one two three", "HSET hash f v g 2",
        "ZADD board 1 one 2.5 two inf last", "SELECT 3", "SET elsewhere 3", "SELECT 0",
    ]

    private func fill(_ client: RedisClient) throws {
        for command in Self.contents { #expect(!(try client.ask(command)).hasPrefix("-"), "\(command)") }
        for number in 0..<3000 { try client.ask("SET filler:\(number) \(number)") }
    }

    private func check(_ client: RedisClient) throws {
        #expect(try client.ask("GET text") == "value")
        #expect(try client.ask("PEXPIRETIME number") == ":4102444800000")
        #expect(Int(try client.ask("TTL fading").dropFirst()) ?? 0 > 900)
        #expect(try client.ask("LLEN list") == ":6")
        #expect(try client.ask("SCARD numbers") == ":3")
        #expect(try client.ask("SISMEMBER words two") == ":1")
        #expect(try client.ask("HGET hash g") == "2")
        #expect(try client.ask("ZSCORE board last") == "inf")
        #expect(try client.ask("GET filler:2999") == "2999")
        #expect(try client.ask("SELECT 3") == "+OK")
        #expect(try client.ask("GET elsewhere") == "3")
        #expect(try client.ask("SELECT 0") == "+OK")
    }

    @Test func `the data and the connected clients are carried there and back`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try fill(client)
            let there = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 2000)
            #expect(there.moved == 1)
            #expect(there.closed == 0)
            #expect(there.copy?.keys == 3010)
            #expect(there.copy?.verified ?? 0 >= 3010)
            #expect(there.pause > 0 && there.pause < 2000)
            #expect(there.undo == "broker rollback cache")
            try check(client)
            #expect(try client.ask("SET written there") == "+OK")

            let back = try await broker.swap("cache", to: "emulator", cold: false, maxPause: 2000)
            #expect(back.copy?.keys == 3011)
            try check(client)
            #expect(try client.ask("GET written") == "there")
            // The way back of the first swap has ended with the second, and its former emulator is gone.
            #expect(try await broker.ledger.read { try $0.backings() }.count == 2)
        }
    }

    @Test func `invariant (vi): a rollback keeps what was written since`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try fill(client)
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 2000)
            #expect(try client.ask("INCR number") == ":43")
            #expect(try client.ask("DEL text") == ":1")
            #expect(try client.ask("SET new 1") == "+OK")
            let process = try #require(await broker.exec.servers.values.first?.process.identity)
            let back = try await broker.rollback("cache")
            #expect(back.to == "emulator")
            #expect(try client.ask("GET number") == "43")
            #expect(try client.ask("EXISTS text") == ":0")
            #expect(try client.ask("GET new") == "1")
            #expect(try await broker.resource("cache")?.provider == "emulator")
            #expect(!process.isAlive)
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
            let error = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
            #expect(error?.code == .unsupported)
        }
    }

    @Test func `the way back ends with its window, with the next swap, and with the resource`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000, undoWindow: 60)
            #expect(try await broker.ledger.read { try $0.backings() }.count == 2)
            await broker.clock.sleepers(atLeast: 2)
            broker.clock.advance(by: .seconds(61))
            try await eventually("the former provider is removed") {
                try await broker.ledger.read { try $0.backings() }.count == 1
            }
            let error = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
            #expect(error?.code == .unsupported)
            #expect(try client.ask("GET k") == "v")

            try await broker.swap("cache", to: "emulator", cold: false, maxPause: 5000)
            try await broker.destroy("cache", force: true)
            #expect(try await broker.ledger.read { try $0.backings() }.isEmpty)
            #expect(await broker.exec.servers.isEmpty)
            #expect(broker.names(in: "resources").isEmpty)
        }
    }

    @Test func `a source or a target that dies is told, and the other one counts`() async throws {
        try await RealServer.run(.redisServer) { first in
            let second = try await RealServer.start(.redisServer)
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: "redis://127.0.0.1:\(first.port ?? 0)/0")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k v")
                broker.reached = { point in if point == .swapCopying { await second.stop() } }
                try await broker.restart()
                try await broker.isEventually("ready", "cache")
                let again = try RedisClient(try await broker.variable("CACHE_URL"))
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: "redis://127.0.0.1:\(second.port ?? 0)/0", cold: false)
                }
                #expect(error?.code == .serverUnreachable, "\(String(describing: error))")
                #expect(try again.ask("GET k") == "v")
                #expect(try await broker.resource("cache")?.provider == "redis://127.0.0.1:\(first.port ?? 0)/0")
                #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
            }
            await second.stop()
        }
    }

    @Test func `a target that stalls does not hold the clients longer than the pause`() async throws {
        let stalling = try await RealServer.start(.redisServer)
        try await BrokerUnderTest.run { broker in
            // Stopped when the clients are paused: nothing it is sent is answered any more.
            broker.reached = { point in if point == .swapHeld { kill(stalling.processID, SIGSTOP) } }
            try await broker.restart()
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            let began = ContinuousClock.now
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap(
                    "cache", to: "redis://127.0.0.1:\(stalling.port ?? 0)/0", cold: false, maxPause: 300)
            }
            #expect(error?.code == .rolledBack, "\(String(describing: error))")
            #expect(try client.ask("INCR n") == ":1")
            #expect(began.duration(to: .now) < .seconds(5))
            #expect(try await broker.resource("cache")?.provider == "emulator")
        }
        kill(stalling.processID, SIGCONT)
        await stalling.stop()
    }

    @Test func `no write is lost or doubled while writers hammer through swaps`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let url = try await broker.variable("CACHE_URL")
            let stop = Flag()
            let writers = (0..<4).map { number in onThread { try Self.write(url, number, until: stop) } }
            for round in 0..<6 {
                let target = round % 2 == 0 ? "exec:redis-server" : "emulator"
                let outcome = try await broker.swap("cache", to: target, cold: false, maxPause: 5000)
                #expect(outcome.moved >= 4 && outcome.closed == 0)
            }
            stop.set()
            let client = try RedisClient(url)
            for (number, writer) in writers.enumerated() {
                let written = try await writer.value
                #expect(written > 0)
                #expect(try client.ask("GET counter:\(number)") == "\(written)")
                #expect(try client.ask("LLEN list:\(number)") == ":\(written)")
                #expect(try client.ask("SCARD set:\(number)") == ":\(written)")
                #expect(try client.ask("ZCARD zset:\(number)") == ":\(written)")
            }
        }
    }

    /// Every reply says how often it was done; the number of rounds is what every key must have at the end.
    static func write(_ url: String, _ number: Int, until stop: Flag) throws -> Int {
        let client = try RedisClient(url)
        var count = 0
        while !stop.isSet {
            count += 1
            #expect(try client.ask("INCR counter:\(number)") == ":\(count)")
            #expect(try client.ask("RPUSH list:\(number) \(count)") == ":\(count)")
            #expect(try client.ask("SADD set:\(number) \(count)") == ":1")
            #expect(try client.ask("ZADD zset:\(number) \(count) m\(count)") == ":1")
            #expect(try client.ask("SPOP bag:\(number)") == (count == 1 ? "$-1" : "\(count - 1)"))
            #expect(try client.ask("SADD bag:\(number) \(count)") == ":1")
        }
        return count
    }

    @Test func `a swap between real servers carries what the emulator does not have`() async throws {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await BrokerUnderTest.run { broker in
                    let stranger = try RedisClient("redis://127.0.0.1:\(first.port ?? 0)/1")
                    try stranger.ask("SELECT 1")
                    try stranger.ask("SET not ours")
                    try await broker.attach("cache", provider: "redis://127.0.0.1:\(first.port ?? 0)/0")
                    let client = try RedisClient(try await broker.variable("CACHE_URL"))
                    #expect(try client.ask("XADD stream 1-1 f v") == "1-1")
                    #expect(try client.ask("XGROUP CREATE stream group 0") == "+OK")
                    try client.ask("SET k v")
                    let other = "redis://127.0.0.1:\(second.port ?? 0)/5"
                    let there = try await broker.swap("cache", to: other, cold: false, maxPause: 2000)
                    #expect(there.copy?.keys == 2)
                    #expect(try client.ask("XLEN stream") == ":1")
                    #expect(try client.ask("GEOADD places 13 38 somewhere") == ":1")
                    #expect(try client.ask("GET k") == "v")
                    let direct = try RedisClient("redis://127.0.0.1:\(second.port ?? 0)/5")
                    try direct.ask("SELECT 5")
                    #expect(try direct.ask("DBSIZE") == ":3")

                    // The emulator does not test itself: it says so, and nothing has changed.
                    try RedisClient(try await broker.variable("CACHE_URL")).ask("PFSELFTEST")
                    let error = await #expect(throws: BrokerError.self) {
                        try await broker.swap("cache", to: "emulator", cold: false)
                    }
                    #expect(error?.code == .unsupported)
                    #expect(error?.what == "\"web\" used PFSELFTEST, which \"emulator\" does not have")
                    #expect(try client.ask("GET k") == "v")

                    // Who is not empty is not overwritten.
                    let full = await #expect(throws: BrokerError.self) {
                        try await broker.swap(
                            "cache", to: "redis://127.0.0.1:\(first.port ?? 0)/1", cold: false)
                    }
                    #expect(full?.code == .unsafe)
                    #expect(try stranger.ask("GET not") == "ours")
                }
            }
        }
    }

    @Test func `a target that is full is told, and the source goes on`() async throws {
        let arguments = ["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]
        try await RealServer.run(.redisServer, arguments: arguments) { small in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<200 { try client.ask("SET k\(number) " + String(repeating: "x", count: 20_000)) }
                let target = "redis://127.0.0.1:\(small.port ?? 0)"
                let seen = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: target, cold: false)
                }
                #expect(seen?.code == .unsafe)
                #expect(seen?.what == "\"\(target)/0\" has too little memory")
                // It is found out while copying where it was not seen before.
                let owner = "redis://127.0.0.1:\(small.port ?? 0)"
                try RedisClient(owner).ask("CONFIG SET maxmemory 0")
                broker.reached = { point in
                    if point == .swapCopying { _ = try? RedisClient(owner).ask("CONFIG SET maxmemory 2mb") }
                }
                try await broker.restart()
                let again = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<200 { try again.ask("SET k\(number) " + String(repeating: "x", count: 20_000)) }
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: target, cold: false)
                }
                #expect(error?.code == .unsupported)
                #expect(error?.why.contains("OOM") == true)
                #expect(try again.ask("STRLEN k199") == ":20000")
                // What was written there is taken back.
                #expect(try RedisClient(owner).ask("DBSIZE") == ":0")
                #expect(try await broker.resource("cache")?.provider == "emulator")
                #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
            }
        }
    }
}
