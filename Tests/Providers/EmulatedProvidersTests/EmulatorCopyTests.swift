import BrokerModel
import EmulatedProviders
import EventLoop
import ProviderKit
import RDBWire
import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// Both ends of a copy between caches.
@Suite struct EmulatorCopyTests {
    /// Some keys of every type in two databases.
    private static func fill(_ cache: CachesAtHand.Cache, _ count: Int = 300) async throws {
        try await cache.run((0..<count).map { "SET key\($0) value:\($0)" })
        try await cache.run((0..<count).map { "RPUSH list\($0 % 7) element:\($0)" })
        try await cache.run((0..<count).map { "HSET hash field\($0) \($0)" }, in: 3)
        try await cache.run((0..<count).map { "ZADD zset \($0) member\($0)" }, in: 3)
        try await cache.run("SADD set 1 2 3", "SADD words a b c", "SET lives v EX 1000", "SET counted 17")
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `everything is copied, and what changes meanwhile`(driver: LoopUnderTest) async throws {
        try await CachesAtHand.run(driver) { caches in
            let (from, to) = (try await caches.cache(), try await caches.cache())
            let before = (from: try await from.used(), to: try await to.used())
            try await Self.fill(from, 3000)
            let source = try await caches.source(of: from)
            let target = try await caches.target(in: to)
            var batch = try await source.next()
            #expect(batch.keys > 0)
            try await target.apply(batch)
            try await from.run("SET key1 other", "DEL key2", "COPY list1 list1 DB 5", "MOVE key3 5", "SWAPDB 3 4")
            while batch.position == nil {
                batch = try await source.next()
                try await target.apply(batch)
            }
            #expect(batch.position == 0)
            try await from.run("SPOP set", "INCR counted", "RENAME key4 key5")
            try await CachesAtHand.copy(source, to: target)

            let digests = try await CachesAtHand.digests(source)
            #expect(digests.count > 3000)
            #expect(try await CachesAtHand.digests(target) == digests)
            #expect(try await target.counts() == source.counts())
            #expect(try await source.counts().keys.sorted() == [0, 4, 5])

            await source.close()
            await target.close()
            #expect(try await !from.isHeard)
            try await from.run("FLUSHALL")
            try await to.run("FLUSHALL")
            // Many keys are freed a part at a time.
            try await eventually("all is freed") {
                let (used, other) = (try await from.used(), try await to.used())
                return used == before.from && other == before.to
            }
        }
    }

    @Test(.requires(.redisServer))
    func `a real server that takes in the batches has the same digests`() async throws {
        try await RealServer.run(.redisServer, at: .unixSocket) { server in
            try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
                let cache = try await caches.cache()
                try await Self.fill(cache)
                let source = try await caches.source(of: cache)
                let real = try RealKeyspace(server)
                try await cache.run("APPEND key1 more", "HINCRBYFLOAT hash f 1.5", "LPOP list1")
                let wanted = try await source.position()
                #expect(wanted == 3)
                var batch = CopyBatch()
                while (batch.position ?? -1) < wanted {
                    batch = try await source.next()
                    for segment in batch.segments {
                        let errors = try real.apply(segment.bytes, commands: segment.commands, in: segment.database)
                        #expect(errors == [])
                    }
                }
                let theirs = try real.contents().mapValues(\.digest)
                var ours: [String: UInt64] = [:]
                for (key, digest) in try await CachesAtHand.digests(source) {
                    ours["\(key.database) \(String(decoding: key.name, as: UTF8.self))"] = digest
                }
                #expect(ours == theirs && ours.count > 300)
                await source.close()
            }
        }
    }

    @Test func `changes alone begin without a snapshot, and a target is a source of others`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let (first, second, third) = (try await caches.cache(), try await caches.cache(), try await caches.cache())
            try await first.run("SET old 1")
            let source = try await caches.source(of: first, .changes)
            let middle = try await caches.target(in: second)
            let onward = try await caches.source(of: second, .changes)
            let last = try await caches.target(in: third)
            try await first.run("SET new 1", "INCRBYFLOAT new 0.5")
            try await CachesAtHand.copy(source, to: middle)
            try await CachesAtHand.copy(onward, to: last)
            #expect(try await last.counts() == [0: 1])
            let new = [CopyKey(database: 0, name: Array("new".utf8))]
            #expect(try await last.digests(of: new) == source.digests(of: new))
            for end in [source, onward] as [any CopyEnd] + [middle, last] { await end.close() }
        }
    }

    @Test func `several sources of one cache have the same changes`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            try await Self.fill(cache)
            let sources = [try await caches.source(of: cache), try await caches.source(of: cache, .changes)]
            try await cache.run("SET key1 one")
            let late = try await caches.source(of: cache)
            try await cache.run("SPOP set", "SET key2 two")
            for source in sources + [late] {
                let target = try await caches.target(in: caches.cache())
                try await CachesAtHand.copy(source, to: target)
                let keys = ["key1", "key2"].map { CopyKey(database: 0, name: Array($0.utf8)) }
                let expected = try await source.digests(of: keys)
                #expect(try await target.digests(of: keys) == expected)
                await target.close()
                await source.close()
            }
            #expect(try await !cache.isHeard)
        }
    }

    @Test func `a source that is not read fast enough says so and holds nothing`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            try await Self.fill(cache)
            let used = try await cache.used()
            let source = try await caches.source(of: cache)
            let value = String(repeating: "x", count: 1 << 20)
            for _ in 0..<66 { try await cache.run("SET large \(value)") }
            let failure = await #expect(throws: BrokerError.self) { try await source.next() }
            #expect(failure?.what == "the copy does not converge")
            await #expect(throws: BrokerError.self) { try await source.position() }
            try await cache.run("DEL large")
            #expect(try await cache.used() == used)
            await source.close()
            #expect(try await !cache.isHeard)
        }
    }

    @Test(arguments: [
        (["PFDEBUG TODENSE p"], "PFDEBUG TODENSE"), (["FUNCTION LOAD x"], "FUNCTION LOAD"),
        (["FUNCTION LIST"], "FUNCTION LIST"),
        (["SUBSCRIBE c"], "SUBSCRIBE c"),
        (["SET a 1", "LPUSH a 1", "SET b 1"], "LPUSH a"), (["SELECT 1"], "SELECT 1"), (["MULTI"], "MULTI"),
    ])
    func `a target names the command that it does not take`(commands: [String], refused: String) async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            let target = try await caches.target(in: cache)
            let failure = await #expect(throws: BrokerError.self) { try await target.apply(Self.batch(commands)) }
            #expect(failure?.code == .unsupported)
            #expect(failure?.what == "the emulator does not take \"\(refused)\"")
            #expect(failure?.why.isEmpty == false)
            #expect(try await target.counts()[0] ?? 0 <= 1)
            await target.close()
        }
    }

    @Test func `a stream is taken with its key`() async throws {
        let stream = RDBStream(entries: [], lastID: .init(1, 1), entriesAdded: 1)
        var encoder = RDBEncoder()
        let payload = DumpPayload.seal(try encoder.encode(.stream(stream)))
        var segment = CopyBatch.Segment(database: 0, commands: 1)
        segment.bytes.append(command: ["RESTORE", "events", "0", .array(payload), "REPLACE", "ABSTTL"])
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { [segment] caches in
            let target = try await caches.target(in: caches.cache())
            try await target.apply(CopyBatch(segments: [segment]))
            let digest = RDBValue.stream(stream).digest(expiry: nil)
            let key = CopyKey(database: 0, name: Array("events".utf8))
            #expect(try await target.digests(of: [key]) == [digest])
            await target.close()
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `close ends a next that waits, and can be repeated`(driver: LoopUnderTest) async throws {
        try await CachesAtHand.run(driver) { caches in
            let cache = try await caches.cache()
            let source = try await caches.source(of: cache)
            #expect(try await source.next() == CopyBatch(position: 0))
            let waits = Task {
                while true { _ = try await source.next() }
            }
            try await cache.run("SET a 1")
            await source.close()
            await #expect(throws: BrokerError.self) { try await waits.value }
            await source.close()
            await #expect(throws: BrokerError.self) { try await source.next() }
            await #expect(throws: BrokerError.self) { try await source.counts() }
            #expect(try await !cache.isHeard)
            try await cache.run("SET b 1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `next waits for the first change, else hands out nothing`(driver: LoopUnderTest) async throws {
        try await CachesAtHand.run(driver) { caches in
            let cache = try await caches.cache()
            let source = try await caches.source(of: cache, .changes)
            let start = ContinuousClock.now
            #expect(try await source.next() == CopyBatch(position: 0))
            #expect(ContinuousClock.now - start >= .milliseconds(90))
            let waits = Task { () throws(BrokerError) in
                while true {
                    let batch = try await source.next()
                    if !batch.segments.isEmpty { return batch }
                }
            }
            try await cache.run("SET a 1", "SET b 2")
            let batch = try await waits.value
            #expect(batch.segments.map(\.commands) == [2] && batch.position == 2 && batch.keys == 0)
            await source.close()
        }
    }

    @Test func `an end that is forgotten is closed`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            do {
                _ = try await caches.source(of: cache)
                _ = try await caches.target(in: cache)
            }
            try await eventually("the source is closed") { try await !cache.isHeard }
            try await eventually("the target is closed") {
                try await caches.loop.onLoop { [emulator = cache.emulator] in emulator.value.openIntakes == 0 }
            }
        }
    }

    @Test func `a key that ends while it is copied is there for what follows, and goes when the target is closed`()
        async throws
    {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            let target = try await caches.target(in: cache)
            let end = try await caches.loop.onLoop { [loop = caches.loop] in loop.wallClock + 50 }
            try await target.apply(Self.batch(["SET a 1 PXAT \(end)", "SET b 1 PXAT \(end)", "SET over 1 PXAT 1"]))
            #expect(try await target.counts() == [0: 2])
            let keys = ["a", "b", "renamed"].map { CopyKey(database: 0, name: Array($0.utf8)) }
            try await eventually("their time is over") { try await target.digests(of: keys) == [nil, nil, nil] }
            try await target.apply(Self.batch(["RENAME a renamed", "PERSIST renamed"]))
            #expect(try await target.digests(of: keys).map { $0 != nil } == [false, false, true])
            #expect(try await target.keys(from: nil).keys == [keys[2]])
            #expect(try await target.counts() == [0: 2])
            await target.close()
            let source = try await caches.source(of: cache)
            try await eventually("it is taken out") { try await source.counts() == [0: 1] }
            await source.close()
        }
    }

    @Test func `users see nothing of what a target applies but the keys`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            let target = try await caches.target(in: cache)
            let watcher = try await caches.loop.onLoop { [emulator = cache.emulator, loop = caches.loop] in
                let pool = BufferPool()
                let connection = Connection(id: 1, pool: pool, peerAddress: "", localAddress: "")
                let client = CacheClient(connection: connection, id: 1, isAuthenticated: true, front: Self.front)
                Array("watched".utf8).withBytes { emulator.value.watch($0, for: client) }
                return LoopBound(client, on: loop)
            }
            try await target.apply(Self.batch(["SET watched 1", "GETSET watched 2", "SET over 1 PXAT 1"]))
            await #expect(throws: BrokerError.self) { try await target.apply(Self.batch(["PFDEBUG TODENSE p"])) }
            try await caches.loop.onLoop { [emulator = cache.emulator] in
                let statistics = emulator.value.statistics
                #expect(statistics.commands == 0 && statistics.hits == 0 && statistics.misses == 0)
                #expect(emulator.value.clientCount == 0 && emulator.value.unsupported.isEmpty)
                #expect(watcher.value.isTainted)
                emulator.value.unwatch(watcher.value)
            }
            #expect(try await target.counts() == [0: 1])
            await target.close()
        }
    }

    @Test func `only caches are copied, and only those that are there`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let cache = try await caches.cache()
            let queue = CopySourceRequest(backing: cache.backing, serviceClass: .beanstalk, contents: .everything)
            let failure = await #expect(throws: BrokerError.self) { try await caches.provider.openSource(queue) }
            #expect(failure?.code == .unsupported)
            _ = try await caches.provider.deprovision(
                DeprovisionRequest(backing: cache.backing, serviceClass: .redis))
            await #expect(throws: BrokerError.self) { try await caches.target(in: cache) }
        }
    }

    // MARK: parts

    private static let front = NobodyInFront()

    private static func batch(_ commands: [String]) -> CopyBatch {
        var segment = CopyBatch.Segment(database: 0, commands: commands.count)
        for command in commands {
            segment.bytes.append(command: command.split(separator: " ").map { .array(Array($0.utf8)) })
        }
        return CopyBatch(segments: [segment])
    }
}

/// Of a client without a connection.
private final class NobodyInFront: CacheFront, Sendable {
    func run(_ command: FrontCommand, for client: CacheClient) {}
    func end(_ client: CacheClient) {}
    func drop(_ client: CacheClient) {}
}
