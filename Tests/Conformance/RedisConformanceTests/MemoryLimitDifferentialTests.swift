import TestKit
import Testing

/// A server without room: a limit of one byte is exceeded by both, whatever they hold.
@Suite(.comparedWithRedis)
struct MemoryLimitDifferentialTests {
    private static let unlimited: [Step] = [
        "CONFIG SET maxmemory 0", "CONFIG SET maxmemory-policy noeviction", "SET proof 1",
    ]

    private func compareFull(_ commands: [Step], policy: String = "noeviction") throws {
        let before: [Step] = [
            "SET s v", "SET n 1", "RPUSH l a b", "HSET h f 1", "SADD t a", "ZADD z 1 a", "XADD x 1-1 f v",
            "SET e v EX 1000", "SCRIPT FLUSH", "FUNCTION FLUSH",
            "FUNCTION LOAD \"#!lua name=a\\nredis.register_function('f', function(k) return redis.call('SET', k[1], 1) end)\"",
            "FUNCTION LOAD \"#!lua name=b\\nredis.register_function{function_name='g', callback=function(k) return redis.call('SET', k[1], 1) end, flags={'allow-oom'}}\"",
            "FUNCTION LOAD \"#!lua name=c\\nredis.register_function{function_name='r', callback=function(k) return redis.call('GET', k[1]) end, flags={'no-writes'}}\"",
            Step("CONFIG SET maxmemory-policy \(policy)"), "CONFIG SET maxmemory 1",
        ]
        try compare(before + commands + Self.unlimited)
    }

    @Test func `the parameters are checked and shown`() throws {
        try compare(
            [
                "CONFIG GET maxmemory", "CONFIG SET maxmemory 100mb", "CONFIG GET maxmemory", "CONFIG SET maxmemory x",
                "CONFIG SET maxmemory -1", "CONFIG SET maxmemory 1gb maxmemory-policy allkeys-lru maxmemory-samples 10",
                "CONFIG GET maxmemory-samples", "CONFIG SET maxmemory-policy VOLATILE-TTL",
                "CONFIG GET maxmemory-policy",
                "CONFIG SET maxmemory-policy none", "CONFIG SET maxmemory-samples 0", "CONFIG SET maxmemory-samples 5",
            ] + Self.unlimited)
    }

    @Test func `what may need memory is refused, what does not is not`() throws {
        try compareFull([
            "SET s w", "SET new v", "GET s", "APPEND s x", "INCR n", "INCR none", "DECR n", "SETRANGE s 0 x",
            "SETEX s 10 v",
            "MSET a 1", "GETSET s v", "GETDEL s", "DEL n", "RPUSH l c", "LPOP l", "LRANGE l 0 -1",
            "LMOVE l l LEFT LEFT",
            "HSET h g 1", "HINCRBY h f 1", "HDEL h f", "SADD t b", "SREM t a", "SPOP t", "ZADD z 2 b", "ZINCRBY z 1 a",
            "ZREM z a", "XADD x * f v", "XDEL x 1-1", "XLEN x", "EXPIRE e 10", "PERSIST e", "RENAME e e2", "COPY e2 e3",
            "SETBIT b 1 1", "BITOP NOT d b", "BITFIELD b SET u8 0 1", "PFADD p a", "GEOADD g 1 1 a", "SORT l STORE d",
            "SUNIONSTORE d t", "ZUNIONSTORE d 1 z", "RESTORE r 0 x", "FLUSHDB", "DBSIZE", "PING", "ECHO a",
            "SELECT 1", "SET k v", "SELECT 0", "PUBLISH c m", "BLPOP none 0.01", "BRPOPLPUSH none l 0.01",
            "CONFIG SET maxmemory 0", "SET s v", "GET s",
        ])
    }

    @Test func `transactions are refused when they are queued, and when they are run`() throws {
        try compareFull([
            "MULTI", "GET s", "EXEC", "MULTI", "SET s w", "EXEC", "MULTI", "PING", "DISCARD", "WATCH s", "UNWATCH",
            "MULTI",
            "EXEC", "CONFIG SET maxmemory 0", "MULTI", "SET s w", "GET s", "B: CONFIG SET maxmemory 1", "EXEC", "GET s",
            "CONFIG SET maxmemory 0", "MULTI", "GET s", "DEL n", "B: CONFIG SET maxmemory 1", "EXEC", "GET s",
        ])
    }

    @Test func `scripts are refused when they would begin to write`() throws {
        try compareFull([
            "EVAL \"return redis.call('GET', KEYS[1])\" 1 s", "EVAL \"return redis.call('SET', KEYS[1], 1)\" 1 s",
            "EVAL \"return redis.pcall('SET', KEYS[1], 1)\" 1 s",
            "EVAL \"redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], 1)\" 1 n",
            "EVAL \"redis.call('GET', KEYS[1]) return redis.call('SET', KEYS[1], 1)\" 1 s",
            "EVAL \"#!lua\\nreturn redis.call('GET', KEYS[1])\" 1 s",
            "EVAL \"#!lua flags=allow-oom\\nreturn redis.call('SET', KEYS[1], 2)\" 1 s",
            "EVAL \"#!lua flags=no-writes\\nreturn redis.call('GET', KEYS[1])\" 1 s",
            "EVAL_RO \"return redis.call('GET', KEYS[1])\" 1 s", "SCRIPT LOAD \"return 1\"", "FCALL f 1 s",
            "FCALL g 1 s",
            "FCALL r 1 s", "FCALL_RO r 1 s", "FUNCTION DELETE c", "FUNCTION FLUSH",
            "FUNCTION LOAD \"#!lua name=d\\nredis.register_function('h', function() end)\"",
        ])
    }

    @Test(arguments: ["allkeys-lru", "allkeys-random"])
    func `everything goes before something is refused`(_ policy: String) throws {
        try compareFull(["GET s", "DBSIZE", "SET s v", "EXISTS s n l h t z x e", "GET s"], policy: policy)
    }

    @Test(arguments: ["volatile-lru", "volatile-random", "volatile-ttl"])
    func `only what has an end goes`(_ policy: String) throws {
        try compareFull(["GET s", "EXISTS e", "DBSIZE", "SET s w", "GET s", "DEL s", "DBSIZE"], policy: policy)
    }

    @Test func `what goes is told as evicted`() throws {
        try compare(
            [
                "CONFIG SET maxmemory-policy volatile-ttl", "SET a v EX 100", "SET stays v",
                "CONFIG SET notify-keyspace-events KEAe", .collected("B: PSUBSCRIBE __key*__:*"), "WATCH a",
                "CONFIG SET maxmemory 1", "GET stays", .collected("B"), "MULTI", "EXEC",
                "CONFIG SET notify-keyspace-events \"\"",
            ] + Self.unlimited)
    }

    @Test func `frequencies are told where a policy is by them`() throws {
        try compare([
            "SET k v", "OBJECT FREQ k", "CONFIG SET maxmemory-policy allkeys-lfu", "OBJECT FREQ none", "SET fresh v",
            "OBJECT FREQ fresh", "OBJECT IDLETIME fresh", "OBJECT IDLETIME none", "CONFIG SET lfu-log-factor 0",
            "GET fresh", "OBJECT FREQ fresh", "GET fresh", "GET fresh", "OBJECT FREQ fresh", "SET fresh w",
            "OBJECT FREQ fresh", "APPEND fresh x", "OBJECT FREQ fresh", "HSET h f v", "OBJECT FREQ h", "HGET h f",
            "HGETALL h", "OBJECT FREQ h", "HSET h g v", "OBJECT FREQ h", "RPUSH l a", "LPOP l", "RPUSH l b",
            "LRANGE l 0 -1", "OBJECT FREQ l", "EXISTS fresh", "TYPE fresh", "TTL fresh", "OBJECT FREQ fresh",
            "RENAME fresh other", "OBJECT FREQ other", "COPY other copied", "OBJECT FREQ copied", "TOUCH other",
            "OBJECT FREQ other", "SET n word", "APPEND n x", "OBJECT FREQ n", "EXPIRE n 100", "OBJECT FREQ n",
            "RESTORE r 0 \"\\x00\\xc0\\x01\\x0a\\x00\\x8c\\x00\\xef\\xc9\\x1f\\xb9\\x3b\\xd3\" FREQ 77",
            "CONFIG SET lfu-log-factor 10", "CONFIG SET maxmemory-policy noeviction", "OBJECT FREQ n",
        ])
    }
}
