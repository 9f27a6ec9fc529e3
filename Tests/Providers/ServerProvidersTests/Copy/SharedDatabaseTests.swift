import BrokerModel
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// One database of a server that others use as well.
@Suite(.requires(.redisServer)) struct SharedDatabaseTests {
    /// Servers with a key of somebody else in database 0, and the ends of database 3 there and 5 here.
    private func run(
        _ body: (RealServer, RealServer, RedisSource, RedisTarget) async throws -> Void
    ) async throws {
        try await RealServer.run(.redisServer) { from in
            try await RealServer.run(.redisServer) { to in
                for server in [from, to] { try server.ask("SET", "others", "v") }
                try from.ask("EVAL", "redis.call('SELECT', 3) redis.call('SET', 'own', 'v')", "0")
                let source = try await RedisSource.open(CopyServer(from, .one(3)), .everything)
                let target = try await RedisTarget.open(CopyServer(to, .one(5)))
                try await body(from, to, source, target)
                await source.close()
                await target.close()
            }
        }
    }

    private func inDatabase(_ database: Int, _ server: RealServer, _ words: String...) throws {
        let client = try server.client()
        try client.select(database)
        let command = ReplicatedCommand(words.map { Array($0.utf8) })
        guard case .error(let text) = try client.ask(command.bytes, count: 1)[0] else { return }
        Issue.record("\(words): \(text)")
    }

    @Test func `only it is handed out and taken in, as database 0`() async throws {
        try await run { from, to, source, target in
            try inDatabase(3, from, "RPUSH", "list", "a", "b")
            try inDatabase(3, from, "COPY", "own", "copy", "DB", "3")
            try inDatabase(3, from, "COPY", "own", "elsewhere", "DB", "1")
            try inDatabase(1, from, "SET", "other", "v")
            try from.ask("SWAPDB", "1", "2")
            try await carry(source, to: target)
            #expect(try await source.counts() == [0: 3])
            #expect(try await target.counts() == [0: 3])
            #expect(try await differences(source, target) == [])
            #expect(Set(try await allKeys(target).map(\.database)) == [0])
            try inDatabase(3, from, "MOVE", "copy", "1")
            try await carry(source, to: target)
            #expect(try await target.counts() == [0: 2])
            #expect(try to.fact("evicted_keys") == 0)
            #expect(try to.ask("GET", "others") == .bytes([118]))
        }
    }

    @Test func `FLUSHALL empties it alone`() async throws {
        try await run { from, to, source, target in
            try await carry(source, to: target)
            try from.ask("FLUSHALL")
            try await carry(source, to: target)
            #expect(try await target.counts() == [:])
            #expect(try to.ask("GET", "others") == .bytes([118]))
            // The batch of a source that has a whole server says FLUSHALL itself.
            var batch = CopyBatch()
            batch.append(ReplicatedCommand("SET", "k", "v").bytes, for: 0)
            batch.append(ReplicatedCommand("FLUSHALL").bytes, for: 0)
            batch.append(ReplicatedCommand("SET", "l", "v").bytes, for: 0)
            try await target.apply(batch)
            #expect(try await allKeys(target) == [CopyKey(database: 0, name: [108])])
            #expect(try to.ask("GET", "others") == .bytes([118]))
        }
    }

    @Test(arguments: [["SWAPDB", "3", "0"], ["MOVE", "others", "3"], ["COPY", "others", "x", "DB", "3"]])
    func `a source into which others' keys are brought is given up`(words: [String]) async throws {
        try await run { from, to, source, target in
            try await carry(source, to: target)
            _ = try from.client().ask(ReplicatedCommand(words.map { Array($0.utf8) }).bytes, count: 1)
            let error = await #expect(throws: BrokerError.self) {
                while true { try await target.apply(try await source.next()) }
            }
            #expect(error?.code == .unsupported)
            #expect(error?.why.contains(words[0]) == true)
            #expect(try to.ask("GET", "others") == .bytes([118]))
        }
    }

    @Test func `a target with one database does not take several`() async throws {
        try await run { from, to, source, target in
            var batch = CopyBatch()
            batch.append(ReplicatedCommand("SET", "k", "v").bytes, for: 2)
            let thrown = await #expect(throws: BrokerError.self) { try await target.apply(batch) }
            let error = try #require(thrown)
            #expect(error.code == .unsupported)
            #expect(error.what.contains("database 2"))
            #expect(try await target.counts() == [:])
            await #expect(throws: error) { try await target.apply(CopyBatch(segments: batch.segments)) }
        }
    }
}
