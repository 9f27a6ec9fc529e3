import Foundation
import Processes
import TestKit
import Testing

/// Snapshots, branches, resets and seeds by the command line.
@Suite(.serialized) struct StateTests {
    @Test func `a cache goes back, branches, and is emptied, under connected clients`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let client = try redisClient(url)
            func ask(_ command: String) throws -> String {
                try client.send(command + "\r\n")
                return String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
            }
            #expect(try ask("SET a 1") == "+OK\r\n")
            try await broker.succeed("snapshot", "create", "seeded", "cache")
            #expect(try ask("APPEND a 2") == ":2\r\n")
            #expect(try ask("SET b 2") == "+OK\r\n")
            try await broker.succeed("branch", "seeded", "cache2")
            try await broker.succeed("attach", "cache2", "--to", "other")
            let other = try await broker.succeed("url", "cache2", "--app", "other")
            #expect(try await redis(other, "DBSIZE") == ":1\r\n")
            #expect(try await redis(other, "APPEND a x") == ":2\r\n")
            #expect(try ask("DBSIZE") == ":2\r\n")
            try await broker.succeed("restore", "seeded", "cache")
            #expect(try ask("DBSIZE") == ":1\r\n")
            #expect(try ask("STRLEN a") == ":1\r\n")
            try await broker.succeed("reset", "cache")
            #expect(try ask("DBSIZE") == ":0\r\n")
            #expect(try await redis(other, "STRLEN a") == ":2\r\n")
            try await broker.succeed("reset", "cache2")
            #expect(try await redis(other, "STRLEN a") == ":1\r\n")
            let list = try await broker.run("snapshot", "ls", "--json").json()
            let snapshot = try #require((list["snapshots"] as? [[String: Any]])?.first)
            #expect(snapshot["name"] as? String == "seeded")
            try await broker.succeed("snapshot", "rm", "seeded")
            #expect(try await redis(other, "STRLEN a") == ":1\r\n")
            let gone = try await broker.run("restore", "seeded")
            #expect(gone.exitCode == 3)
            #expect(gone.error.hasPrefix("error[E0309]"))
        }
    }

    @Test func `a suite begins with a snapshot and a seed, and goes back to what it began with`() async throws {
        try await Broker.use { broker in
            let work = broker.folder.file("work")
            try #"{"greeting": "hello", "list": ["a", "b"], "hash": {"f": "v"}}"#.write(
                toFile: work + "/cache.json", atomically: true, encoding: .utf8)
            try "CREATE TABLE t (n); INSERT INTO t VALUES (1), (2);".write(
                toFile: work + "/db.sql", atomically: true, encoding: .utf8)
            try await broker.succeed("attach", "cache", "--to", "web")
            try await broker.succeed("seed", "cache", "cache.json")
            try await broker.succeed("snapshot", "create", "seeded")
            let suite = #"""
                set -e
                R="redis-cli -u $CACHE_URL"
                $R get greeting; $R lrange list 0 -1; $R hget hash f
                $R flushall >/dev/null
                "$0" reset cache
                $R dbsize
                """#
            let begun = try await broker.run(
                "test", "-q", "--set", "cache", "--from", "seeded", "--", "sh", "-c", suite, Broker.binary)
            #expect(begun.output == "hello\na\nb\nv\n3\n", "\(begun.error)")
            let filled = try await broker.run(
                "test", "-q", "--set", "db", "--seed", "db=db.sql", "--", Broker.binary, "expect", "db", "--query",
                "SELECT sum(n) FROM t", "--equals", "3")
            #expect(filled.exitCode == 0, "\(filled.error)")
            try "{\"a\": 1, ".write(toFile: work + "/bad.json", atomically: true, encoding: .utf8)
            let refused = try await broker.run(
                "test", "--set", "cache", "--seed", "cache=bad.json", "--", "touch", "ran")
            #expect(refused.exitCode == 125)
            #expect(!FileManager.default.fileExists(atPath: work + "/ran"))
        }
    }

    @Test func `what a real server holds is not kept, and says so`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
            for verb in [["snapshot", "create", "x", "cache"], ["reset", "cache"], ["clock", "freeze", "cache"]] {
                let running = try broker.start(verb)
                #expect(await running.process.exit(within: .seconds(30)) == .code(7))
                #expect(try running.error().contains("is a real server"))
            }
        }
    }
}
