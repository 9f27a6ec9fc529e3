import Testing

/// EVAL, EVALSHA, SCRIPT: the commands around scripts, and what scripts do to keys.
@Suite(.comparedWithRedis)
struct ScriptDifferentialTests {
    @Test func `EVAL takes its arguments apart as in Redis`() throws {
        try compare([
            "EVAL", "EVAL x", "EVAL x y", "EVAL \"return 1\" x", "EVAL \"return 1\" -1", "EVAL \"return 1\" 1",
            "EVAL \"x x\" -1", "EVAL \"x x\" 0", "EVAL \"\" 0", "EVAL \"return {KEYS, ARGV}\" 2 a b c d",
            "EVAL \"return {KEYS, ARGV}\" 0 \"\" \"\\x00\\xff\"", "EVAL \"return #ARGV[1]\" 0 \"\\x00\\x00\"",
            "EVAL \"return KEYS[1]\" 0", "EVAL \"\\x1bLua\" 0", "EVAL_RO", "EVAL_RO \"return 1\" 0",
        ])
    }

    @Test func `EVALSHA finds what was sent or loaded`() throws {
        let digest = "63143b6f8007b98c53ca2149822777b3566f9241"
        try compare([
            "SCRIPT FLUSH", "EVALSHA \(digest) 0", "EVALSHA abc x", "EVALSHA \(digest) x", "SCRIPT EXISTS \(digest) x",
            "SCRIPT LOAD return", "EVALSHA \(digest) 0", "EVALSHA \(digest.uppercased()) 0",
            "SCRIPT EXISTS \(digest.uppercased()) \(digest) x", "EVALSHA_RO \(digest) 0", "SCRIPT FLUSH ASYNC",
            "SCRIPT EXISTS \(digest)", "EVAL return 0", "SCRIPT EXISTS \(digest)", "SCRIPT FLUSH SYNC",
            "SCRIPT FLUSH x", "SCRIPT FLUSH ASYNC x", "SCRIPT LOAD", "SCRIPT LOAD +", "SCRIPT EXISTS", "SCRIPT",
            "SCRIPT NOPE", "SCRIPT KILL", "SCRIPT KILL x", "SCRIPT DEBUG", "SCRIPT DEBUG no", "SCRIPT DEBUG x",
            "SCRIPT HELP", "EVALSHA_RO abc 0", "SCRIPT LOAD \"#!lua\"", "SCRIPT LOAD \"#!lua flags=x\\nreturn 1\"",
            "SCRIPT LOAD \"#!lua flags=no-writes\\nreturn 1\"",
            "EVALSHA_RO 63143b6f8007b98c53ca2149822777b3566f9242 0",
            "COMMAND GETKEYS EVAL x 2 a b c", "COMMAND GETKEYS EVAL x 0", "COMMAND GETKEYS EVALSHA x 1 k",
            "COMMAND GETKEYS EVAL x 5 k", "CONFIG GET busy-reply*", "CONFIG GET lua-*",
            "CONFIG SET lua-time-limit 4000",
            "CONFIG GET busy-reply-threshold", "CONFIG SET busy-reply-threshold 5000", "CONFIG GET lua-time-limit",
            "CONFIG SET lua-time-limit -5", "CONFIG SET busy-reply-threshold x",
        ])
    }

    @Test func `a script that may not write is refused what writes`() throws {
        let set = "return redis.call('set', KEYS[1], 'v')"
        try compare([
            .eval(set, "1 k", command: "EVAL_RO"),
            .eval("return redis.call('get', KEYS[1])", "1 k", command: "EVAL_RO"),
            .eval("return redis.call('publish', 'c', 'm')", "0", command: "EVAL_RO"),
            .eval("#!lua\nreturn 1", "0", command: "EVAL_RO"),
            .eval("#!lua flags=no-writes\nreturn 1", "0", command: "EVAL_RO"),
            .eval("#!lua flags=no-writes\n" + set, "1 k"), .eval("#!lua\n" + set, "1 k"),
            .eval("#!lua flags=no-writes \t\nreturn 1", "0"), .eval("#!lua\tflags=no-writes\nreturn 1", "0"),
            .eval("#!lua  flags=no-writes  flags=allow-oom\nreturn 1", "0"),
            .eval("#!lua flags=\"no-writes\"\nreturn 1", "0"), .eval("#!lua flags=\"no-writes\nreturn 1", "0"),
            .eval("#!lua flags=no-writes,,\nreturn 1", "0"), .eval("#!lua flags=no-writes, allow-oom\nreturn 1", "0"),
            .eval("#!lua\r\nreturn 1", "0"), .eval("#!lua flags=no-writes\n\nerror('x')", "0"),
            .eval("return pcall(redis.call, 'set', 'k', 'v')", "0", command: "EVAL_RO"),
            .eval("return redis.pcall('del', 'k')", "0", command: "EVAL_RO"), "GET k",
        ])
    }

    @Test func `what a script does is seen by others, and is done as one`() throws {
        try compare([
            .eval("redis.call('select', 3) return redis.call('set', 'k', 'three')", "0"), "GET k", "SELECT 3", "GET k",
            "SELECT 0", .eval("redis.call('set', 'a', 1) error('x')", "0"), "GET a",
            "WATCH a", Step("B: " + Step.eval("return redis.call('incr', KEYS[1])", "1 a").line), "MULTI", "GET a",
            "EXEC", "WATCH a", Step("B: " + Step.eval("return redis.call('get', KEYS[1])", "1 a").line), "MULTI",
            "GET a", "EXEC", "MULTI", .eval("return redis.call('incr', KEYS[1])", "1 a"),
            .eval("return redis.call('lpush', KEYS[1], 1)", "1 a"), .eval("x x", "0"), "EXEC",
            "MULTI", "EVAL", "EXEC",
            .eval("redis.call('expire', KEYS[1], 100) return redis.call('ttl', KEYS[1])", "1 a"),
            "C: SUBSCRIBE news", .eval("return redis.call('publish', 'news', 'now')", "0"), .collected("C"),
            .eval("redis.call('rpush', KEYS[1], 'a', 'b') return redis.call('lrange', KEYS[1], 0, -1)", "1 list"),
            .eval("return redis.call('hgetall', KEYS[1])", "1 none"), .eval("redis.call('flushall') return 1", "0"),
            "DBSIZE", .eval("return redis.call('swapdb', 0, 1)", "0"), .eval("return redis.call('dbsize')", "0"),
        ])
    }

    @Test func `conversions know both versions of the protocol`() throws {
        let fill =
            "redis.call('del','h','s','z') redis.call('hset','h','f','v') redis.call('sadd','s','m') "
            + "redis.call('zadd','z',1.5,'m','3','n') "
        let reads = [
            "hgetall','h", "smembers','s", "zscore','z','m", "zrange','z',0,-1,'withscores", "get','none",
            "lrange','none',0,-1", "hget','h','none", "mget','none','h", "sismember','s','m",
            "exists','h", "ping", "hrandfield','h',1,'withvalues", "zpopmin','z", "lpop','none',3",
            "object','encoding','h",
        ]
        try compare(
            reads.flatMap { read in
                [2, 3].flatMap { version -> [Step] in
                    let call = fill + "redis.setresp(\(version)) local r = redis.call('\(read)') "
                    return [
                        .eval(call + "return r", "0"), .eval(call + "return type(r)", "0"),
                        .eval(
                            call + "if type(r) ~= 'table' then return tostring(r) end local t = {} "
                                + "for k, v in pairs(r) do t[#t + 1] = tostring(k) .. type(v) end table.sort(t) return t",
                            "0"),
                    ]
                }
            })
        try compare(
            ["true", "false", "nil", "{true, false}", "1.5", "'x'", "{double=1.5}", "{map={a=true}}", "{set={a=1}}"]
                .flatMap {
                    [.eval("redis.setresp(3) return \($0)", "0"), .eval("redis.setresp(2) return \($0)", "0")]
                })
    }

    /// The shapes of scripts that client libraries send: locks, queues, limits.
    @Test func `scripts of client libraries work`() throws {
        let release = """
            local token = redis.call('get', KEYS[1])
            if not token or token ~= ARGV[1] then
                return 0
            end
            redis.call('del', KEYS[1])
            return 1
            """
        let extend = """
            local token = redis.call('get', KEYS[1])
            if not token or token ~= ARGV[1] then return 0 end
            local expiration = redis.call('pttl', KEYS[1])
            if not expiration then expiration = 0 end
            if expiration < 0 then return 0 end
            local newttl = ARGV[2]
            if ARGV[3] == "0" then newttl = ARGV[2] + expiration end
            redis.call('pexpire', KEYS[1], newttl)
            return 1
            """
        let moveDue = """
            local due = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, ARGV[2])
            for _, job in ipairs(due) do
                redis.call('zrem', KEYS[1], job)
                redis.call('lpush', KEYS[2], job)
            end
            return due
            """
        let limit = """
            local current = tonumber(redis.call('incr', KEYS[1]))
            if current == 1 then redis.call('expire', KEYS[1], ARGV[2]) end
            if current > tonumber(ARGV[1]) then return {0, redis.call('ttl', KEYS[1])} end
            return {1, tonumber(ARGV[1]) - current}
            """
        let addJob = """
            local options = cmsgpack.unpack(ARGV[1])
            local id = redis.call('incr', KEYS[1])
            local fields = {}
            for key, value in pairs(options) do fields[#fields + 1] = key; fields[#fields + 1] = tostring(value) end
            redis.call('hset', KEYS[2] .. id, 'data', cjson.encode(options), unpack(fields))
            redis.call('rpush', KEYS[3], id)
            return id
            """
        let window = """
            redis.call('zremrangebyscore', KEYS[1], 0, ARGV[1] - ARGV[2])
            local used = redis.call('zcard', KEYS[1])
            if used < tonumber(ARGV[3]) then redis.call('zadd', KEYS[1], ARGV[1], ARGV[1]) end
            return tonumber(ARGV[3]) - used
            """
        try compare([
            "SET lock token PX 60000 NX", .eval(extend, "1 lock token 60000 1"), .eval(extend, "1 lock token 60000 0"),
            .eval(extend, "1 lock other 60000 0"), .eval(release, "1 lock other"), .eval(release, "1 lock token"),
            .eval(release, "1 lock token"), "EXISTS lock",
            "ZADD delayed 1 a 2 b 3 c 9 d", .eval(moveDue, "2 delayed ready 3 2"),
            .eval(moveDue, "2 delayed ready 3 2"),
            .eval(moveDue, "2 delayed ready 3 2"), "LRANGE ready 0 -1", "ZRANGE delayed 0 -1 WITHSCORES",
            .eval(limit, "1 rate 2 100"), .eval(limit, "1 rate 2 100"), .eval(limit, "1 rate 2 100"),
            .eval(addJob, "3 id job: wait \"\\x82\\xa5delay\\x05\\xa4name\\xa1x\""), "LRANGE wait 0 -1",
            "HGETALL job:1",
            .eval(window, "1 w 100 50 2"), .eval(window, "1 w 120 50 2"), .eval(window, "1 w 130 50 2"),
            .eval(window, "1 w 160 50 2"), "ZRANGE w 0 -1",
        ])
    }
}
