import Testing

/// Commands in every state of a connection: written otherwise, with too many arguments or too few, in a transaction, as a
/// user who may not or who may run them, without authentication, while subscribed.
@Suite(.comparedWithRedis)
struct StateDifferentialTests {
    private struct Framed {
        var line: String
        var rule: Step.Rule
        /// How many words are the command's name.
        var nameLength: Int
        /// Lines behind, with the same rule.
        var more: [String]
        /// More arguments than it takes are an error.
        var isFixed: Bool

        init(_ line: String, _ rule: Step.Rule = .exactly, name: Int = 2, isFixed: Bool = true, more: [String] = []) {
            self.line = line
            self.rule = rule
            nameLength = name
            self.more = more
            self.isFixed = isFixed
        }

        func steps(_ version: Int) -> [Step] {
            let words = line.split(separator: " ")
            let (name, arguments) = (words.prefix(nameLength), words.dropFirst(nameLength))
            func with(_ name: some Sequence<String>) -> String {
                (Array(name) + arguments.map(String.init)).joined(separator: " ")
            }
            let lower = with(name.map { $0.lowercased() })
            let mixed = with(name.map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() })
            var steps = [Step(line, rule), Step(lower, rule), Step(mixed, rule)]
            if isFixed { steps += [Step(line + " x y z v w q"), Step(lower + " x y z v w q r")] }
            if !arguments.isEmpty { steps.append(Step(name.joined(separator: " "), isFixed ? .exactly : .ignored)) }
            steps += more.map { Step($0, rule) }
            steps += ["MULTI", Step(line), Step("EXEC", rule)]
            steps += [Step("U: \(line)"), "U: MULTI", Step("U: \(line)"), "U: EXEC"]
            steps += [Step("V: \(line)", rule), Step("E: \(line)")]
            // In version 3 it runs.
            steps.append(Step("F: \(line)", version == 3 ? rule : .exactly))
            return steps
        }
    }

    /// U may do next to nothing, V everything; E has not authenticated, F is subscribed.
    private static let users: [Step] = [
        "ACL SETUSER u on >p +multi +exec +ping", "ACL SETUSER v on >p ~* &* +@all", "U: AUTH u p", "V: AUTH v p",
        "E: RESET", "F: SUBSCRIBE c",
    ]

    private func compare(_ frames: [Framed]) throws {
        for version in [2, 3] {
            try RedisConformanceTests.compare(
                Self.users + frames.flatMap { $0.steps(version) }, versions: [version])
        }
    }

    @Test func `ACL`() throws {
        try compare([
            Framed("ACL HELP"), Framed("ACL LOAD"), Framed("ACL SAVE"), Framed("ACL WHOAMI"),
            Framed("ACL GETUSER u", .rules), Framed("ACL GETUSER none"), Framed("ACL LIST", .ignored),
            Framed("ACL USERS", .sorted),
        ])
    }

    @Test func `CLIENT`() throws {
        try compare([
            Framed("CLIENT GETNAME"), Framed("CLIENT GETREDIR"), Framed("CLIENT HELP", .ignored),
            Framed("CLIENT ID", .shape),
            Framed("CLIENT INFO", .shape),
            Framed("CLIENT SETNAME me", more: ["CLIENT GETNAME", "CLIENT SETNAME \"\""]),
            Framed("CLIENT NO-EVICT on", more: ["CLIENT NO-EVICT off", "CLIENT NO-EVICT maybe"]),
            Framed("CLIENT UNPAUSE"), Framed("CLIENT TRACKINGINFO"),
            Framed("CLIENT CACHING yes", more: ["CLIENT CACHING no", "CLIENT CACHING maybe"]),
            Framed("CLIENT REPLY on", more: ["CLIENT REPLY maybe"]),
        ])
    }

    @Test func `COMMAND and CONFIG`() throws {
        try compare([
            Framed("COMMAND COUNT", .shape), Framed("COMMAND HELP"),
            Framed(
                "COMMAND INFO get", isFixed: false,
                more: ["COMMAND INFO get none mget", "COMMAND INFO config|get zadd"]),
            Framed("COMMAND DOCS get", .ignored, isFixed: false, more: ["COMMAND DOCS none", "COMMAND DOCS get set"]),
            Framed("CONFIG HELP"), Framed("CONFIG RESETSTAT"), Framed("CONFIG REWRITE"),
        ])
    }

    @Test func `functions and scripts`() throws {
        let library = "\"#!lua name=l\\nredis.register_function('f', function() return 1 end)\""
        try RedisConformanceTests.compare(["FUNCTION FLUSH"])
        try compare([
            Framed("FUNCTION DELETE none"), Framed("FUNCTION DUMP"), Framed("FUNCTION HELP"), Framed("FUNCTION KILL"),
            Framed("FUNCTION FLUSH", more: ["FUNCTION FLUSH ASYNC", "FUNCTION FLUSH bogus"]),
            Framed("FUNCTION RESTORE x", more: ["FUNCTION RESTORE x REPLACE", "FUNCTION RESTORE x BOGUS"]),
            Framed("FUNCTION STATS"), Framed("SCRIPT HELP"), Framed("SCRIPT KILL"),
            Framed("SCRIPT DEBUG NO", more: ["SCRIPT DEBUG BOGUS", "SCRIPT DEBUG \"\""]),
        ])
        try RedisConformanceTests.compare([
            Step("FUNCTION LOAD \(library)"), "FUNCTION STATS", "FUNCTION DUMP", "FUNCTION DELETE l",
            "FUNCTION DELETE l",
            "FUNCTION DELETE \"\"", "FUNCTION STATS", Step("FUNCTION LOAD \(library)"), "FUNCTION FLUSH SYNC",
            "FUNCTION FLUSH", "FUNCTION DUMP",
        ])
    }

    @Test func `LATENCY, MEMORY and SLOWLOG`() throws {
        try compare([
            Framed("LATENCY DOCTOR", .ignored), Framed("LATENCY GRAPH none"), Framed("LATENCY HELP"),
            Framed("LATENCY HISTORY none"), Framed("LATENCY LATEST", .ignored),
            Framed("LATENCY RESET none", isFixed: false, more: ["LATENCY RESET none other"]),
            Framed(
                "LATENCY HISTOGRAM none", isFixed: false,
                more: ["LATENCY HISTOGRAM none other", "LATENCY HISTOGRAM \"\""]),
            Framed("MEMORY DOCTOR", .ignored), Framed("MEMORY HELP"), Framed("MEMORY MALLOC-STATS", .ignored),
            Framed("MEMORY PURGE"), Framed("MEMORY STATS", .ignored), Framed("SLOWLOG HELP"),
            Framed("SLOWLOG LEN", .shape),
            Framed("SLOWLOG RESET"),
        ])
    }

    @Test func `HELP of containers, and what PUBSUB tells`() throws {
        try compare([
            Framed("OBJECT HELP"), Framed("PUBSUB HELP"), Framed("XGROUP HELP"), Framed("XINFO HELP"),
            Framed("PUBSUB NUMPAT"), Framed("PUBSUB SHARDCHANNELS", more: ["PUBSUB SHARDCHANNELS x*"]),
            Framed(
                "PUBSUB SHARDNUMSUB none", isFixed: false,
                more: ["PUBSUB SHARDNUMSUB", "PUBSUB SHARDNUMSUB none other"]),
        ])
    }

    @Test func `the server as a whole`() throws {
        try compare([
            Framed(
                "INFO server", .ignored, name: 1, isFixed: false,
                more: ["INFO none", "INFO server clients", "INFO default"]),
            Framed("LASTSAVE", .shape, name: 1), Framed("TIME", .shape, name: 1), Framed("ROLE", name: 1),
            Framed("RANDOMKEY", name: 1), Framed("UNWATCH", name: 1), Framed("REPLICAOF NO ONE", name: 1),
            Framed("SLAVEOF NO ONE", name: 1), Framed("DISCARD x", name: 1), Framed("DBSIZE", name: 1),
            Framed("READONLY", name: 1), Framed("READWRITE", name: 1), Framed("ASKING", name: 1),
            Framed("LOLWUT", name: 1, isFixed: false),
        ])
    }

    @Test func `clusters and modules`() throws {
        let names = [
            "ADDSLOTS 1", "ADDSLOTSRANGE 1 2", "BUMPEPOCH", "COUNT-FAILURE-REPORTS n", "COUNTKEYSINSLOT 1",
            "DELSLOTS 1", "DELSLOTSRANGE 1 2", "FAILOVER", "FLUSHSLOTS", "FORGET n", "GETKEYSINSLOT 1 2", "HELP",
            "INFO",
            "KEYSLOT a", "LINKS", "MEET h 1", "MYID", "NODES", "REPLICAS n", "REPLICATE n", "RESET", "SAVECONFIG",
            "SET-CONFIG-EPOCH 1", "SETSLOT 1 STABLE", "SHARDS", "SLAVES n", "SLOTS",
        ]
        try compare(
            names.map { Framed("CLUSTER \($0)") } + [
                Framed("MODULE LIST"), Framed("MODULE HELP"), Framed("MODULE LOAD x"), Framed("MODULE LOADEX x"),
                Framed("MODULE UNLOAD x"),
            ])
    }

    @Test func `what makes a connection another one is refused as in Redis`() throws {
        try RedisConformanceTests.compare(
            Self.users + [
                "MONITOR x", "monitor x", "Monitor x y", "U: MONITOR", "U: monitor x", "U: MULTI", "U: MONITOR",
                "U: EXEC",
                "E: MONITOR", "E: MONITOR x", "MULTI", "MONITOR", "EXEC", "EVAL \"return redis.call('MONITOR')\" 0",
                "V: MONITOR x", "SYNC x", "sync x", "Sync x y", "U: SYNC", "U: sync x", "U: MULTI", "U: SYNC",
                "U: EXEC",
                "E: SYNC", "E: SYNC x", "MULTI", "SYNC", "EXEC", "V: SYNC x", "EVAL \"return redis.call('SYNC')\" 0",
                "MULTI", "DISCARD", "MULTI", "discard", "V: DISCARD", "V: MULTI", "V: DISCARD", "E: DISCARD",
            ])
    }

    @Test func `saves are made where there is a place for them`() async throws {
        try await withDebuggedPair {
            try RedisConformanceTests.compare(
                Self.users + [
                    "SAVE", "save", "Save", "SAVE x", "SAVE x y", "U: SAVE", "U: MULTI", "U: SAVE", "U: EXEC",
                    "E: SAVE",
                    "V: SAVE", "MULTI", "SAVE", "EXEC", .shape("LASTSAVE"), "BGSAVE x", "BGSAVE SCHEDULE x",
                    "bgsave x y",
                    "U: BGSAVE", "U: BGSAVE SCHEDULE", "U: MULTI", "U: BGSAVE", "U: EXEC", "E: BGSAVE",
                    "E: BGSAVE SCHEDULE",
                    "BGSAVE", Self.idle, "bgsave", Self.idle, "BGSAVE SCHEDULE", Self.idle, "V: BGSAVE", Self.idle,
                    "EVAL \"return redis.call('SAVE')\" 0", "EVAL \"return redis.call('BGSAVE')\" 0", "MULTI", "BGSAVE",
                    "EXEC", "B: BLPOP none 0.3", Self.idle, "BGREWRITEAOF x", "bgrewriteaof x", "Bgrewriteaof x y",
                    "U: BGREWRITEAOF",
                    "U: MULTI", "U: BGREWRITEAOF", "U: EXEC", "E: BGREWRITEAOF", "BGREWRITEAOF", Self.idle,
                    "bgrewriteaof",
                    Self.idle, "V: BGREWRITEAOF", Self.idle, "MULTI", "BGREWRITEAOF", "EXEC", "B: BLPOP none 0.3",
                    Self.idle,
                ])
        }
    }

    /// Until neither server writes a file any more.
    private static let idle = Step.until(
        "EVAL \"local i = redis.call('INFO', 'persistence') return i:find('bgsave_in_progress:0') and i:find('rewrite_in_progress:0') and i:find('rewrite_scheduled:0') and 1\" 0",
        "(integer) 1")
}
