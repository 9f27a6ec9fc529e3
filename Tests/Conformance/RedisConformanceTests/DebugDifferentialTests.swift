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

    @Test func `OBJECT tells of a value`() async throws {
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

    @Test func `whatever is written to a key whose time is over, the end of the old one is told`() async throws {
        let writes = [
            "SET a 1", "SET a 1 EX 100", "SETEX a 100 v", "PSETEX a 100000 v", "GETSET a v", "SETNX a v", "MSET a 1",
            "MSETNX a 1", "BITOP NOT a z", "APPEND a x", "INCR a", "INCRBYFLOAT a 1", "SETRANGE a 1 x", "SETBIT a 1 1",
            "HSET a f v", "RPUSH a x", "SADD a x", "ZADD a 1 x", "XADD a 1-1 f v", "PFADD a x", "GEOADD a 1 1 m",
        ]
        try await withDebuggedPair {
            try compare(
                [
                    "DEBUG SET-ACTIVE-EXPIRE 0", "CONFIG SET notify-keyspace-events KEAn", "SET z 1",
                    .collected("B: PSUBSCRIBE __key*__:*"),
                ]
                    + writes.flatMap {
                        ["SET a v PX 1", "DEBUG SLEEP 0.005", .collected("B"), Step($0), .collected("B"), "DEL a"]
                    } + ["CONFIG SET notify-keyspace-events \"\""])
        }
    }

    @Test func `SWAPDB changes a watched key whose time is over, and not one that was absent`() async throws {
        try await withDebuggedPair {
            try compare([
                "DEBUG SET-ACTIVE-EXPIRE 0", "B: SET a 1 PX 20", "WATCH a", "B: DEBUG SLEEP 0.04", "B: SWAPDB 0 1",
                "MULTI",
                "PING", "EXEC", "B: FLUSHALL", "B: SELECT 1", "B: SET a 1 PX 1", "B: DEBUG SLEEP 0.01", "WATCH a",
                "B: SWAPDB 0 1", "MULTI", "PING", "EXEC", "B: FLUSHALL", "B: SET a 1", "WATCH a", "B: SWAPDB 0 1",
                "MULTI",
                "PING", "EXEC", "WATCH a none", "B: SWAPDB 2 3", "MULTI", "PING", "EXEC",
            ])
        }
    }

    @Test func `digests are those of Redis for the same data`() async throws {
        let keys = "s i f l t n z h x e none"
        try await withDebuggedPair {
            try compare([
                "DEBUG DIGEST", "SET s abc", "SET i 12", "SET f 3.25", "RPUSH l a b 3", "SADD t a b c", "SADD n 1 2 3",
                "ZADD z 1 a 2.5 b inf c 0.1 d -3e300 e", "HSET h f v g 2", "XADD x 1-1 a b c d", "XADD x 2-5 e 1",
                "SETEX e 100000 v", "DEBUG DIGEST", "DEBUG DIGEST-VALUE \(keys)", "debug digest-value s",
                "DEBUG DIGEST-VALUE",
                "DEBUG DIGEST x", "SELECT 3", "SET s abc", "DEBUG DIGEST", "DEBUG DIGEST-VALUE s i", "SELECT 0",
                "XDEL x 1-1", "XGROUP CREATE x g 0", "XREADGROUP GROUP g c STREAMS x >", "DEBUG DIGEST-VALUE x",
                "APPEND s d",
                "HINCRBYFLOAT h g 0.1", "ZINCRBY z 0.3 a", "PERSIST e", "LSET l 0 z", "DEBUG DIGEST", "RENAME s r",
                "DEBUG DIGEST", "FLUSHALL", "DEBUG DIGEST", "MULTI", "SET a 1", "DEBUG DIGEST", "DEBUG DIGEST-VALUE a",
                "EXEC",
            ])
        }
    }

    @Test func `POPULATE makes keys, and RELOAD keeps all`() async throws {
        try await withDebuggedPair {
            try compare([
                "DEBUG POPULATE", "DEBUG POPULATE x", "DEBUG POPULATE -1", "DEBUG POPULATE 0", "DBSIZE",
                "DEBUG POPULATE 3",
                .sorted("KEYS *"), "GET key:2", "SET p:1 mine", "DEBUG POPULATE 2 p", "GET p:1", "GET p:0",
                "DEBUG POPULATE 2 q 3", "GET q:1", "DEBUG POPULATE 2 r 20", "GET r:0", "OBJECT ENCODING r:0",
                "DEBUG POPULATE 2 r x", "DEBUG POPULATE 2 r -1", "DEBUG POPULATE 2 a 3 4", "DEBUG POPULATE 1 \"\" 100",
                "GET :0",
                "TTL key:1", "DEBUG DIGEST", "RPUSH l a b c", "SADD t 1 2 x", "SADD n 1 2 3", "ZADD z 1 a 2 b",
                "HSET h f v",
                "XADD x 1-1 a b", "XGROUP CREATE x g 0", "XREADGROUP GROUP g c STREAMS x >", "SETEX e 1000 v",
                "HSET big a \(String(repeating: "v", count: 70))", "HDEL big a", "HSET big b 1", "OBJECT ENCODING big",
                "DEBUG DIGEST", "DEBUG RELOAD", "DEBUG DIGEST", "OBJECT ENCODING big", "OBJECT ENCODING n",
                "TTL e", "XLEN x", .timeless("XPENDING x g - + 9"), "DBSIZE", "debug reload merge",
                "DEBUG RELOAD MERGE NOFLUSH",
                "DEBUG RELOAD x", "DEBUG RELOAD MERGE x", "SREM t x", "OBJECT ENCODING t", "DEBUG RELOAD",
                "OBJECT ENCODING t", "SELECT 2", "SET o 1", "SELECT 0", "DEBUG RELOAD", "SELECT 2", "GET o",
                "DEBUG DIGEST",
                "WATCH o", "DEBUG RELOAD", "MULTI", "GET o", "EXEC", "MULTI", "DEBUG RELOAD", "EXEC", "B: BLPOP w 0.05",
            ])
        }
    }

    @Test func `what changes how lists are cut shows in their payloads`() async throws {
        try await withDebuggedPair {
            try compare([
                "DEBUG QUICKLIST-PACKED-THRESHOLD 10b", "RPUSH l aaaaaaaaaaaaaaa b", "DUMP l", "OBJECT ENCODING l",
                "DEBUG QUICKLIST-PACKED-THRESHOLD 0", "RPUSH m aaaaaaaaaaaaaaa b", "DUMP m",
            ])
        }
    }

    @Test func `the history gets another name`() async throws {
        try await withDebuggedPair {
            try compare(["DEBUG CHANGE-REPL-ID", "DEBUG CHANGE-REPL-ID x", "debug change-repl-id"])
            let ours = try Dialogue(version: 2).connection("A").ours
            let before = try ours.call("INFO", "replication").text
            try ours.call("DEBUG", "CHANGE-REPL-ID")
            #expect(try ours.call("INFO", "replication").text != before)
        }
    }

    @Test func `what is not done is refused by name`() async throws {
        try await withDebuggedPair {
            let ours = try Dialogue(version: 2).connection("A").ours
            for words in [
                "SEGFAULT", "panic", "LOG x", "LISTPACK k", "HTSTATS 0", "RESTART", "LOADAOF", "OOM", "SDSLEN k",
            ] {
                let reply = try ours.call(
                    ["DEBUG"].map { Array($0.utf8) } + words.split(separator: " ").map { Array($0.utf8) })
                let word = words.split(separator: " ")[0]
                #expect(
                    reply.text?.hasPrefix("ERR this server is ") == true && reply.text?.hasSuffix(" \(word)") == true)
            }
            #expect(try ours.call("DEBUG", "RELOAD", "NOSAVE").text?.hasPrefix("ERR there is no RDB file") == true)
            #expect(try ours.call("DEBUG", "SLEEP", "61").text?.hasPrefix("ERR the server sleeps") == true)
            #expect(try ours.call("DEBUG", "POPULATE", "10000001").text?.hasPrefix("ERR at most") == true)
            #expect(try ours.call("DEBUG", "POPULATE", "9", "k", "1073741824").text?.hasPrefix("ERR at most") == true)
        }
    }

    @Test func `random values have the digests of Redis, before and after they are loaded again`() async throws {
        try await withDebuggedPair {
            try compareRandomly { random in
                let key = random.pick(["a", "b", "c"])
                let word =
                    random.oneIn(9) ? String(repeating: "w", count: random.below(90)) + "x" : "m\(random.below(9))"
                let score = random.pick(["1", "-2.5", "0.1", "1e17", "inf", "3"])
                switch random.below(16) {
                case 0: return Step("SET s\(key) \(random.pick([word, "17", "-0", "3.0"]))")
                case 1: return Step("RPUSH l\(key) \(word) \(random.below(99))")
                // All of it is read for every digest.
                case 2: return Step("LTRIM l\(key) 0 \(random.below(12))")
                case 3: return Step("SADD t\(key) \(random.oneIn(3) ? word : "\(random.below(9))")")
                case 4: return Step("SREM t\(key) \(word)")
                case 5, 6: return Step("ZADD z\(key) \(score) \(word)")
                case 7: return Step("HSET h\(key) \(word) \(score)")
                case 8: return Step("HDEL h\(key) \(word)")
                case 9: return Step("XADD x\(key) MAXLEN 9 \(random.below(3) + 1)-* f \(word)")
                case 10: return Step("EXPIRE \(random.pick(["s", "l", "t", "z", "h", "x"]))\(key) 100000")
                case 11 where random.oneIn(4): return Step("DEL \(random.pick(["s", "l", "t", "z", "h", "x"]))\(key)")
                case 12: return Step("OBJECT ENCODING \(random.pick(["s", "l", "t", "z", "h"]))\(key)")
                case 13: return Step("DEBUG DIGEST-VALUE s\(key) l\(key) t\(key) z\(key) h\(key) x\(key)")
                case 14 where random.oneIn(3): return Step("DEBUG RELOAD")
                default: return Step("DEBUG DIGEST")
                }
            }
        }
    }
}
