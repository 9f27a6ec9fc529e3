import EventLoop
import Foundation
import TestKit
import Testing

@testable import CacheEmulator

/// A real redis-server that replicates from the emulator has the same keys.
@Suite(.requires(.redisServer)) struct ReplicationTests {
    /// Runs `body` with an emulator and a replica of it, whose copying has perhaps only begun.
    private func run(
        _ driver: LoopUnderTest = LoopUnderTest.allCases[0], arguments: [String] = [],
        prepare: (ServedEmulator) async throws -> Void = { _ in },
        _ body: (ServedEmulator, RealServer) async throws -> Void
    ) async throws {
        try await ServedEmulator.run(driver) { emulator in
            try await prepare(emulator)
            let link = ["--replicaof", "127.0.0.1", "\(emulator.port)"]
            try await RealServer.run(.redisServer, arguments: link + arguments) { replica in
                try await body(emulator, replica)
            }
        }
    }

    private func info(_ server: RealServer) throws -> [String: String] {
        let client = try SocketClient(to: server.address)
        try client.send("INFO replication\r\n")
        let length =
            Int(String(decoding: try client.receive(until: "\r\n").dropFirst().dropLast(2), as: UTF8.self)) ?? 0
        let text = String(decoding: try client.receive(exactly: length), as: UTF8.self)
        return Dictionary(
            text.split(separator: "\r\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { $1 })
    }

    /// The replica has had every byte of the stream.
    private func caughtUp(_ emulator: ServedEmulator, _ replica: RealServer) async throws {
        try await eventually("the replica has caught up", within: .seconds(60)) {
            let info = try info(replica)
            let ours = try await emulator.onLoop { ($0.replication.id, $0.replication.offset) }
            return info["master_link_status"] == "up" && info["master_replid"] == ours.0
                && info["slave_repl_offset"] == "\(ours.1)"
        }
    }

    private func expectEqual(
        _ emulator: ServedEmulator, _ replica: RealServer, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        try await caughtUp(emulator, replica)
        let ours = try await emulator.contents()
        let real = try RealKeyspace(replica).contents()
        let soon = Int64(Date().timeIntervalSince1970 * 1000) + 4000
        let theirs = real.filter { ($0.value.expiry ?? .max) > soon }
        for (key, value) in theirs where ours[key] != value.digest {
            Issue.record("\(key) differs: there \(value)", sourceLocation: sourceLocation)
        }
        // What has ended between the two looks is gone here, too.
        let later = try await emulator.contents()
        for key in ours.keys where real[key] == nil && later[key] != nil {
            Issue.record("\(key) is missing at the replica", sourceLocation: sourceLocation)
        }
        return theirs.count
    }

    private static let everything = [
        "SET s value", "SET n 12345", "APPEND s more", "SETBIT bits 77 1", "PFADD hll a b c", "RPUSH l 1 2 three",
        "SADD ints 1 2 3", "SADD words a b c", "ZADD z 1 a 2.5 b -inf c", "HSET h f v n 7", "GEOADD g 10 20 here",
        "XADD x 1-1 f v", "XADD x 2-1 f w", "XGROUP CREATE x grp 0", "XREADGROUP GROUP grp c COUNT 1 STREAMS x >",
        "XGROUP CREATE x other $", "XDEL x 1-1", "SET ends v PX 4000000", "EXPIRE h 5000", "SELECT 3", "SET other 1",
        "RPUSH l2 a", "EXPIRE l2 9000", "SELECT 0",
    ]

    @Test(arguments: LoopUnderTest.allCases)
    func `a full copy has values of every type, ends of keys and functions`(driver: LoopUnderTest) async throws {
        let prepare = { (emulator: ServedEmulator) in
            try await emulator.write(Self.everything)
            let big = (0..<3000).map { "RPUSH big element:\($0)" } + (0..<2000).map { "ZADD bigz \($0) m\($0)" }
            try await emulator.write(big + (0..<5000).map { "SET key\($0) \($0)" })
            let library =
                "#!lua name=lib\nredis.register_function{function_name='f', flags={'no-writes'}, callback=function() return 'works' end}"
            try await emulator.write(words: [["FUNCTION", "LOAD", library]])
        }
        try await run(driver, prepare: prepare) { emulator, replica in
            #expect(try await expectEqual(emulator, replica) > 5000)
            let client = try SocketClient(to: replica.address)
            try client.send("FCALL f 0\r\n")
            #expect(try client.receive(exactly: 11) == Array("$5\r\nworks\r\n".utf8))
            // Of SELECT, functions and messages, too.
            let second =
                "#!lua name=lib2\nredis.register_function{function_name='f2', flags={'no-writes'}, callback=function() return 'both' end}"
            try await emulator.write(words: [["FUNCTION", "LOAD", second]])
            try client.send("SUBSCRIBE news\r\n")
            _ = try client.receive(until: ":1\r\n")
            try await emulator.write("SELECT 5", "SET late 1", "SELECT 0", "SWAPDB 5 6", "PUBLISH news hello")
            #expect(try client.receive(until: "hello\r\n").isEmpty == false)
            _ = try await expectEqual(emulator, replica)
            let other = try SocketClient(to: replica.address)
            try other.send("FCALL f2 0\r\n")
            #expect(try other.receive(exactly: 10) == Array("$4\r\nboth\r\n".utf8))
        }
    }

    @Test func `a replica that knows no marks gets the length in front`() async throws {
        try await ServedEmulator.run(LoopUnderTest.allCases[0]) { emulator in
            try await emulator.write(Self.everything + (0..<3000).map { "SET key\($0) \($0)" })
            let client = try SocketClient(to: .tcp(host: "127.0.0.1", port: emulator.port))
            try client.send("PSYNC ? -1\r\n")
            #expect(try client.receive(until: "\r\n").starts(with: "+FULLRESYNC ".utf8))
            let header = String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
            let length = try #require(Int(header.filter { !$0.isNewline }.dropFirst()))
            let file = try client.receive(exactly: length)
            #expect(file.starts(with: "REDIS0010".utf8))
            #expect(length > 20_000)
            try await emulator.write("SET behind 1")
            let stream = try client.receive(exactly: 55)
            #expect(
                String(decoding: stream, as: UTF8.self)
                    == "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$6\r\nbehind\r\n$1\r\n1\r\n")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `random writes while it copies and afterwards make it equal`(seed: UInt64) async throws {
        let commands = RandomCommands(seed: seed)
        let driver = LoopUnderTest.allCases[Int(seed) % LoopUnderTest.allCases.count]
        let prepare = { (emulator: ServedEmulator) in
            try await emulator.write(random: 1500, of: commands)
            try await emulator.write((0..<20_000).map { "SET filler\($0) \($0)" })
        }
        try await run(driver, prepare: prepare) { emulator, replica in
            try await eventually("it copies") { try await emulator.onLoop { !$0.replication.replicas.isEmpty } }
            for _ in 0..<60 { try await emulator.write(random: 50, of: commands) }
            try await caughtUp(emulator, replica)
            for _ in 0..<60 { try await emulator.write(random: 50, of: commands) }
            try await emulator.write(
                "SELECT 0", "SET last 1", "SET short 1 PX 5", "LPUSH short:list a", "PEXPIRE short:list 5")
            let expired = try await emulator.onLoop { $0.statistics.expiredKeys }
            try await eventually("keys have ended") {
                try await emulator.onLoop { $0.statistics.expiredKeys } >= expired + 2
            }
            #expect(try await expectEqual(emulator, replica) > 10)
            // No key is there that is gone here: a replica lets none end by itself.
            let client = try SocketClient(to: replica.address)
            try await eventually("both have as many keys") {
                try client.send("DBSIZE\r\n")
                let size = String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
                let ours = try await emulator.onLoop { $0.keyCounts[0] ?? 0 }
                return size == ":\(ours)\r\n"
            }
            #expect(try await emulator.onLoop { $0.replication.counts.full } == 1)
        }
    }

    @Test func `a replica of a cache that goes back copies anew, and follows one that is emptied`() async throws {
        let commands = RandomCommands(seed: 21)
        try await run { emulator, replica in
            try await emulator.write(random: 800, of: commands)
            try await caughtUp(emulator, replica)
            let image = try await emulator.onLoop { LoopBound($0.image(), on: $0.loop) }
            try await emulator.write("FLUSHALL", "SET other 1")
            try await caughtUp(emulator, replica)
            try await emulator.onLoop { try $0.restore(image.value) }
            try await emulator.write("SET behind 1")
            #expect(try await expectEqual(emulator, replica) > 10)
            #expect(try await emulator.onLoop { $0.replication.counts.full } == 2)
            try await emulator.onLoop { try $0.reset() }
            try await emulator.write("SET last 1")
            #expect(try await expectEqual(emulator, replica) == 1)
            #expect(try await emulator.onLoop { $0.replication.counts.full } == 2)
        }
    }

    @Test func `a cut connection goes on where it was, unless too much has changed meanwhile`() async throws {
        let commands = RandomCommands(seed: 9)
        try await run { emulator, replica in
            try await caughtUp(emulator, replica)
            for round in 1...3 {
                try await emulator.write(random: 200, of: commands)
                try await emulator.cutReplicas()
                try await emulator.write(random: 200, of: commands)
                try await eventually("it comes back") {
                    try await emulator.onLoop { $0.replication.counts.partial } == round
                }
                _ = try await expectEqual(emulator, replica)
            }
            #expect(try await emulator.onLoop { $0.replication.counts.full } == 1)

            try await emulator.write("CONFIG SET repl-backlog-size 16kb")
            let value = String(repeating: "v", count: 5000)
            try await eventually("it copies again") {
                let before = try await emulator.onLoop { $0.replication.counts.partial }
                try await emulator.cutReplicas()
                try await emulator.write((0..<100).map { "SET large\($0) \(value)" })
                // One that is back before so much was written goes on where it was, and is cut once more.
                try await eventually("it is back") {
                    try await emulator.onLoop {
                        $0.replication.counts.full == 2 || $0.replication.counts.partial > before
                    }
                }
                return try await emulator.onLoop { $0.replication.counts.full } == 2
            }
            #expect(try await emulator.onLoop { $0.replication.counts.partialRefused } == 1)
            #expect(try await expectEqual(emulator, replica) > 100)
        }
    }

    @Test func `what one transaction or script changes arrives as a whole`() async throws {
        try await ServedEmulator.run(LoopUnderTest.allCases[0]) { emulator in
            let client = try SocketClient(to: .tcp(host: "127.0.0.1", port: emulator.port))
            try client.send("REPLCONF rdb-filter-only \"\"\r\n")
            _ = try client.receive(until: "\r\n")
            try client.send("PSYNC ? -1\r\n")
            _ = try client.receive(until: "\r\n")
            let length = String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
            _ = try client.receive(exactly: Int(length.filter { !$0.isNewline }.dropFirst()) ?? 0)
            let stream = { (count: Int) in
                try (0..<count).map { _ in try Self.words(client).joined(separator: " ") }
            }
            try await emulator.write("SET a 1", "MULTI", "SET b 1", "GET a", "SELECT 2", "INCR c", "EXEC", "SELECT 0")
            #expect(
                try stream(7) == ["SELECT 0", "SET a 1", "MULTI", "SET b 1", "SELECT 2", "INCR c", "EXEC"])
            let script = "redis.call('SET', 'x', '1'); redis.call('GET', 'x'); redis.call('INCR', 'x')"
            try await emulator.write(words: [["EVAL", script, "0"], ["EVAL", "redis.call('DEL', 'x')", "0"]])
            #expect(try stream(6) == ["MULTI", "SELECT 0", "SET x 1", "INCR x", "EXEC", "DEL x"])
            try await emulator.write("MULTI", "GET a", "EXEC", "MULTI", "SET d 1", "EXEC", "GET a")
            #expect(try stream(1) == ["SET d 1"])
        }
    }

    private static func words(_ client: SocketClient) throws -> [String] {
        let count = Int(String(decoding: try client.receive(until: "\r\n").dropFirst().dropLast(2), as: UTF8.self)) ?? 0
        return try (0..<count).map { _ in
            let length = String(decoding: try client.receive(until: "\r\n").dropFirst().dropLast(2), as: UTF8.self)
            return String(decoding: try client.receive(exactly: (Int(length) ?? 0) + 2).dropLast(2), as: UTF8.self)
        }
    }

    @Test func `two replicas are equal, and nothing is kept when they are gone`() async throws {
        let commands = RandomCommands(seed: 4)
        let prepare = { (emulator: ServedEmulator) in try await emulator.write(random: 500, of: commands) }
        try await run(prepare: prepare) { emulator, first in
            try await caughtUp(emulator, first)
            #expect(try await emulator.onLoop { $0.effects != nil })
            let link = ["--replicaof", "127.0.0.1", "\(emulator.port)"]
            try await RealServer.run(.redisServer, arguments: link) { second in
                for _ in 0..<20 { try await emulator.write(random: 50, of: commands) }
                _ = try await expectEqual(emulator, first)
                _ = try await expectEqual(emulator, second)
                #expect(try await emulator.onLoop { $0.replication.replicas.count } == 2)
            }
            try await emulator.write("CONFIG SET repl-backlog-ttl 1")
            try await emulator.onLoop { $0.replication.replicas.first.map { $0.connection.close() } }
            await first.stop()
            try await eventually("the stream is freed") { try await emulator.onLoop { $0.effects == nil } }
            #expect(try await emulator.onLoop { $0.replication.log == nil && $0.memory.shared == 0 })
            // Whoever had its history cannot go on with it.
            #expect(try await emulator.onLoop { $0.replication.offset } > 0)
        }
    }
}
