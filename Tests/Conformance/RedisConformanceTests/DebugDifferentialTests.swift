import TestKit
import Testing

@Suite(.comparedWithRedis)
struct DebugDifferentialTests {
    @Test func `it is refused as in Redis where it is not allowed`() throws {
        try compare([
            "DEBUG", "DEBUG SLEEP 0", "DEBUG OBJECT a", "DEBUG BOGUS", "DEBUG HELP", "debug reload", "MULTI",
            "DEBUG SLEEP 0",
            "EXEC", "EVAL \"return redis.call('DEBUG', 'SLEEP', '0')\" 0", "CONFIG GET enable-debug-command",
            "CONFIG SET enable-debug-command yes", "DEBUG JMAP", "GET a",
        ])
    }

    @Test func `where it is allowed it answers as Redis`() async throws {
        try await withDebuggedPair {
            let types = "string integer double bignum null array set map push verbatim true false bogus".split(
                separator: " ")
            try compare(
                [
                    "DEBUG", "DEBUG BOGUS", "DEBUG SLEEP", "DEBUG SLEEP 0", "DEBUG SLEEP x", "DEBUG SLEEP -1",
                    "DEBUG SLEEP 0.001",
                    "DEBUG SLEEP 0 0", "DEBUG SET-ACTIVE-EXPIRE", "DEBUG SET-ACTIVE-EXPIRE 0",
                    "DEBUG SET-ACTIVE-EXPIRE x",
                    "DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG OBJECT", "DEBUG OBJECT none", "DEBUG OBJECT a b", "DEBUG JMAP",
                    "DEBUG STRINGMATCH-LEN", "DEBUG STRINGMATCH-LEN 10 a*b", "DEBUG QUICKLIST-PACKED-THRESHOLD",
                    "DEBUG QUICKLIST-PACKED-THRESHOLD 100b", "DEBUG QUICKLIST-PACKED-THRESHOLD x",
                    "DEBUG QUICKLIST-PACKED-THRESHOLD 5gb", "DEBUG QUICKLIST-PACKED-THRESHOLD 0", "DEBUG ERROR",
                    "DEBUG ERROR \"FOO bar\"",
                    "DEBUG ERROR \"a\\r\\nb\"", "DEBUG ERROR \"\"", "DEBUG PROTOCOL", "DEBUG PROTOCOL STRING",
                    "DEBUG HELP x", .ignored("DEBUG HELP"), "MULTI", "DEBUG SLEEP 0", "EXEC",
                    "EVAL \"return redis.call('DEBUG', 'SLEEP', '0')\" 0", "CONFIG GET enable-debug-command",
                ] + types.map { Step("DEBUG PROTOCOL \($0)") })
        }
    }

    @Test func `OBJECT tells of a value, and RELOAD is refused`() async throws {
        try await withDebuggedPair {
            let (ours, theirs) = try Dialogue(version: 2).connection("A")
            let long = String(repeating: "xyz", count: 20)
            for client in [ours, theirs] {
                for line in [
                    "SET i 1", "SET big 123456", "SET s abc", "SET r \(long)", "RPUSH l a b c", "SADD t 1 2 3",
                    "SADD u a",
                    "HSET h f v", "ZADD z 1 a", "SETEX e 100 v",
                ] { _ = try client.call(line.split(separator: " ").map { Array($0.utf8) }) }
            }
            for key in ["i", "big", "s", "r", "t", "h", "z", "e", "l", "u"] {
                let texts = try [ours, theirs].map { try #require(try $0.call("DEBUG", "OBJECT", key).text) }
                let words = texts.map { $0.split(separator: " ").map { $0.split(separator: ":") } }
                #expect(texts.allSatisfy { $0.hasPrefix("Value at:0x") })
                let names = words.map { $0.map { String($0.first ?? "") } }
                #expect(Array(names[0].prefix(7)) == Array(names[1].prefix(7)), "\(texts)")
                #expect(words[0][2] == words[1][2], "\(texts)")
                #expect(words[0][3] == words[1][3], "\(texts)")
                // Lists are packed otherwise.
                if key != "l" { #expect(words[0][4] == words[1][4], "\(texts)") }
            }
            for words in [["RELOAD"], ["RELOAD", "NOSAVE"], ["LOADAOF"]] {
                let reply = try ours.call((["DEBUG"] + words).map { Array($0.utf8) })
                #expect(reply.text?.hasPrefix("ERR this cache ") == true)
            }
        }
    }

    @Test func `keys do not expire by themselves where SET-ACTIVE-EXPIRE is 0`() async throws {
        try await withDebuggedPair {
            try compare([
                "DEBUG SET-ACTIVE-EXPIRE 0", "SET a 1 PX 1", "SET b 1", "DEBUG SLEEP 0.3", "DBSIZE", "GET a", "DBSIZE",
                "SET a 1 PX 1", "DEBUG SET-ACTIVE-EXPIRE 1", .until("DBSIZE", "(integer) 1"),
            ])
        }
    }
}
