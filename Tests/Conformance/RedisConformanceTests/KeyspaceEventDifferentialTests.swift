import TestKit
import Testing

@Suite(.comparedWithRedis)
struct KeyspaceEventDifferentialTests {
    /// Runs commands on A while B listens to all events, and compares after each what B has heard.
    private func compareEvents(_ commands: [Step], flags: String = "KEAmn") throws {
        let turnedOn = Step("CONFIG SET notify-keyspace-events \(flags)")
        try compare(
            [turnedOn, .collected("B: PSUBSCRIBE __key*__:*")] + commands.flatMap { [$0, .collected("B")] }
                + ["CONFIG SET notify-keyspace-events \"\""])
    }

    /// Runs commands on a client that listens to all events, and compares where they stand among its replies.
    private func compareOwnEvents(_ commands: [String]) throws {
        try compare(
            [
                .ignored("HELLO 3"), "CONFIG SET notify-keyspace-events KEAn", .collected("PSUBSCRIBE __key*__:*"),
            ] + commands.map { .collected("A: \($0)") } + [.collected("CONFIG SET notify-keyspace-events \"\"")])
    }

    @Test func `a client's own events of lists and pops stand before or behind its replies as in Redis`() throws {
        try compareOwnEvents([
            "LPUSH l a b", "RPUSH l c", "LSET l 0 x", "LMOVE l m LEFT RIGHT", "LMOVE l l LEFT RIGHT", "RPOPLPUSH m l",
            "LPUSHX l y", "LPOP l", "SADD s a", "SPOP s", "SADD s 1 2 3", "SPOP s 9", "SET k 1", "DEL k", "LTRIM l 0 0",
        ])
    }

    @Test func `those of hashes, sorted sets, streams and what is stored stand there, too`() throws {
        try compareOwnEvents([
            "SET k 1", "EXPIRE k 100", "EXPIREAT k 4102444800", "PEXPIRE k -1", "SET k 1", "INCRBYFLOAT k 1.5",
            "INCR i",
            "APPEND k x", "SETBIT b 7 1", "BITOP AND c b b", "PFADD p a", "PFMERGE q p", "RENAME b c", "COPY c d",
            "MOVE d 1",
            "HSET h a 1 b 2", "HMSET h a 1", "HSETNX h c 1", "HINCRBY h a 1", "HINCRBYFLOAT h a 1.5", "HDEL h a b c",
            "SADD s a b", "SADD t b c", "SMOVE s t a", "SINTERSTORE u s t", "SUNIONSTORE u s t", "SDIFFSTORE u s s",
            "SINTERSTORE none s none", "ZADD z 1 a 2 b", "ZADD z INCR 1 a", "ZADD z XX CH 4 a", "ZADD z GT 1 a",
            "ZINCRBY z 1 a",
            "ZRANGESTORE y z 0 -1", "ZRANGESTORE y z 9 9", "ZUNIONSTORE y 1 z", "ZINTERSTORE y 2 z none",
            "ZDIFFSTORE y 1 z", "ZDIFFSTORE y 2 z z", "ZREMRANGEBYRANK z 0 0", "ZREM z a b", "GEOADD g 1 2 a",
            "GEOADD g XX 2 2 a", "GEOSEARCHSTORE f g FROMLONLAT 1 2 BYRADIUS 1000 km",
            "GEORADIUS g 90 2 1 km STORE f", "RPUSH l 3 1 2", "SORT l STORE m", "SORT none STORE m", "XADD x 1-1 a b",
            "XADD x MAXLEN 1 2-1 a b", "XSETID x 5-1", "XGROUP CREATE x g 0", "XGROUP CREATE w g $ MKSTREAM",
            "XGROUP SETID x g 0", "XGROUP CREATECONSUMER x g c", "XREADGROUP GROUP g d STREAMS x >",
            "XGROUP DELCONSUMER x g c", "XGROUP DESTROY x g", "XTRIM x MAXLEN 0", "FLUSHALL",
        ])
    }

    @Test func `the parameter has the letters of Redis`() throws {
        let values = [
            "", "K", "KEA", "Kg$", "Elshzxetdmn", "AKE", "g$lshzxetdKE", "KEmn", "x", "KQ", "A", "nmEKA", "m", "kE",
        ]
        try compare(
            values.flatMap {
                [Step("CONFIG SET notify-keyspace-events \"\($0)\""), "CONFIG GET notify-keyspace-events"]
            }
                + ["CONFIG SET notify-keyspace-events \"\""])
    }

    @Test func `strings`() throws {
        try compareEvents([
            "SET s 1", "SET s 2 EX 100", "SET s 3 KEEPTTL", "SET s 4 NX", "SET n 1 XX",
            "SET s 5 PXAT 4102444800000 GET", "SET o 1 GET", "SETNX s 1",
            "SETNX t 1", "SETEX u 100 v", "PSETEX u 100000 v", "GETSET s x", "GETSET w x", "GETDEL w", "GETDEL w",
            "GETEX s EX 100", "GETEX s PERSIST",
            "GETEX s PERSIST", "GETEX s", "GETEX none", "GETEX s EXAT 1", "MSET a 1 b 2 a 3", "MSETNX a 1 c 2",
            "MSETNX c 1 d 2", "INCR a", "DECR a",
            "INCRBY a 5", "DECRBY a 5", "INCRBYFLOAT a 1.5", "INCR e", "INCRBYFLOAT f 1", "APPEND a x", "APPEND g x",
            "SETRANGE a 5 x",
            "SETRANGE h 1 x", "SETRANGE h 1 \"\"", "SETRANGE i 0 \"\"", "SETBIT a 3 1", "SETBIT j 3 0",
            "BITOP AND k a g", "BITOP OR k none nope",
            "BITOP OR k none nope", "BITFIELD l SET u8 0 5", "BITFIELD l GET u8 0", "INCR g", "GET none", "GET a",
            "MGET a none", "STRLEN none",
            "PFADD p a b", "PFADD p a", "PFCOUNT p", "PFCOUNT none", "PFMERGE q p", "PFMERGE q none", "PFADD p",
            "PFADD r",
        ])
    }

    @Test func `keys`() throws {
        try compareEvents([
            "MSET a 1 b 2 c 3", "DEL a none b", "UNLINK c c", "SET a 1", "RENAME a b", "SET a 2", "RENAME a b",
            "RENAME b b", "RENAMENX b a",
            "SET b 1", "RENAMENX a b", "RENAME none x", "COPY a c", "COPY a c", "COPY a c REPLACE", "COPY a d DB 1",
            "COPY none x", "MOVE a 2", "MOVE a 2",
            "EXPIRE b 100", "PEXPIRE b 100000", "EXPIREAT b 4102444800", "PEXPIREAT b 4102444800000", "EXPIRE b 1 GT",
            "PERSIST b", "PERSIST b",
            "EXPIRE b -1", "EXPIRE b 10", "TTL none", "TYPE none", "EXISTS none", "TOUCH none", "OBJECT ENCODING none",
            "DUMP none", "PERSIST none",
            "SET r 1", "RESTORE q 0 \"\\x00\\xc0\\x01\\x0a\\x00\\x8c\\x00\\xef\\xc9\\x1f\\xb9\\x3b\\xd3\"",
            "SWAPDB 1 2", "FLUSHDB", "FLUSHALL", "WATCH none",
            "RANDOMKEY", "SCAN 0", "KEYS *",
        ])
    }

    @Test func `lists`() throws {
        try compareEvents([
            "RPUSH l a b c d", "LPUSH l z", "LPUSHX none a", "RPUSHX l e", "LPOP l", "RPOP l", "LPOP l 2", "LPOP none",
            "LINSERT l BEFORE c x",
            "LINSERT l BEFORE c y", "LSET l 0 q", "LREM l 0 none", "RPUSH m a b a", "LREM m 0 a", "LREM m 0 b",
            "RPUSH m a b c", "LTRIM m 0 1", "LTRIM m 0 9",
            "LTRIM m 5 9", "LTRIM m 0 1", "RPUSH m a b", "LMOVE m n LEFT RIGHT", "LMOVE m n LEFT LEFT",
            "LMOVE n n LEFT RIGHT", "LMOVE n n LEFT LEFT",
            "RPOPLPUSH n o", "RPOPLPUSH none o", "LMPOP 2 none n LEFT COUNT 5", "LMPOP 1 none LEFT", "RPUSH p a b",
            "RPOP p 9", "LLEN none", "LRANGE none 0 1",
            "LINDEX none 0", "LPOS none a", "RPUSH s 3 1 2", "SORT s", "SORT s STORE t", "SORT s STORE t",
            "SORT none STORE t", "SORT none STORE t",
        ])
    }

    @Test func `sets and hashes`() throws {
        try compareEvents([
            "SADD s a b c", "SADD s a", "SREM s a x", "SREM s x", "SMOVE s t b", "SMOVE s t none", "SMOVE s t c",
            "SADD s a b", "SADD t a", "SMOVE s t a",
            "SMOVE s s b", "SPOP s", "SADD s 1 2 3", .ignored("SPOP s 2"), .ignored("SPOP s 5"), "SPOP none",
            "SPOP none 3", "SADD a 1 2",
            "SADD b 2 3", "SINTERSTORE d a b",
            "SUNIONSTORE d a b", "SDIFFSTORE d a b", "SINTERSTORE d none a", "SINTERSTORE d none a", "SMEMBERS none",
            "SISMEMBER none a", "SCARD none",
            "SINTER a none", "SUNION none a", "SDIFF a none", "SINTERCARD 2 a none", "SRANDMEMBER none", "SSCAN none 0",
            "HSET h a 1 b 2", "HSET h a 1", "HMSET h a 2", "HSETNX h a 1", "HSETNX h c 1", "HINCRBY h a 1",
            "HINCRBYFLOAT h a 1.5", "HINCRBY i a 1",
            "HDEL h a x", "HDEL h x", "HDEL h b c", "HDEL none a", "HGET none a", "HGETALL none", "HLEN none",
            "HMGET none a", "HEXISTS none a", "HRANDFIELD none",
        ])
    }

    @Test func `sorted sets and places`() throws {
        try compareEvents([
            "ZADD z 1 a 2 b 3 c", "ZADD z 1 a", "ZADD z XX 5 a", "ZADD z NX 5 a", "ZADD z INCR 1 a",
            "ZADD z NX INCR 1 a", "ZINCRBY z 2 b", "ZINCRBY y 2 b",
            "ZREM z a x", "ZREM z x", "ZREM y b", "ZPOPMIN z", "ZPOPMAX z", "ZPOPMIN none", "ZADD z 1 a 2 b 3 c",
            "ZPOPMIN z 2", "ZPOPMAX z 9",
            "ZADD z 1 a 2 b 3 c 4 d", "ZMPOP 2 none z MIN", "ZMPOP 1 z MAX COUNT 9", "ZADD z 1 a 2 b 3 c 4 d 5 e",
            "ZREMRANGEBYRANK z 0 0",
            "ZREMRANGEBYSCORE z 2 2", "ZREMRANGEBYLEX z [c [c", "ZREMRANGEBYSCORE z 9 10", "ZREMRANGEBYRANK z 0 -1",
            "ZADD a 1 x 2 y", "ZADD b 3 y",
            "ZUNIONSTORE d 2 a b", "ZINTERSTORE d 2 a b", "ZDIFFSTORE d 2 a b", "ZINTERSTORE d 2 a none",
            "ZINTERSTORE d 2 a none", "ZRANGESTORE d a 0 -1",
            "ZRANGESTORE d a 9 10", "ZRANGESTORE d none 0 1", "ZSCORE none a", "ZRANGE none 0 1", "ZCARD none",
            "ZRANK none a", "ZCOUNT none 1 2",
            "ZUNION 2 none a", "ZRANDMEMBER none", "GEOADD g 1 1 a 2 2 b", "GEOADD g 1 1 a", "GEOADD g CH 3 3 a",
            "GEORADIUS g 1 1 500 km STORE d",
            "GEORADIUS g 50 50 1 m STORE d", "GEORADIUSBYMEMBER g a 1 km STOREDIST d",
            "GEOSEARCHSTORE d g FROMLONLAT 3 3 BYRADIUS 1 km",
            "GEOSEARCHSTORE d g FROMLONLAT 50 3 BYRADIUS 1 km", "GEOSEARCHSTORE d none FROMLONLAT 50 3 BYRADIUS 1 km",
            "GEOPOS none a", "GEODIST none a b",
        ])
    }

    @Test func `streams`() throws {
        try compareEvents([
            "XADD x 1-1 a 1", "XADD x 2-2 a 1", "XADD x MAXLEN 1 3-3 a 1", "XADD none NOMKSTREAM * a 1", "XDEL x 1-1",
            "XADD x 4-4 a 1", "XDEL x 4-4", "XTRIM x MAXLEN 5", "XTRIM x MAXLEN 0", "XSETID x 9-9", "XADD x 10-1 a 1",
            "XGROUP CREATE x g 0", "XGROUP CREATE y g $ MKSTREAM", "XGROUP SETID x g 0",
            "XGROUP CREATECONSUMER x g c", "XGROUP CREATECONSUMER x g c", "XREADGROUP GROUP g c STREAMS x >",
            "XREADGROUP GROUP g d STREAMS x >", "XREADGROUP GROUP g d STREAMS x 0", "XCLAIM x g e 0 10-1",
            "XCLAIM x g e 0 99-1", "XAUTOCLAIM x g f 0 0", "XAUTOCLAIM x g f 0 0", "XACK x g 10-1",
            "XGROUP DELCONSUMER x g c", "XGROUP DELCONSUMER x g none", "XGROUP DESTROY x g", "XGROUP DESTROY x g",
            "XLEN none", "XRANGE none - +", "XREAD STREAMS none 0", "XINFO STREAM none", "XREVRANGE none + -",
            "XACK none g 1-1", "XPENDING none g", "XTRIM none MAXLEN 1", "XDEL none 1-1",
        ])
    }

    @Test func `what was waited for is told when it is taken`() throws {
        try compareWaiting([
            "A: CONFIG SET notify-keyspace-events KEAmn", "Z: PSUBSCRIBE __key*__:*", "B: BLPOP l 0", "A: RPUSH l a b",
            "B: BRPOPLPUSH l m 0", "B: BZPOPMIN z 0", "A: ZADD z 1 a", "B: BLMPOP 0 2 k l LEFT COUNT 5",
            "A: RPUSH k a b c", "B: BLMOVE s m LEFT RIGHT 0", "A: LPUSH s x", "B: BLPOP none 0.01",
            .answered("B"), "B: XREAD BLOCK 0 STREAMS x $", "A: XADD x 1-1 f v", "A: XGROUP CREATE x g $",
            "B: XREADGROUP GROUP g c BLOCK 0 STREAMS x >", "A: XADD x 2-2 f v",
            "A: CONFIG SET notify-keyspace-events \"\"",
        ])
    }

    @Test func `what scripts and transactions do is told as they do it`() throws {
        try compareEvents([
            "EVAL \"redis.call('SET', KEYS[1], 1) redis.call('DEL', KEYS[1])\" 1 x", "MULTI", "SET a 1", "RPUSH b 1",
            "EXEC",
        ])
    }

    @Test(arguments: ["K$", "E$", "KEg", "KElx", "KEn", "KEm", "g$", "K", "KEz"])
    func `only what was asked for is told`(_ flags: String) throws {
        try compareEvents(
            [
                "SET s v EX 100", "SET s v", "RPUSH l a", "LPOP l", "GET none", "ZADD z 1 a", "DEL s z",
                "B: SUBSCRIBE __keyevent@0__:set", "SET s v",
            ],
            flags: flags)
    }

    @Test func `what has ended is told as expired`() throws {
        try compareEvents(
            [
                "PSETEX a 150 v", .until("EXISTS a", "(integer) 0"), "SET b v PX 150", .until("DBSIZE", "(integer) 0"),
                "RPUSH l a", "PEXPIRE l 150", .until("LLEN l", "(integer) 0"),
            ], flags: "KEx")
    }
}
