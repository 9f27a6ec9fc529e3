import Testing

@Suite(.comparedWithRedis)
struct ServerDifferentialTests {
    @Test func `server commands answer in the shapes of Redis`() throws {
        try compare([
            .shape("TIME"), "TIME x", "ROLE", "ROLE x", "WAIT 0 0", "WAIT 0 10", "WAIT x 0", "WAIT 0 x", "WAIT 0 -1",
            "WAIT 0", .shape("INFO"), .shape("INFO server"), .shape("INFO server clients"), "INFO bogus", "DBSIZE",
            .shape("DBSIZE"), "MEMORY USAGE none", "SET a 1", .shape("MEMORY USAGE a"),
            .shape("MEMORY USAGE a SAMPLES 5"), "MEMORY USAGE a SAMPLES x", "MEMORY USAGE a SAMPLES -1",
            "MEMORY USAGE a SAMPLES", "MEMORY USAGE a BOGUS 1", "MEMORY USAGE", "MEMORY BOGUS", "MEMORY",
            "CONFIG RESETSTAT", "CONFIG RESETSTAT x", "CONFIG REWRITE", "CONFIG REWRITE x",
        ])
    }

    @Test func `CONFIG refuses what Redis refuses`() throws {
        try compare([
            "CONFIG GET", "CONFIG GET bogus", "CONFIG GET hz", "CONFIG GET HZ", .pairs("CONFIG GET hz timeout"),
            "CONFIG GET hz hz", .pairs("CONFIG GET hash-max-listpack-*"), "CONFIG GET hz bogus",
            "CONFIG SET", "CONFIG SET hz", "CONFIG SET bogus 1", "CONFIG SET databases 5", "CONFIG SET hz 10 timeout",
            "CONFIG SET hz 10", "CONFIG SET hz 10 hz 10", "CONFIG SET bogus 1 hz 20", "CONFIG GET hz",
            "CONFIG SET timeout x", "CONFIG SET timeout -1", "CONFIG SET maxmemory-policy bogus",
            "CONFIG SET maxmemory-policy noeviction", "CONFIG SET appendonly maybe", "CONFIG BOGUS x",
            "CONFIG GET \"\"",
            "CONFIG SET hash-max-listpack-entries x", "CONFIG SET notify-keyspace-events Q",
            "CONFIG SET notify-keyspace-events \"\"", "CONFIG SET maxmemory 1x", "CONFIG SET maxmemory 0",
            "CONFIG SET hash-max-ziplist-entries 512", "CONFIG SET hz 20 loglevel debug", "CONFIG GET hz",
            "CONFIG SET hz 501", "CONFIG GET hz", "CONFIG SET hz 0", "CONFIG GET hz", "CONFIG SET hz 2147483648",
            "CONFIG SET hz 10 loglevel notice",
            "CONFIG HELP", "COMMAND HELP x", "PUBSUB HELP", "OBJECT HELP",
        ])
    }

    @Test(arguments: [
        "appendonly yes", "appendfsync always",
        "save \"900 1\"", "hash-max-listpack-entries 100000", "min-replicas-to-write 2",
        "replica-read-only no", "hz 50 appendonly yes",
    ])
    func `CONFIG SET of what would have no effect is refused, and nothing is set`(_ change: String) throws {
        let client = try Dialogue(version: 2).connection("A").ours
        let words =
            ["CONFIG", "SET"]
            + change.split(separator: " ", maxSplits: 1).map {
                $0.replacing("\"", with: "")
            }
        let all = change.hasPrefix("hz") ? ["CONFIG", "SET", "hz", "50", "appendonly", "yes"] : words
        let reply = try #require(try client.call(all.map { Array($0.utf8) }).text)
        #expect(reply.hasPrefix("ERR CONFIG SET failed (possibly related to argument '"))
        #expect(reply.contains("the emulator "))
        #expect(try client.call("CONFIG", "GET", "hz").elements?.last?.text == "10")
    }

    @Test func `INFO has the sections and fields that clients read`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        func fields(_ client: RedisClient) throws -> Set<Substring> {
            let text = try #require(try client.call("INFO").text)
            return Set(text.split(separator: "\r\n").compactMap { $0.split(separator: ":").first })
        }
        #expect(try fields(ours).isSubset(of: fields(theirs)))
        #expect(try ours.call("INFO", "keyspace") == .bulk(Array("# Keyspace\r\n".utf8)))
        #expect(try theirs.call("INFO", "keyspace") == .bulk(Array("# Keyspace\r\n".utf8)))
        try ours.call("SET", "a", "1", "EX", "100")
        try theirs.call("SET", "a", "1", "EX", "100")
        #expect(try ours.call("INFO", "keyspace").text?.contains("db0:keys=1,expires=1,avg_ttl=") == true)
        #expect(try theirs.call("INFO", "keyspace").text?.contains("db0:keys=1,expires=1,avg_ttl=") == true)
    }

    @Test(arguments: ["failover", "migrate", "shutdown"])
    func `what apps may not do is refused`(_ command: String) throws {
        let client = try Dialogue(version: 2).connection("A").ours
        let words = [command] + (0..<6).map(String.init)
        let replies = try (1...7).map { try client.call(words[..<$0].map { Array($0.utf8) }) }
        let texts = replies.compactMap(\.text)
        #expect(texts.contains("NOPERM this user has no permissions to run the '\(command)' command"))
        #expect(texts.allSatisfy { $0.hasPrefix("NOPERM") || $0.hasPrefix("ERR wrong number") })
        #expect(try client.call("PING") == .simple(Array("PONG".utf8)))
    }
}
