import BrokerModel
import EventLoop
import Foundation
import Gateway
import ProviderKit
import QueueEmulator
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// Files that fill resources: whole, or not at all.
struct SeedTests {
    private func seed(
        _ resources: ResourcesAtHand, _ backing: Backing, _ format: SeedRequest.Format, _ text: String,
        as serviceClass: ServiceClass = .redis
    ) async throws -> Int {
        let directory = try TemporaryDirectory()
        let path = directory.file("seed")
        try Data(text.utf8).write(to: URL(filePath: path))
        return try await resources.provider.seed(
            SeedRequest(backing: backing, serviceClass: serviceClass, path: path, format: format)
        ).items
    }

    private func resp(_ commands: String...) -> String {
        commands.map { command in
            let words = command.split(separator: " ")
            return "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        }.joined()
    }

    @Test func `commands of a file run in their databases`() async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("c")
            let text = resp("SET a 1", "SELECT 3", "RPUSH l x y", "EXPIRE l 1000", "SELECT 0", "INCR a")
            #expect(try await seed(resources, cache.backing, .resp, text) == 4)
            #expect(try await cache.onLoop { $0.keyCounts } == [0: 1, 3: 1])
            #expect(try await cache.ask("GET a") == "$1\r\n2\r\n")
        }
    }

    @Test(arguments: [
        ("*1\r\n$3\r\nSE", "within a command"), ("hello", "byte 0"),
        ("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "changes no key"),
        ("*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", "database"), ("*2\r\n$4\r\nINCR\r\n$4\r\nkept\r\n", "integer"),
    ]) func `commands that cannot be taken leave the cache as it was`(end: (text: String, why: String)) async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("c")
            try await cache.run("SET kept word")
            let begin = resp("SET a 1", "DEL kept", "SET kept other")
            let error = await #expect(throws: BrokerError.self) {
                _ = try await seed(resources, cache.backing, .resp, begin + end.text)
            }
            #expect(error?.code == .invalidRequest)
            #expect(error?.why.contains(end.why) == true || end.why == "byte 0", "\(String(describing: error))")
            #expect(error?.why.contains("byte") == true)
            #expect(try await cache.ask("GET kept") == "$4\r\nword\r\n")
            #expect(try await cache.ask("DBSIZE") == ":1\r\n")
        }
    }

    @Test func `a durable cache that could not be filled is as it was on disk too`() async throws {
        let directory = try TemporaryDirectory()
        let backing = Backing(
            id: .random(), resource: ResourceID(rawValue: "r"), provider: .emulator, secret: Secret("secret"),
            memory: [:])
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            try await cache.run("SET kept word")
            await #expect(throws: BrokerError.self) {
                _ = try await seed(resources, backing, .resp, resp("DEL kept", "SET a 1", "INCR"))
            }
            #expect(try await seed(resources, backing, .json, #"{"b": 2}"#) == 1)
            try await resources.provider.suspend(backing)
        }
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            #expect(try await cache.ask("GET kept") == "$4\r\nword\r\n")
            #expect(try await cache.ask("DBSIZE") == ":2\r\n")
        }
    }

    @Test func `JSON names keys with their values`() async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("c")
            try await cache.run("SET l old", "SET other 1")
            let text = #"{"s": "text", "n": 7, "f": 1.5, "t": true, "l": ["a", 1], "h": {"x": "y", "z": 3}, "e": []}"#
            #expect(try await seed(resources, cache.backing, .json, text) == 7)
            #expect(try await cache.ask("GET s") == "$4\r\ntext\r\n")
            #expect(try await cache.ask("GET n") == "$1\r\n7\r\n")
            #expect(try await cache.ask("GET f") == "$3\r\n1.5\r\n")
            #expect(try await cache.ask("GET t") == "$4\r\ntrue\r\n")
            #expect(try await cache.ask("LRANGE l 0 -1") == "*2\r\n$1\r\na\r\n$1\r\n1\r\n")
            #expect(try await cache.ask("HGET h z") == "$1\r\n3\r\n")
            #expect(try await cache.ask("EXISTS other e") == ":1\r\n")
            for wrong in ["", "[]", #"{"a": null}"#, #"{"a": {"b": {}}}"#, #"{"a": 1"#] {
                let error = await #expect(throws: BrokerError.self) {
                    _ = try await seed(resources, cache.backing, .json, wrong)
                }
                #expect(error?.code == .invalidRequest)
            }
        }
    }

    @Test func `a file of redis-server fills a cache, and half of one does not`() async throws {
        try await ResourcesAtHand.run { resources in
            let directory = try TemporaryDirectory()
            let source = try await resources.cache("source", isDurable: true)
            try await source.run((0..<2000).map { "SET key:\($0) \($0)" })
            #expect(try await source.ask("BGSAVE").hasPrefix("+"))
            let folder = resources.provider.folder(of: source.backing.id)
            let path = directory.file("dump.rdb")
            try await eventually("it is saved") {
                let name = try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".rdb") }
                guard let name, try await source.ask("INFO persistence").contains("rdb_bgsave_in_progress:0") else {
                    return false
                }
                try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: path)
                return true
            }
            let cache = try await resources.cache("c")
            try await cache.run("SET kept word")
            let request = SeedRequest(backing: cache.backing, serviceClass: .redis, path: path, format: .rdb)
            #expect(try await resources.provider.seed(request).items == 2000)
            #expect(try await cache.ask("DBSIZE") == ":2001\r\n")
            try await resources.reset(cache.backing)
            try await cache.run("SET kept word")
            let whole = try #require(FileManager.default.contents(atPath: path))
            try whole.prefix(whole.count / 2).write(to: URL(filePath: path))
            await #expect(throws: BrokerError.self) { _ = try await resources.provider.seed(request) }
            #expect(try await cache.ask("DBSIZE") == ":1\r\n")
        }
    }

    @Test func `a queue takes a job in each line`() async throws {
        try await ResourcesAtHand.run { resources in
            let queue = resources.backing("q")
            guard case .queue(let emulator) = try await resources.provision(queue, .beanstalk).upstream else {
                throw NeverHappened("it is no queue")
            }
            let loop = resources.loops.take(for: "q")
            let text = """
                {"body": "one"}

                {"body": "two", "tube": "mail", "priority": 5, "delay": 60, "ttr": 3}
                """
            #expect(try await seed(resources, queue, .json, text, as: .beanstalk) == 2)
            let statistics = try await loop.onLoop { emulator.value.statistics }
            #expect(statistics.ready == 1 && statistics.delayed == 1)
            for wrong in ["{}", "x", #"{"body": 3}"#, #"{"body": "b", "tube": "a b"}"#] {
                let error = await #expect(throws: BrokerError.self) {
                    _ = try await seed(
                        resources, queue, .json, #"{"body": "three"}"# + "\n" + wrong, as: .beanstalk)
                }
                #expect(error?.why.contains("line 2") == true)
            }
            #expect(try await loop.onLoop { emulator.value.statistics.ready } == 1)
        }
    }

    @Test func `a store runs a script, or is as it was`() async throws {
        try await ResourcesAtHand.run { resources in
            let store = resources.backing("s")
            _ = try await resources.provision(store, .sqlite)
            let script = "BEGIN;\nCREATE TABLE t (x);\nINSERT INTO t VALUES (1);\nCOMMIT;\n-- the end\n"
            #expect(try await seed(resources, store, .sql, script, as: .sqlite) == 4)
            let error = await #expect(throws: BrokerError.self) {
                _ = try await seed(
                    resources, store, .sql, "DELETE FROM t;\n\nINSERT INTO u VALUES (1);\nDELETE FROM t;", as: .sqlite)
            }
            #expect(error?.why.contains("line 3") == true, "\(String(describing: error))")
            let connection = try StoreConnection(resources.provider.storeFile(of: store.id).path)
            try connection.run(
                "SELECT CASE (SELECT count(*) FROM t) WHEN 1 THEN 1 ELSE abs(-9223372036854775807 - 1) END")
            #expect(try await seed(resources, store, .sql, "VACUUM", as: .sqlite) == 1)
            for script in ["VACUUM INTO '/tmp/other'", "ATTACH '/tmp/' || 'other' AS o"] {
                await #expect(throws: BrokerError.self) {
                    _ = try await seed(resources, store, .sql, script, as: .sqlite)
                }
            }
            await #expect(throws: BrokerError.self) {
                _ = try await seed(resources, store, .sql, "ATTACH '/tmp/other' AS o", as: .sqlite)
            }
            await #expect(throws: BrokerError.self) { _ = try await seed(resources, store, .resp, "", as: .sqlite) }
        }
    }
}
