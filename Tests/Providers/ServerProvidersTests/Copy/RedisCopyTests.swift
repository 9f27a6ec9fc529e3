import BrokerModel
import Processes
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// What one real server holds gets to another one while it changes.
@Suite(.requires(.redisServer)) struct RedisCopyTests {
    /// A server that cannot write files sends its snapshot without one.
    @Test(arguments: [1, 2, 3], [true, false])
    func `a server is copied while it is written to, and all keys are equal both ways at the end`(
        seed: UInt64, canWriteFiles: Bool
    ) async throws {
        let arguments = ["--enable-protected-configs", "yes", "--repl-diskless-sync-delay", "0"]
        try await RealServer.run(.redisServer, at: .unixSocket, arguments: arguments) { from in
            try await RealServer.run(.redisServer) { to in
                if !canWriteFiles {
                    let gone = try TemporaryDirectory()
                    try from.ask("CONFIG", "SET", "dir", gone.path)
                    gone.remove()
                }
                try from.ask("FUNCTION", "LOAD", RandomWriter.function)
                var filler = RandomWriter(seed: seed)
                let filling = filler.commands(4000)
                _ = try from.client().ask(filling.bytes, count: filling.count)
                let writer = BusyWriter(CopyServer(from), seed: seed + 100)
                try await eventually("the writer writes") { writer.count > 0 }

                let source = try await RedisSource.open(CopyServer(from), .everything)
                let target = try await RedisTarget.open(CopyServer(to))
                try await carry(source, to: target)
                let before = writer.count
                while writer.count < before + 2000 { try await target.apply(try await source.next()) }
                await writer.stop()
                try await carry(source, to: target)

                try await expectEqual(source, target)
                #expect(try await allKeys(target).count > 100, "seed \(seed)")
                #expect(try await Set(target.counts().keys) == Set(source.counts().keys))
                #expect(try to.ask("FUNCTION", "LIST") == from.ask("FUNCTION", "LIST"))
                await source.close()
                await target.close()
            }
        }
    }

    @Test func `the snapshot's keys are counted, and a position comes with its end`() async throws {
        try await pair { from, to, source, target in
            var keys = 0
            var positions: [Int64?] = []
            while positions.last.flatMap({ $0 }) == nil {
                let batch = try await source.next()
                keys += batch.keys
                positions.append(batch.position)
                for segment in batch.segments {
                    var stream = CommandStream(offset: 0)
                    stream.append(segment.bytes)
                    var commands = 0
                    while try stream.next() != nil { commands += 1 }
                    #expect(commands == segment.commands)
                }
                try await target.apply(batch)
            }
            #expect(keys == 2500 + 30)
            let counts = [0: 2500, 9: 30]
            #expect(try await source.counts() == counts)
            #expect(try await target.counts() == counts)
            #expect(try await allKeys(source).count == 2530)
            #expect(try await differences(source, target) == [])
            #expect(try await source.digests(of: [CopyKey(database: 4, name: [1])]) == [nil])
        } filling: { from in
            try from.ask("EVAL", "for i = 1, 2500 do redis.call('SET', 'k' .. i, i) end", "0")
            try from.ask("EVAL", "redis.call('SELECT', 9) for i = 1, 30 do redis.call('SADD', i, i) end", "0")
        }
    }

    @Test func `a quiet master's position is reached`() async throws {
        try await pair { from, to, source, target in
            try await carry(source, to: target)
            try await carry(source, to: target)
            try from.ask("SET", "k", "v")
            try await carry(source, to: target)
            #expect(try to.ask("GET", "k") == .bytes(Array("v".utf8)))
        }
    }

    @Test func `WAIT on the source is answered when a batch is applied`() async throws {
        try await pair { from, to, source, target in
            try await carry(source, to: target)
            try from.ask("SET", "k", "v")
            let client = try from.client()
            let set = ReplicatedCommand("SET", "k", "w").bytes + ReplicatedCommand("WAIT", "1", "20000").bytes
            async let waiting = WorkerThread().run { () throws(BrokerError) in try client.ask(set, count: 2) }
            for _ in 0..<3 { try await carry(source, to: target) }
            while try await source.next().segments.count > 0 {}
            #expect(try await waiting[1] == .integer(1))
        }
    }

    @Test func `only what changes is handed out where that is all that is wanted`() async throws {
        try await RealServer.run(.redisServer) { from in
            try await RealServer.run(.redisServer) { to in
                try from.ask("SET", "old", "v")
                let source = try await RedisSource.open(CopyServer(from), .changes)
                let target = try await RedisTarget.open(CopyServer(to))
                try from.ask("SET", "new", "v")
                try await carry(source, to: target)
                #expect(try await allKeys(target) == [CopyKey(database: 0, name: Array("new".utf8))])
                await source.close()
                await target.close()
            }
        }
    }

    @Test func `a lost link goes on where it broke`() async throws {
        try await pair { from, to, source, target in
            try await carry(source, to: target)
            let writer = BusyWriter(CopyServer(from), seed: 77)
            for round in 1...3 {
                let before = writer.count
                while writer.count < before + 200 { try await target.apply(try await source.next()) }
                try from.ask("CLIENT", "KILL", "TYPE", "replica")
                try await eventually("link \(round) is made again") {
                    try await target.apply(try await source.next())
                    return try from.fact("sync_partial_ok") == round
                }
            }
            await writer.stop()
            try await carry(source, to: target)
            try await expectEqual(source, target)
            #expect(try from.fact("sync_full") == 1)
        } filling: { from in
            try from.ask("FUNCTION", "LOAD", RandomWriter.function)
            try from.ask("CONFIG", "SET", "repl-backlog-size", "64mb")
        }
    }

    @Test func `while nobody asks, no more than a bound is read, and nothing is lost`() async throws {
        try await pair { from, to, source, target in
            try await carry(source, to: target)
            let script = "for i = 1, 400 do redis.call('SET', 'k' .. i, string.rep(i % 10, 100000)) end"
            try from.ask("EVAL", script, "0")
            // 40 MB: 8 MiB are taken, and some stand in the sockets; the rest waits at the server.
            try await eventually("the reader has stopped") { try from.fact("mem_total_replication_buffers") > 20 << 20 }
            var largest = 0
            let position = try await source.position()
            var batch = CopyBatch()
            while batch.position ?? 0 < position {
                batch = try await source.next()
                largest = max(largest, batch.size)
                try await target.apply(batch)
            }
            #expect(largest < 512 << 10)
            #expect(try await differences(source, target) == [])
            #expect(try await target.counts() == [0: 400])
        }
    }

    @Test func `replies larger than all buffers do not stop a batch`() async throws {
        try await pair { from, to, source, target in
            var batch = CopyBatch()
            let value = [UInt8](repeating: 120, count: 1 << 20)
            for _ in 0..<48 {
                batch.append(ReplicatedCommand([Array("GETSET".utf8), [107], value]).bytes, for: 0)
                batch.append(ReplicatedCommand([Array("GETSET".utf8), [107], value]).bytes, for: 2)
            }
            try await target.apply(batch)
            #expect(try await target.counts() == [0: 1, 2: 1])
        }
    }

    @Test func `a server without PEXPIRETIME tells expiries all the same`() async throws {
        try await RealServer.run(.redisServer, arguments: ["--rename-command", "PEXPIRETIME", ""]) { old in
            let end = try await RedisTarget.open(CopyServer(old))
            try old.ask("SET", "k", "v")
            try old.ask("SET", "expiring", "v", "PX", "100000")
            let keys = ["k", "expiring", "none"].map { CopyKey(database: 0, name: Array($0.utf8)) }
            let digests = try await end.digests(of: keys)
            #expect(digests[0] != nil && digests[1] != nil && digests[0] != digests[1])
            #expect(digests[2] == nil)
            await end.close()
        }
    }

    /// A filled source, an empty target, and both ends open.
    private func pair(
        _ body: (RealServer, RealServer, RedisSource, RedisTarget) async throws -> Void,
        filling: (RealServer) throws -> Void = { _ in }
    ) async throws {
        try await RealServer.run(.redisServer) { from in
            try await RealServer.run(.redisServer) { to in
                try filling(from)
                let source = try await RedisSource.open(CopyServer(from), .everything)
                let target = try await RedisTarget.open(CopyServer(to))
                try await body(from, to, source, target)
                await source.close()
                await target.close()
            }
        }
    }
}
