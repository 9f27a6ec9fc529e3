import TestKit
import Testing

/// Commands with few forms, each in all of them: on a key of its type, of another type, on none, with too much and too little.
@Suite(.comparedWithRedis)
struct SmallCommandDifferentialTests {
    /// A key of each type, one that has an end, and a number.
    private static let keys: [Step] = [
        "SET s hello", "SET n 41", "RPUSH l a b c", "SADD t 1", "HSET h f v", "ZADD z 1 a 2 b", "XADD x 1-1 f v",
        "SET e v PXAT 4102444800000", "PFADD p a", "SET empty \"\"", "SET big 9223372036854775807",
        "SET small -9223372036854775808",
    ]

    private let login = Step("AUTH \(EmulatedRedis.user) \(EmulatedRedis.secret)")

    /// A key's idle time is off by one where a second of the one server has just begun.
    private func compareOnKeys(_ commands: [String]) throws {
        try compare(
            Self.keys
                + commands.map {
                    let isIdleTime = $0.wholeMatch(of: /OBJECT IDLETIME [a-z]/) != nil
                    return isIdleTime ? .approximately($0, by: 1) : Step($0)
                })
    }

    @Test func `numbers that go down`() throws {
        try compareOnKeys([
            "DECR n", "DECR none", "DECR s", "DECR l", "DECR empty", "DECR small", "DECR e", "DECR", "DECR n n",
            "DECR h",
            "DECR x", "PTTL s", "DECRBY n 5", "DECRBY n -5", "DECRBY none2 3", "DECRBY n x", "DECRBY n 1.5",
            "DECRBY big -1", "DECRBY small 1", "DECRBY n -9223372036854775808", "DECRBY n 9223372036854775807",
            "DECRBY t 1",
            "DECRBY n", "DECRBY n 1 2", "DECRBY n \" 1\"", "DECRBY s 1",
        ])
    }

    @Test func `strings that are set with an end`() throws {
        var commands: [String] = []
        for command in ["SETEX", "PSETEX"] {
            commands += [
                "s 100 v", "l 100 v", "none 100 \"\"", "s 0 v", "s -1 v", "s x v", "s 1.5 v", "s 100", "s 100 v w",
            ]
            .map { "\(command) \($0)" }
            commands += ["\(command) s 9223372036854775807 v", "\(command) \"\" 100 v", "\(command)"]
        }
        commands += ["s v", "none v", "none w", "l v", "\"\" v", "", "s", "s v w", "e v", "other \"\"", "x v"]
            .map { "SETNX \($0)" }
        commands += [
            "s 1 a 2", "a 1 b 2", "a 1 b 2", "c 1 c 2", "", "d", "d 1 f", "l 1 q 2", "q 1 l 2", "EXISTS", "q 1",
        ]
        .map { "MSETNX \($0)" }
        commands += ["GET a", "GET c", "EXISTS q d", "TTL s"]
        try compareOnKeys(commands)
    }

    @Test func `strings that are read and changed at once`() throws {
        try compareOnKeys([
            "GETSET s v", "GETSET none v", "GETSET l v", "GETSET e w", "TTL e", "GETSET n \"\"", "GETSET", "GETSET s",
            "GETSET s v w", "GETSET x v", "GETSET h v", "GETSET n 7", "GETDEL s", "GETDEL s", "GETDEL l", "GETDEL e",
            "GETDEL empty", "GETDEL", "GETDEL n n", "GETDEL h", "GETDEL x", "GETDEL p", "EXISTS s e empty n",
            "MGET s n l", "MGET", "MGET none", "MGET n n n", "MGET l h t z x", "MGET \"\"", "MGET big small e",
            "MGET s",
            "MGET n none n", "MGET e", "SUBSTR n 0 -1", "SUBSTR big 0 2", "SUBSTR big -3 -1", "SUBSTR big 5 2",
            "SUBSTR none 0 1", "SUBSTR l 0 1", "SUBSTR big x 1", "SUBSTR big 0 x", "SUBSTR big 0", "SUBSTR big 0 100",
            "SUBSTR big 0 1 2", "SUBSTR big -100 3",
        ])
    }

    @Test func `ends of keys`() throws {
        try compareOnKeys(
            ["PEXPIRETIME", "PERSIST", "PEXPIRETIME", "PERSIST"].flatMap { command in
                ["s", "e", "none", "l", "h", "t", "z", "x", "", "s s", "p"].map { "\(command) \($0)" }
            } + ["s", "e", "none", "l", "h", "", "s s", "x", "p", "t", "\"\""].map { "PTTL \($0)" })
    }

    @Test func `keys as a whole`() throws {
        try compareOnKeys([
            "DBSIZE", "DBSIZE x", "SELECT 1", "DBSIZE", "SET k v", "DBSIZE", "DEL k", "DBSIZE", "SELECT 0", "DBSIZE",
            "TOUCH s n none", "TOUCH", "TOUCH s", "TOUCH s s s", "TOUCH none", "TOUCH l h t z x", "TOUCH \"\"",
            "TOUCH e",
            "TOUCH none nope", "TOUCH n e s l none", "RENAMENX s s2", "RENAMENX s s2", "RENAMENX s2 l",
            "RENAMENX none q",
            "RENAMENX s2 s2", "RENAMENX", "RENAMENX s2", "RENAMENX s2 a b", "RENAMENX e e2", "PEXPIRETIME e2",
            "RENAMENX x x2", "XLEN x2", "UNLINK s2", "UNLINK s2", "UNLINK l h", "UNLINK none", "UNLINK", "UNLINK t t",
            "UNLINK e2 none", "UNLINK \"\"", "UNLINK z x2 p", "DBSIZE", "DBSIZE", "UNLINK n", "FLUSHDB ASYNC",
            "SET k v",
            "FLUSHDB SYNC", "DBSIZE", "FLUSHDB", "FLUSHDB x", "FLUSHDB ASYNC SYNC", "FLUSHDB async", "FLUSHDB \"\"",
            "FLUSHDB sync x", "FLUSHDB Sync", "SET k v", "SELECT 3", "SET k v", "FLUSHDB", "SELECT 0", "GET k",
            "FLUSHALL ASYNC", "SET k v", "FLUSHALL SYNC", "DBSIZE", "FLUSHALL x", "FLUSHALL ASYNC SYNC",
            "FLUSHALL async",
            "FLUSHALL \"\"", "FLUSHALL sync x", "SELECT 3", "DBSIZE", "FLUSHALL Sync", "RANDOMKEY", "SET only v",
            "RANDOMKEY", "RANDOMKEY x", "EXPIRE only -1", "RANDOMKEY", "SELECT 4", "RANDOMKEY", "SET other v",
            "RANDOMKEY",
            "RENAME other another", "RANDOMKEY", "MULTI", "RANDOMKEY", "DEL another", "RANDOMKEY", "EXEC",
        ])
    }

    @Test func `what is known of a key's value`() throws {
        try compareOnKeys([
            "OBJECT REFCOUNT s", "OBJECT REFCOUNT l", "OBJECT REFCOUNT none", "OBJECT REFCOUNT", "OBJECT REFCOUNT s s",
            "OBJECT REFCOUNT x", "OBJECT REFCOUNT h", "OBJECT IDLETIME s", "OBJECT IDLETIME l", "OBJECT IDLETIME none",
            "OBJECT IDLETIME", "OBJECT IDLETIME s s", "OBJECT IDLETIME x", "OBJECT IDLETIME h", "OBJECT IDLETIME z",
            "OBJECT IDLETIME t", "OBJECT IDLETIME e", "OBJECT FREQ s", "OBJECT FREQ none", "OBJECT FREQ l",
            "OBJECT FREQ",
            "OBJECT FREQ s s", "OBJECT FREQ x", "OBJECT FREQ h", "OBJECT FREQ z", "OBJECT FREQ t", "OBJECT FREQ e",
            "OBJECT NONE s", "OBJECT", "XLEN x", "XLEN none", "XLEN s", "XLEN l", "XLEN h", "XLEN", "XLEN x x",
            "XADD x 2-1 a 1", "XLEN x", "XTRIM x MAXLEN 0", "XLEN x", "XLEN \"\"", "XLEN z",
        ])
    }

    @Test func `places that are asked for`() throws {
        try compare([
            "GEOADD g 13.361389 38.115556 a 15.087269 37.502669 b", "SET s v", "GEOHASH g a", "GEOHASH g a b none",
            "GEOHASH g", "GEOHASH none a", "GEOHASH none", "GEOHASH s a", "GEOHASH", "GEOHASH g \"\"", "GEOHASH g a a",
            "GEOHASH g none nope", "GEOPOS g a", "GEOPOS g a b none", "GEOPOS g", "GEOPOS none a", "GEOPOS none",
            "GEOPOS s a", "GEOPOS", "GEOPOS g \"\"", "GEOPOS g a a", "GEOPOS g none nope",
            "GEOADD q 180 85.05112878 e -180 -85.05112878 w 0 0 m", "GEOPOS q e w m", "GEOHASH q e w m",
        ])
    }

    @Test func `bits and sorted values that are only read`() throws {
        try compareOnKeys([
            "BITFIELD_RO s GET u8 0", "BITFIELD_RO s GET i5 3 GET u63 0", "BITFIELD_RO none GET u8 0", "BITFIELD_RO s",
            "BITFIELD_RO s SET u8 0 1", "BITFIELD_RO s INCRBY u8 0 1", "BITFIELD_RO s OVERFLOW SAT",
            "BITFIELD_RO l GET u8 0",
            "BITFIELD_RO", "BITFIELD_RO s GET u64 0", "BITFIELD_RO s GET u8 #1", "BITFIELD_RO s GET u8 x",
            "SORT_RO l ALPHA", "SORT_RO l", "SORT_RO l ALPHA DESC LIMIT 1 1", "SORT_RO none", "SORT_RO s",
            "SORT_RO l ALPHA STORE d", "SORT_RO z ALPHA", "SORT_RO l BY nosort", "SORT_RO l BY *_w GET #",
            "SORT_RO t GET # GET n", "SORT_RO", "SORT_RO h", "SORT_RO l ALPHA ASC x",
        ])
    }

    @Test func `the connection's own commands`() throws {
        try compare([
            "ECHO a", "ECHO \"\"", "ECHO", "ECHO a b", "ECHO \"\\x00\\xff\\r\\n\"", "ECHO 1", "echo A", "ECHO \" \"",
            "ECHO \"ä\"", "ECHO nil", "UNWATCH", "UNWATCH x", "WATCH a", "UNWATCH", "MULTI", "UNWATCH", "EXEC",
            "WATCH a b",
            "B: SET a 1", "UNWATCH", "MULTI", "SET b 1", "EXEC", "WATCH a", "B: SET a 2", "MULTI", "UNWATCH", "EXEC",
            "DISCARD", "MULTI", "DISCARD", "DISCARD x", "MULTI", "SET d 1", "DISCARD", "GET d", "MULTI", "BOGUS",
            "DISCARD",
            "MULTI", "DISCARD x", "DISCARD", "WATCH a", "MULTI", "DISCARD", "B: SET a 3", "MULTI", "GET a", "EXEC",
            "RESET", "RESET x", login, "SELECT 3", "MULTI", "RESET", login, "WAIT 0 0", "WAIT 0 10",
            "WAIT x 0", "WAIT 0 x", "WAIT 0 -1", "WAIT -1 0", "WAIT", "WAIT 0", "WAIT 0 0 0", "WAIT 1 10", "MULTI",
            "WAIT 1 0", "EXEC", "TIME x", .shape("TIME"), .shape("time"), "ROLE", "ROLE x", "role", "MULTI", "ROLE",
            "EXEC",
        ])
        for line in ["QUIT", "quit", "Quit", "QUIT x", "QUIT a b"] { try compare([.collected("B: \(line)")]) }
    }

    @Test func `channels`() throws {
        let words = ["c", "c d", "c c", "\"\"", "", "c* ?", "a b c d e"]
        for command in ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"] {
            let opposite = command.replacing("SUB", with: "UNSUB")
            var steps: [Step] = []
            for word in words {
                steps += [.collected("B: \(command) \(word)"), .collected("B: \(opposite) \(word)", sorted: true)]
            }
            steps += words.map { .collected("B: \(opposite) \($0)", sorted: true) }
            try compare(steps)
        }
        try compare([
            .collected("B: SUBSCRIBE c d"), .collected("C: PSUBSCRIBE c* *"), .collected("D: SSUBSCRIBE s c"),
            "PUBLISH c hello", .collected("B"), .collected("C", sorted: true), .collected("D"), "SPUBLISH c hello",
            .collected("D"),
            "SPUBLISH s 1", "SPUBLISH none 1", "SPUBLISH s \"\"", "SPUBLISH", "SPUBLISH s", "SPUBLISH s 1 2",
            "SPUBLISH \"\" 1", "SPUBLISH S 1", "MULTI", "SPUBLISH s 1", "EXEC", .collected("D"), "PUBSUB NUMPAT",
            "PUBSUB NUMPAT x", "pubsub numpat", .sorted("PUBSUB CHANNELS"), .sorted("PUBSUB CHANNELS *"),
            "PUBSUB CHANNELS c", "PUBSUB CHANNELS x*", .sorted("PUBSUB CHANNELS [cd]"), .sorted("PUBSUB CHANNELS ?"),
            "PUBSUB CHANNELS a b", "PUBSUB CHANNELS \"\"", "PUBSUB NUMSUB", "PUBSUB NUMSUB c", "PUBSUB NUMSUB c d none",
            "PUBSUB NUMSUB c c", "PUBSUB NUMSUB \"\"", "PUBSUB NUMSUB c*", "PUBSUB NUMSUB s",
            .sorted("PUBSUB SHARDCHANNELS"), "PUBSUB SHARDCHANNELS s", "PUBSUB SHARDCHANNELS x*",
            "PUBSUB SHARDCHANNELS a b",
            .sorted("PUBSUB SHARDCHANNELS *"), "PUBSUB SHARDCHANNELS \"\"", "PUBSUB SHARDNUMSUB",
            "PUBSUB SHARDNUMSUB s",
            "PUBSUB SHARDNUMSUB s c none", "PUBSUB SHARDNUMSUB s s", "PUBSUB SHARDNUMSUB \"\"", "PUBSUB SHARDNUMSUB d",
            "PUBSUB", "PUBSUB BOGUS", "PUBSUB HELP x",
        ])
    }

    @Test func `scripts by their hash`() throws {
        let hash = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
        try compare([
            "SCRIPT LOAD \"return 1\"", "EVALSHA \(hash) 0", "EVALSHA \(hash.uppercased()) 0", "EVALSHA \(hash) 1 k a",
            "EVALSHA \(hash)", "EVALSHA \(hash) x", "EVALSHA \(hash) -1", "EVALSHA \(hash) 2 k", "EVALSHA none 0",
            "EVALSHA \"\" 0", "EVALSHA", "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0", "EVALSHA_RO \(hash) 0",
            "EVALSHA_RO \(hash.uppercased()) 0", "EVALSHA_RO \(hash) 1 k a", "EVALSHA_RO \(hash)",
            "EVALSHA_RO \(hash) x",
            "EVALSHA_RO \(hash) -1", "EVALSHA_RO \(hash) 2 k", "EVALSHA_RO none 0", "EVALSHA_RO",
            "EVALSHA_RO ffffffffffffffffffffffffffffffffffffffff 0", "EVAL_RO \"return 1\" 0",
            "EVAL_RO \"return redis.call('SET', KEYS[1], 1)\" 1 k", "EVAL_RO \"return redis.call('GET', KEYS[1])\" 1 k",
            "EVAL_RO \"return redis.pcall('DEL', KEYS[1])\" 1 k", "EVAL_RO \"return KEYS\" 2 a b c", "EVAL_RO \"x\" 0",
            "EVAL_RO", "EVAL_RO \"return 1\"", "EVAL_RO \"return 1\" x", "EVAL_RO \"return ARGV\" 0 a b",
            "SCRIPT EXISTS \(hash)", "SCRIPT EXISTS \(hash) none", "SCRIPT EXISTS", "SCRIPT EXISTS \"\"",
            "SCRIPT EXISTS \(hash.uppercased())", "SCRIPT EXISTS \(hash) \(hash)", "SCRIPT FLUSH",
            "SCRIPT EXISTS \(hash)",
            "SCRIPT FLUSH ASYNC", "SCRIPT FLUSH SYNC", "SCRIPT FLUSH x", "SCRIPT FLUSH ASYNC SYNC",
            "SCRIPT FLUSH async",
            "SCRIPT FLUSH \"\"", "EVALSHA \(hash) 0", "SCRIPT LOAD \"\"", "SCRIPT LOAD", "SCRIPT LOAD \"return 1\" x",
            "SCRIPT LOAD \"return (\"", "SCRIPT LOAD \"return 2\"", "SCRIPT LOAD \"return 2\"",
            "SCRIPT LOAD \" return 2\"",
            "SCRIPT KILL", "SCRIPT KILL x", "SCRIPT", "SCRIPT BOGUS", "SCRIPT DEBUG", "SCRIPT DEBUG x",
        ])
    }

    @Test func `who logs in, and how`() throws {
        try compare([
            "AUTH", login, "RESET", "PING", login, "AUTH secret", "AUTH wrong", "AUTH default secret",
            "AUTH default wrong", "AUTH nobody secret",
            "AUTH default", "AUTH \"\"", "AUTH a b c", "AUTH \"\" \"\"", "AUTH DEFAULT secret", "PING",
        ])
    }
}
