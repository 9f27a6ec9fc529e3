import BrokerModel
import Synchronization
import TestKit
import Testing

@testable import ControlPlane

/// Servers that take nobody for their replica, as hosted ones do: what they hold is read key by key, and what the apps
/// change meanwhile again.
@Suite(.requires(.redisServer)) struct KeyedSwapTests {
    /// A server whose user may do everything but follow. Other databases are others'.
    private func hosted(_ body: (RedisClient, String) async throws -> Void) async throws {
        try await RealServer.run(.redisServer) { server in
            let owner = try RedisClient("redis://127.0.0.1:\(server.port ?? 0)")
            let made = try owner.ask("ACL SETUSER app on >pw allkeys allchannels +@all -psync -sync -replconf")
            #expect(made == "+OK")
            #expect(try owner.ask("SELECT 4") == "+OK")
            try await body(owner, "redis://app:pw@127.0.0.1:\(server.port ?? 0)/4")
        }
    }

    /// A client of more than one step.
    private final class Held: Sendable {
        let client = Mutex<RedisClient?>(nil)
    }

    /// Each names its keys in another way.
    private static let changes = [
        "SET k1 changed", "DEL doomed", "RENAME k2 renamed", "LPUSH list z", "XADD stream 2-1 f w",
        "XGROUP CREATE stream group 0", "XREADGROUP GROUP group c STREAMS stream >", "SUNIONSTORE union set",
        "SORT list ALPHA STORE sorted", "EVAL \"return redis.call('set',KEYS[1],'s')\" 1 script", "COPY k3 copied",
        "GETEX fading PERSIST", "ZADD board 1 one", "ZRANGESTORE best board 0 -1", "GEOADD geo 1 1 here",
        "GEORADIUS geo 1 1 1 km STORE near", "PFADD log a b", "PFCOUNT log", "BITOP NOT bits k4", "LMPOP 1 list LEFT",
        "MSET m1 1 m2 2", "SMOVE set other a", "EXPIRE k5 1000", "BLPOP list 1",
    ]

    private func fill(_ client: RedisClient) throws {
        for number in 0..<3000 { try client.ask("SET k\(number) \(number)") }
        for command in [
            "RPUSH list a b c", "XADD stream 1-1 f v", "SADD set a b c", "SET doomed 1", "SETEX fading 1000 v",
        ] { #expect(!(try client.ask(command)).hasPrefix("-"), "\(command)") }
    }

    private func check(_ url: String) throws {
        for (question, answer) in [
            ("GET k1", "changed"), ("EXISTS doomed k2", ":0"), ("GET renamed", "2"), ("XLEN stream", ":2"),
            ("XPENDING stream group", "*4"), ("SCARD union", ":3"), ("LLEN sorted", ":4"), ("GET script", "s"),
            ("GET copied", "3"), ("TTL fading", ":-1"), ("ZCARD best", ":1"), ("ZCARD near", ":1"),
            ("PFCOUNT log", ":2"), ("STRLEN bits", ":1"), ("LLEN list", ":2"), ("GET m2", "2"), ("SCARD other", ":1"),
            ("SCARD set", ":2"),
        ] {
            #expect(try RedisClient(url).ask(question) == answer, "\(question)")
        }
    }

    @Test(arguments: [CrashPoint.swapCopying, .swapCopied])
    func `all that the apps change while it is copied arrives`(when: CrashPoint) async throws {
        try await hosted { _, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let url = try await broker.variable("CACHE_URL")
                broker.reached = { point in
                    guard point == when else { return }
                    for command in Self.changes {
                        // The rest of a longer answer is read by nobody.
                        let answer = try? RedisClient(url).ask(command)
                        #expect(answer?.hasPrefix("-") == false, "\(command): \(answer ?? "")")
                    }
                }
                try await broker.restart()
                try await eventually("it serves again") { (try? RedisClient(url)) != nil }
                try fill(try RedisClient(url))
                let seen = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                #expect(seen.copy?.byKey == true)
                #expect(seen.copy?.verified ?? 0 > 3000)
                try check(url)
                // What is written now is carried back: the way back is a stream as ever.
                try RedisClient(url).ask("SET since 1")
                #expect(try await broker.rollback("cache").from == "exec:redis-server")
                #expect(try RedisClient(url).ask("GET since") == "1")
                try check(url)
            }
        }
    }

    @Test func `a transaction counts at its EXEC, a command that blocks until its reply`() async throws {
        try await hosted { _, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let url = try await broker.variable("CACHE_URL")
                let (queued, blocked) = (Held(), Held())
                broker.reached = { point in
                    switch point {
                    case .swapCopying:
                        queued.client.withLock { client in
                            client = try? RedisClient(url)
                            #expect((try? client?.ask("MULTI")) == "+OK")
                            #expect((try? client?.ask("SET queued 1")) == "+QUEUED")
                        }
                        blocked.client.withLock { client in
                            client = try? RedisClient(url)
                            try? client?.socket.send("BLPOP empty full 0\r\n")
                        }
                    case .swapCopied:
                        queued.client.withLock { #expect((try? $0?.ask("EXEC")) == "*1") }
                        #expect((try? RedisClient(url).ask("RPUSH full a b")) == ":2")
                        blocked.client.withLock { #expect((try? $0?.socket.receive(until: "\r\na\r\n")) != nil) }
                    default: break
                    }
                }
                try await broker.restart()
                try await eventually("it serves again") { (try? RedisClient(url)) != nil }
                let client = try RedisClient(url)
                try fill(client)
                try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                #expect(try client.ask("GET queued") == "1")
                #expect(try client.ask("LLEN full") == ":1")
            }
        }
    }

    @Test func `a large request that is under way when it begins is waited for`() async throws {
        try await hosted { _, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let url = try await broker.variable("CACHE_URL")
                let half = String(repeating: "x", count: 100_000)
                let held = Held()
                try held.client.withLock { client in
                    client = try RedisClient(url)
                    try client?.socket.send("*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$200000\r\n" + half)
                }
                let rest = Task {
                    try await ContinuousClock().sleep(for: .milliseconds(300))
                    try held.client.withLock { try $0?.socket.send(half + "\r\n") }
                }
                let outcome = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                try await rest.value
                #expect(outcome.copy?.byKey == true)
                let client = try RedisClient(url)
                #expect(try client.ask("STRLEN large") == ":200000")
            }
        }
    }

    @Test func `a plan says so, and names who is not seen`() async throws {
        try await hosted { owner, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k v")
                try owner.ask("CLIENT SETNAME stranger")
                let plan = try await broker.plane.planSwap(
                    "cache", SwapRequest(to: try ProviderDocument("emulator")), in: broker.workspace)
                #expect(plan.byKey == true)
                #expect(plan.strangers.count == 1)
                #expect(plan.strangers.first?.hasPrefix("stranger at 127.0.0.1:") == true)
                #expect(plan.problems == [])
            }
        }
    }

    @Test func `what may change any key begins the copy again`() async throws {
        try await hosted { owner, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let url = try await broker.variable("CACHE_URL")
                broker.reached = { point in
                    guard point == .swapCopied, let client = try? RedisClient(url) else { return }
                    #expect((try? client.ask("FLUSHALL")) == "+OK")
                    #expect((try? client.ask("SET after flush")) == "+OK")
                    #expect((try? client.ask("EVAL \"return redis.call('set','undeclared','s')\" 0")) == "+OK")
                }
                try await broker.restart()
                try await eventually("it serves again") { (try? RedisClient(url)) != nil }
                try owner.ask("SELECT 5")
                try owner.ask("SET not ours")
                let client = try RedisClient(url)
                try fill(client)
                let code = "#!lua name=l\\nredis.register_function('f', function(k, a) return 'done' end)"
                #expect(try client.ask("FUNCTION LOAD \"\(code)\"") == "l")
                try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                #expect(try client.ask("FCALL f 0") == "done")
                #expect(try client.ask("DBSIZE") == ":2")
                #expect(try client.ask("GET undeclared") == "s")
                #expect(try owner.ask("GET not") == "ours")
            }
        }
    }

    @Test func `a way back that would miss what a script wrote besides its keys is refused, and a swap takes it along`()
        async throws
    {
        try await hosted { _, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let url = try await broker.variable("CACHE_URL")
                try await broker.swap("cache", to: provider, cold: false, maxPause: 5000, existing: .overwrite)
                let client = try RedisClient(url)
                let script = "redis.call('set',KEYS[1],'1') return redis.call('set','hidden','1')"
                #expect(try client.ask("EVAL \"\(script)\" 1 a") == "+OK")
                for _ in 0..<2 {
                    let error = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
                    #expect(error?.fix == "broker swap cache --to emulator")
                }
                #expect(try client.ask("GET hidden") == "1")
                try await broker.swap("cache", to: "emulator", cold: false, maxPause: 5000)
                #expect(try client.ask("GET hidden") == "1")
            }
        }
    }

    @Test func `no write is lost or doubled while writers hammer through swaps there and back`() async throws {
        try await hosted { _, provider in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: provider)
                let url = try await broker.variable("CACHE_URL")
                let stop = Flag()
                let writers = (0..<4).map { number in onThread { try LiveSwapTests.write(url, number, until: stop) } }
                for _ in 0..<3 {
                    let there = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                    #expect(there.moved >= 4 && there.closed == 0)
                    #expect(there.copy?.byKey == true)
                    // The changes of a server elsewhere are followed by key, too.
                    let back = try await broker.swap(
                        "cache", to: provider, cold: false, maxPause: 5000, existing: .overwrite)
                    #expect(back.moved >= 4 && back.closed == 0)
                    #expect(back.undo == "broker rollback cache")
                    try await broker.rollback("cache")
                    try await broker.swap("cache", to: provider, cold: false, maxPause: 5000, existing: .overwrite)
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
    }
}
