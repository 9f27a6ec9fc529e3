import TestKit
import Testing

/// What INFO counts of commands and errors, after the same commands.
@Suite(.comparedWithRedis)
struct StatisticsDifferentialTests {
    /// The lines of a section by their names, with their fields by theirs.
    private func section(_ name: String, _ client: RedisClient) throws -> [String: [String: String]] {
        let text = try #require(try client.call("INFO", name).text)
        var lines: [String: [String: String]] = [:]
        for line in text.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let fields = parts.count < 2 ? [] : parts[1].split(separator: ",")
            lines[String(parts[0])] = Dictionary(
                uniqueKeysWithValues: fields.map {
                    let pair = $0.split(separator: "=", maxSplits: 1)
                    return (String(pair[0]), pair.count < 2 ? "" : String(pair[1]))
                })
        }
        return lines
    }

    @Test func `commands that run are counted, lookups of streams twice, and changes go on behind a RESETSTAT`() throws
    {
        let steps: [Step] = [
            "SET k v", "nonsense", "GET", "MULTI", "SET k w", "INCR n", "EXEC", "MULTI", "GET", "EXEC",
            "XADD s 1-1 f v", "XREAD STREAMS s 0", "XREAD STREAMS no 0", "XREAD STREAMS s no 1-1 0",
            "XGROUP CREATE s g 0", "XGROUP CREATECONSUMER s g c", "XREADGROUP GROUP g c STREAMS s >",
            "XREADGROUP GROUP g c STREAMS s 0",
            "EVAL return(redis.call('get',KEYS[1])) 1 k", "PING", "CONFIG SET maxmemory 0",
        ]
        let dialogue = try Dialogue(version: 2, driver: LoopUnderTest.allCases[0])
        let (ours, theirs) = try dialogue.connection("A")
        var begins: [Int] = []
        for client in [ours, theirs] {
            begins.append(try changes(client))
            _ = try client.call("SET", "before", "1")
        }
        try dialogue.run("CONFIG RESETSTAT")
        for step in steps { try dialogue.run(step) }
        #expect(dialogue.isEqual, "\(dialogue.transcript())")
        let counts = try [ours, theirs].map { try section("stats", $0) }
        for name in ["total_commands_processed", "keyspace_hits", "keyspace_misses"] {
            #expect(counts[0][name] == counts[1][name], "\(name)")
        }
        let ends = [try changes(ours), try changes(theirs)]
        #expect(ends[0] - begins[0] == ends[1] - begins[1], "from \(begins) to \(ends)")
        let limits = try [ours, theirs].map { try section("memory", $0)["maxmemory_human"] }
        #expect(limits[0] == limits[1] && limits[0] == ["0B": ""])
    }

    @Test func `changes are counted by the elements`() throws {
        let steps: [Step] = [
            "SADD s 1 2 3", "SADD s 1 2 4", "SADD s 1", "SREM s 1 2 9", "SADD s 5 6 7 8 9", "SPOP s", "SPOP s 2",
            "SPOP s 100", "SADD s 1 2 3", "SADD s2 2 3 9", "SMOVE s s2 1", "SINTERSTORE d s s2", "LPUSH l 1 2 3",
            "RPUSH l 4 5", "LPUSHX l 1 2", "LTRIM l 1 -2", "LTRIM l 0 -1", "LPOP l 2", "RPUSH l a b c d", "RPOP l 2",
            "RPOPLPUSH l l2", "LMOVE l l2 LEFT RIGHT", "LMOVE l l LEFT RIGHT", "LMPOP 1 l2 LEFT COUNT 5", "LTRIM l 9 9",
            "HSET h a 1 b 2", "HSET h a 1 b 2", "HMSET h x 1 y 2 z 3", "HDEL h x y nope", "ZADD z 1 a 2 b 3 c",
            "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZREM z a nope", "ZREMRANGEBYSCORE z 1 2", "ZPOPMAX z 2",
            "ZADD z 1 a 2 b 3 c 4 d", "ZMPOP 1 z MIN COUNT 2", "GEOADD g 1 1 a 2 2 b", "XADD x 1-1 f v",
            "XADD x 2-1 f v",
            "XADD x 3-1 f v", "XDEL x 1-1 9-9", "XTRIM x MAXLEN 0", "RENAME s2 s3", "RENAMENX s3 s4",
            "SORT s4 STORE sd",
            "SORT nokey STORE sd", "MOVE s4 3", "EVAL return(redis.call('sadd','es',1,2,3)) 0", "DEL g h nokey",
            "PFADD p a b", "PFADD p a", "PFADD q", "XADD y 1-1 f v", "XADD y 2-1 f v", "XGROUP CREATE y g 0",
            "XREADGROUP GROUP g c STREAMS y >", "XACK y g 1-1 2-1 9-9", "XADD y 3-1 f v",
            "XREADGROUP GROUP g c STREAMS y >",
            "XCLAIM y g other 0 3-1", "BITFIELD b SET u8 0 5 INCRBY u8 8 1 GET u8 0",
            "BITFIELD b SET u8 0 5 SET u8 8 9",
            "BITFIELD b OVERFLOW FAIL INCRBY u8 0 300 INCRBY u8 0 1", "BITFIELD b SET u8 0 6", "SWAPDB 0 0",
            "SWAPDB 0 1",
            "SWAPDB 0 1",
        ]
        let dialogue = try Dialogue(version: 2, driver: LoopUnderTest.allCases[0])
        let (ours, theirs) = try dialogue.connection("A")
        for step in steps {
            let before = [try changes(ours), try changes(theirs)]
            try dialogue.run(step)
            let after = [try changes(ours), try changes(theirs)]
            #expect(after[0] - before[0] == after[1] - before[1], "\(step): \(before) \(after)")
        }
    }

    private func changes(_ client: RedisClient) throws -> Int {
        let line = try section("persistence", client)["rdb_changes_since_last_save"]
        return try #require(line?.keys.first.flatMap { Int($0) })
    }

    /// Runs the steps on both, and compares what was counted.
    private func compareCounts(_ steps: [Step], sourceLocation: SourceLocation = #_sourceLocation) throws {
        for version in [2, 3] {
            for driver in LoopUnderTest.allCases {
                let dialogue = try Dialogue(version: version, driver: driver)
                let (ours, theirs) = try dialogue.connection("A")
                for name in Set(steps.map(\.parts.connection)).sorted() { _ = try dialogue.connection(name) }
                try dialogue.run("CONFIG RESETSTAT")
                for step in steps { try dialogue.run(step) }
                #expect(dialogue.isEqual, "\(dialogue.transcript())", sourceLocation: sourceLocation)
                let counts = try [ours, theirs].map { client in
                    try section("commandstats", client).mapValues { fields in
                        fields.filter { ["calls", "rejected_calls", "failed_calls"].contains($0.key) }
                    }
                }
                for name in Set(counts[0].keys).union(counts[1].keys).sorted() {
                    #expect(counts[0][name] == counts[1][name], "\(name)", sourceLocation: sourceLocation)
                }
                let errors = try [ours, theirs].map { try section("errorstats", $0) }
                #expect(errors[0] == errors[1], sourceLocation: sourceLocation)
                let totals = try [ours, theirs].map { try section("stats", $0)["total_error_replies"] }
                #expect(totals[0] == totals[1], sourceLocation: sourceLocation)
            }
        }
    }

    @Test func `calls, refusals and failures of single commands`() throws {
        try compareCounts([
            "SET a 1", "SET a", "LPUSH a x", "GET a", "get a", "GET", "INCR a", "SET a x", "INCR a", "BOGUS",
            "BOGUS a b",
            "CONFIG", "CONFIG BOGUS", "CONFIG GET", "CONFIG GET hz", "CONFIG SET hz x", "OBJECT ENCODING a",
            "OBJECT HELP",
            "OBJECT ENCODING none", "OBJECT FREQ a", "CLIENT GETNAME", "CLIENT BOGUS", "CLIENT SETNAME \"a b\"",
            "XGROUP CREATE none g 0", "XADD x 1-1 f v", "XADD x 1-1 f v", "XGROUP CREATE x g 0", "XGROUP CREATE x g 0",
            "XREADGROUP GROUP h c STREAMS x >", "PING", "PING a b c", "ECHO", "ECHO a", "SELECT 99", "SELECT x",
            "SELECT 0",
            "HSET h f", "HSET h f v", "HINCRBY h f 1", "ZADD z x a", "ZADD z 1 a", "EXPIRE a x", "RENAME none other",
            "RESTORE a 0 x", .shape("MEMORY USAGE a"), "MEMORY BOGUS", "SUBSCRIBE", "DEL a x h z", "EVALSHA none 0",
            "AUTH a b",
            "DEBUG OBJECT a", "DEBUG", "SPOP none -1", "GETEX a EX 0", "SETRANGE a -1 x", "BITOP NOT d a b", "HELLO 9",
            "FUNCTION LOAD x", "FCALL none 0", "SCRIPT KILL", "LATENCY GRAPH none", "LATENCY BOGUS", "SLOWLOG GET x",
        ])
    }

    @Test func `transactions`() throws {
        try compareCounts([
            "SET a 1", "EXEC", "DISCARD", "MULTI", "MULTI", "GET", "SET a 2", "EXEC", "MULTI", "LPUSH a x", "GET a",
            "INCR a", "HGET a b", "EXEC", "MULTI", "BOGUS", "EXEC", "MULTI", "CONFIG BOGUS", "GET a", "EXEC", "WATCH a",
            "B: SET a 3", "MULTI", "GET a", "EXEC", "MULTI", "WATCH a", "DISCARD", "MULTI", "SUBSCRIBE", "EXEC",
            "MULTI",
            "EXEC x", "DISCARD", "MULTI", "EVAL \"return redis.call('LPUSH', KEYS[1], 1)\" 1 a", "EXEC", "MULTI",
            "DEBUG SLEEP 0",
            "EXEC", "UNWATCH", "MULTI", "PING", "PING", "EXEC",
        ])
    }

    @Test func `scripts`() throws {
        try compareCounts([
            "SET a 1", "EVAL \"return redis.call('GET', KEYS[1])\" 1 a",
            "EVAL \"return redis.call('LPUSH', KEYS[1], 1)\" 1 a",
            "EVAL \"return redis.pcall('LPUSH', KEYS[1], 1)\" 1 a",
            "EVAL \"redis.pcall('LPUSH', KEYS[1], 1) return 1\" 1 a",
            "EVAL \"return redis.error_reply('FOO bar')\" 0", "EVAL \"return {err='baz'}\" 0",
            "EVAL \"return {err='BAZ qux'}\" 0", "EVAL \"error('x')\" 0", "EVAL \"x(\" 0",
            "EVAL \"return redis.call('BOGUS')\" 0",
            "EVAL \"return redis.call('GET')\" 0", "EVAL \"return redis.call('SUBSCRIBE', 'a')\" 0",
            "EVAL \"return redis.pcall('CONFIG', 'BOGUS')\" 0", "EVAL \"return 1\" x", "EVAL \"return 1\" 5",
            "EVAL \"return 1\"",
            "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0", "SCRIPT LOAD \"return 1\"", "SCRIPT BOGUS",
            "EVAL \"for i = 1, 5 do redis.pcall('INCR', KEYS[1]) redis.pcall('HGET', KEYS[1], 'f') end return 1\" 1 a",
            "EVAL_RO \"return redis.call('SET', KEYS[1], 1)\" 1 a", "EVAL \"return redis.error_reply('NOSPACE')\" 0",
            "EVAL \"return redis.error_reply('-DASH x')\" 0", "EVAL \"return redis.error_reply('A:b#c x')\" 0",
            "EVAL \"return redis.error_reply('averyveryveryveryveryveryverylongwordindeed x')\" 0",
        ])
    }

    @Test func `who waits, and who may not`() throws {
        try compareCounts([
            "BLPOP none 0.01", "BLPOP none x", "RPUSH l a", "BLPOP l 1", "SET s v", "BLPOP s 1",
            "XREAD BLOCK 10 STREAMS none 0",
            "ACL SETUSER u on nopass +get +eval ~x*", "B: AUTH u x", "B: GET a", "B: GET x", "B: SET x 1", "B: MULTI",
            "B: SET x 1", "B: EXEC", "B: AUTH u", "B: AUTH v x", "B: EVAL \"return redis.call('GET', 'y')\" 0",
            "ACL DELUSER u",
        ])
    }

    @Test func `RESETSTAT forgets everything`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        for client in [ours, theirs] {
            try client.call("SET", "a", "1")
            _ = try client.call("LPUSH", "a", "1")
            try client.call("CONFIG", "RESETSTAT")
            #expect(try section("errorstats", client).isEmpty)
            #expect(try section("commandstats", client).keys.sorted() == ["cmdstat_config|resetstat", "cmdstat_info"])
            #expect(try section("latencystats", client).count == 2)
        }
    }

    @Test func `times and percentiles are there for the same commands`() throws {
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            var names: [[String]] = []
            for client in [ours, theirs] {
                try client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "0 50 99.9 100")
                try client.call("CONFIG", "RESETSTAT")
                for _ in 0..<10 { try client.call("SET", "a", "1") }
                try client.call("SORT", "none")
                try client.call("CLIENT", "GETNAME")
                let lines = try section("latencystats", client)
                names.append(lines.keys.sorted())
                let values = try #require(lines["latency_percentiles_usec_set"])
                #expect(values.keys.sorted() == ["p0", "p100", "p50", "p99.9"])
                let numbers = ["p0", "p50", "p99.9", "p100"].compactMap { values[$0].flatMap(Double.init) }
                #expect(numbers.count == 4)
                #expect(numbers == numbers.sorted())
                #expect((numbers.first ?? 0) > 0)
                #expect(values["p50"]?.split(separator: ".").last?.count == 3)
                let set = try #require(try section("commandstats", client)["cmdstat_set"])
                #expect(set.keys.sorted() == ["calls", "failed_calls", "rejected_calls", "usec", "usec_per_call"])
                #expect(set["calls"] == "10")
                #expect(set["usec_per_call"]?.split(separator: ".").last?.count == 2)
                try client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99 99.9")
            }
            #expect(names[0] == names[1])
        }
    }

    @Test func `of many calls a part is timed and all are counted`() throws {
        for driver in LoopUnderTest.allCases {
            let client = try Dialogue(version: 2, driver: driver).connection("A").ours
            try client.call("CONFIG", "RESETSTAT")
            for number in 0..<1000 { try client.call("SET", "key", "\(number)") }
            let set = try #require(try section("commandstats", client)["cmdstat_set"])
            #expect(set["calls"] == "1000")
            #expect(Int(set["usec"] ?? "") ?? 0 > 0)
            let reply = try #require(try client.call("LATENCY", "HISTOGRAM", "set").elements)
            let fields = try #require(reply[1].elements)
            #expect(fields[1] == .integer(1000))
            #expect(fields[3].elements?.last == .integer(1000))
        }
    }

    @Test func `sections and fields stand in the order of Redis`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        func lines(_ client: RedisClient, _ words: [String]) throws -> [String] {
            let text = try #require(try client.call((["INFO"] + words).map { Array($0.utf8) }).text)
            return text.split(separator: "\r\n", omittingEmptySubsequences: false)
                .map { String($0.split(separator: ":").first ?? "") }
                .filter { !["cmd", "err", "lat"].contains($0.prefix(3)) || $0 == "latest_fork_usec" }
        }
        for client in [ours, theirs] {
            try client.call("SET", "a", "1", "EX", "100")
            try client.call("SELECT", "3")
            try client.call("SET", "a", "1")
        }
        for words in [
            [], ["server"], ["Clients"], ["memory", "server"], ["default"], ["all"], ["everything"], ["bogus"],
            ["commandstats"], ["errorstats"], ["latencystats"], ["keyspace", "cluster"], ["ALL", "server"], ["modules"],
            ["persistence"], ["replication"], ["cpu"], ["stats", "stats"],
        ] {
            let (mine, other) = (try lines(ours, words), try lines(theirs, words))
            #expect(mine.filter { $0.hasPrefix("#") } == other.filter { $0.hasPrefix("#") }, "\(words)")
            let known = other.filter { Set(mine).contains($0) }
            #expect(mine.filter { !$0.isEmpty } == known.filter { !$0.isEmpty }, "\(words)")
        }
        // Of how Redis is built and of what only its own machinery has; what nobody counts here is not made up.
        let absent: Set<String> = [
            "redis_git_sha1", "redis_git_dirty", "redis_build_id", "multiplexing_api", "atomicvar_api", "gcc_version",
            "client_recent_max_input_buffer", "client_recent_max_output_buffer", "allocator_resident",
            "allocator_rss_ratio", "allocator_rss_bytes", "rss_overhead_ratio", "rss_overhead_bytes", "mem_aof_buffer",
            "lazyfreed_objects", "current_save_keys_processed", "current_save_keys_total", "rdb_last_load_keys_expired",
            "rdb_last_load_keys_loaded", "aof_rewrites", "aof_rewrites_consecutive_failures",
            "total_net_repl_input_bytes", "total_net_repl_output_bytes", "instantaneous_input_repl_kbps",
            "instantaneous_output_repl_kbps", "expired_stale_perc", "expired_time_cap_reached_count",
            "expire_cycle_cpu_milliseconds", "total_eviction_exceeded_time", "current_eviction_exceeded_time",
            "unexpected_error_replies", "total_reads_processed", "total_writes_processed", "reply_buffer_shrinks",
            "reply_buffer_expands",
        ]
        let missing = Set(try lines(theirs, ["everything"])).subtracting(try lines(ours, ["everything"]))
        #expect(missing == absent, "\(missing.symmetricDifference(absent).sorted())")
    }

    @Test func `keys have an average end, and a peak stays`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        try ours.call("SET", "a", "1", "PX", "100000")
        try ours.call("SET", "b", "1", "PX", "300000")
        try ours.call("SET", "c", "1")
        let fields = try #require(try section("keyspace", ours)["db0"])
        let age = try #require(Int(fields["avg_ttl"] ?? ""))
        #expect((190_000...200_000).contains(age))
        #expect(fields["keys"] == "3" && fields["expires"] == "2")
        for client in [ours, theirs] {
            try client.call("SET", "large", String(repeating: "x", count: 1 << 20))
            try client.call("DEL", "large")
            let memory = try #require(try client.call("INFO", "memory").text)
            func value(_ name: String) -> Int {
                memory.split(separator: "\r\n").first { $0.hasPrefix(name + ":") }
                    .flatMap { Int($0.split(separator: ":")[1]) } ?? 0
            }
            #expect(value("used_memory_peak") > value("used_memory"))
        }
        #expect(try section("stats", ours)["instantaneous_ops_per_sec"] != nil)
    }

    @Test func `without tracking of latencies there are none`() throws {
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            for client in [ours, theirs] {
                try client.call("SORT", "none")
                #expect(try !section("latencystats", client).isEmpty)
                try client.call("CONFIG", "SET", "latency-tracking", "no")
                #expect(try client.call("INFO", "latencystats").text == "# Latencystats\r\n")
                try client.call("CONFIG", "SET", "latency-tracking", "yes")
                #expect(try !section("latencystats", client).isEmpty)
            }
        }
    }

    @Test func `which commands find keys, and which miss them`() throws {
        let setup = [
            "SET s v", "SET n 5", "RPUSH l a b", "SADD e a b", "HSET h f v", "ZADD z 1 a", "XADD x 1-1 f v",
            "XGROUP CREATE x g 0",
        ]
        let commands = [
            "TYPE s", "TYPE no", "TTL s", "TTL no", "PTTL s", "PTTL no", "EXPIRETIME s", "EXPIRETIME no",
            "PEXPIRETIME s", "PEXPIRETIME no", "OBJECT ENCODING s", "OBJECT ENCODING no", "OBJECT IDLETIME s",
            "OBJECT IDLETIME no", "OBJECT REFCOUNT s", "OBJECT REFCOUNT no", "OBJECT FREQ s", "OBJECT FREQ no",
            "OBJECT HELP", "SET s v GET", "SET no2 v GET", "SET no3 v XX GET", "SET s v NX GET", "SET s v NX",
            "SET s v XX", "SET l v GET", "SET s v", "GET s", "GET no", "MGET s no", "EXISTS s no", "TOUCH s no",
            "GETSET s v", "GETSET no4 v", "GETDEL no4", "GETEX n", "GETEX no", "SETNX s v", "INCR n", "APPEND s x",
            "EXPIRE s 100", "EXPIRE no 1", "PERSIST s", "DEL no", "RENAME s s", "RENAME no q", "COPY s c1",
            "COPY no c2", "DUMP s", "DUMP no", "SORT l", "SORT no", "LLEN l", "LINDEX no 0", "LPOS l a", "SCARD no",
            "SMEMBERS e", "SINTER e no", "HGET h f", "HGET no f", "HLEN no", "ZSCORE z a", "ZCARD no",
            "ZRANGE z 0 -1", "GETBIT s 1", "SETBIT b 1 1", "BITCOUNT s", "BITPOS no 1", "BITFIELD s GET u8 0",
            "BITFIELD_RO no GET u8 0", "XLEN x", "XRANGE x - +", "XINFO STREAM x", "XINFO STREAM no", "XPENDING x g",
            "PFADD p a", "PFCOUNT p", "STRLEN no", "GETRANGE no 0 1", "WATCH s", "RANDOMKEY", "MEMORY USAGE s",
            "MEMORY USAGE no", "EVAL \"return redis.call('TYPE', KEYS[1])\" 1 s",
        ]
        func counted(_ client: RedisClient) throws -> [[String?]] {
            let stats = try section("stats", client)
            return ["keyspace_hits", "keyspace_misses"].map { stats[$0]?.keys.sorted() ?? [nil] }
        }
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            let (ours, theirs) = try dialogue.connection("A")
            for line in setup { try dialogue.run(Step(line, .ignored)) }
            for line in commands {
                try dialogue.run("CONFIG RESETSTAT")
                try dialogue.run(Step(line, .ignored))
                let (mine, others) = (try counted(ours), try counted(theirs))
                #expect(mine == others, "\(line)")
            }
        }
    }

    @Test func `what is sent is counted, and what was saved`() throws {
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            for client in [ours, theirs] {
                func value(_ name: String) throws -> Double? {
                    try section("stats", client)[name]?.keys.first.flatMap(Double.init)
                }
                try client.call("SET", "k", String(repeating: "x", count: 1000))
                try client.call("CONFIG", "RESETSTAT")
                #expect(try value("total_net_output_bytes").map { $0 < 1000 } == true)
                let before = try #require(try value("total_net_output_bytes"))
                for _ in 0..<100 { try client.call("GET", "k") }
                let sent = try #require(try value("total_net_output_bytes")) - before
                #expect((101_000...120_000).contains(sent), "\(sent)")
                #expect(try value("instantaneous_input_kbps") != nil)
                #expect(try value("instantaneous_output_kbps") != nil)
                #expect(try section("persistence", client)["rdb_saves"]?.keys.first == "0")
            }
        }
    }
}
