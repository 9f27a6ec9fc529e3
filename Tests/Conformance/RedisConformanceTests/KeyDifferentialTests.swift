import TestKit
import Testing

@Suite(.comparedWithRedis)
struct KeyDifferentialTests {
    @Test func `stars and the empty name`() throws {
        try compare([
            "SET \"\" 1", "KEYS *", "KEYS **", "KEYS \"\"", "KEYS ?*", "KEYS *[^a]", "SCAN 0 MATCH *",
            "SCAN 0 MATCH **",
            "SADD s \"\"", "SSCAN s 0 MATCH *", "SSCAN s 0 MATCH **", "HSET h \"\" v", "HSCAN h 0 MATCH *",
            "HSCAN h 0 MATCH ***", "A: PSUBSCRIBE *", "C: PSUBSCRIBE \"\"", "D: SUBSCRIBE \"\"", "B: PUBLISH \"\" hi",
            .collected("A"), .collected("C"), .collected("D"), "B: PUBSUB CHANNELS *", "B: PUBSUB CHANNELS \"\"",
            "ACL SETUSER u on nopass ~* &* +@all", "ACL DRYRUN u GET \"\"", "ACL SETUSER u resetkeys %R~* %W~*",
            "ACL DRYRUN u GET \"\"", "ACL DRYRUN u GET x", "ACL SETUSER u resetkeys ~**", "ACL DRYRUN u GET \"\"",
        ])
    }

    @Test func `keys are counted, named and deleted`() throws {
        try compare([
            "MSET a 1 b 2 c 3", "RPUSH l x", "SADD s x", "HSET h f v", "ZADD z 1 m", "EXISTS a a none b",
            "TOUCH a none l", "TYPE a", "TYPE l", "TYPE s", "TYPE h",
            "TYPE z", "TYPE none", "DBSIZE", .sorted("KEYS *"), "KEYS a", .sorted("KEYS [ab]"), "KEYS x*",
            .sorted("KEYS ?"), "DEL a none a", "UNLINK b l none",
            "DEL none", "DBSIZE", .sorted("KEYS *"), "DEL", "UNLINK", "EXISTS", "TYPE", "TYPE a b", "KEYS", "KEYS a b",
            "TOUCH", "DEL s h z c", "DBSIZE", "KEYS *",
            "RANDOMKEY", "SET only 1", "RANDOMKEY", "RANDOMKEY x", "DBSIZE x",
            "MSET h*llo 1 hello 2 hallo 3 \"h\\\\*\" 4", .sorted("KEYS h*llo"), "KEYS h\\*llo",
            .sorted("KEYS h[ae]llo"), .sorted("KEYS h[^e]llo"), "KEYS h[a-b]llo", "KEYS [", "KEYS \"\"",
            .sorted("KEYS **"), "KEYS h\\\\",
        ])
    }

    @Test func `RENAME carries value and expiry and replaces what is there`() throws {
        try compare([
            "SET a 1 EXAT 4102444800", "RENAME a b", "EXISTS a", "GET b", "EXPIRETIME b", "RENAME none x",
            "RENAME none none", "RENAME b b", "RENAMENX b b",
            "RENAMENX none x", "SET c 2", "RENAMENX b c", "RENAME b c", "GET c", "EXPIRETIME c", "RENAMENX c d",
            "EXISTS c", "EXPIRETIME d", "SADD s 1", "RENAME s d",
            "TYPE d", "TTL d", "RENAME d", "RENAMENX d", "RENAME", "HSET h f v", "RENAME h s", "HGETALL s",
            "RPUSH l 1 2", "RENAME l h", "LRANGE h 0 -1",
            "RENAME d averylongkeynamethatisinanotherclassaltogetherthantheoldone",
            "SMEMBERS averylongkeynamethatisinanotherclassaltogetherthantheoldone",
        ])
    }

    @Test func `COPY copies every type within and between databases`() throws {
        try compare([
            "SET a 1 EXAT 4102444800", "RPUSH l 1 2 3", "SADD s x y", "SADD i 1 2", "HSET h f v g w", "ZADD z 1 a 2 b",
            "COPY a a2", "GET a2", "EXPIRETIME a2",
            "COPY l l2", "LRANGE l2 0 -1", "COPY s s2", .sorted("SMEMBERS s2"), "COPY i i2", "SMEMBERS i2", "COPY h h2",
            "HGETALL h2", "COPY z z2", "ZRANGE z2 0 -1 WITHSCORES",
            "COPY none x", "COPY a l", "COPY a l REPLACE", "TYPE l", "EXPIRETIME l", "COPY a a", "COPY a a DB 0",
            "COPY a a DB 1", "COPY a a DB 1", "COPY a a DB 1 REPLACE",
            "COPY a b DB 16", "COPY a b DB -1", "COPY a b DB x", "COPY a b DB", "COPY a b BOGUS",
            "COPY a b REPLACE DB 2", "COPY a", "COPY none none", "COPY a b DB 1 DB 3",
            "SELECT 1", "GET a", "EXPIRETIME a", "SELECT 2", "GET b", "SELECT 3", "GET b", "SELECT 0", "RPUSH l2 9",
            "LRANGE l2 0 -1", "SADD s2 z", "SCARD s", "HSET h2 f 9", "HGET h f",
        ])
    }

    @Test func `MOVE, SELECT and SWAPDB know the databases`() throws {
        try compare([
            "SET a 1 EXAT 4102444800", "SET b 2", "MOVE a 1", "EXISTS a", "MOVE a 1", "MOVE none 1", "MOVE b 0",
            "MOVE b 16", "MOVE b -1", "MOVE b x", "MOVE b",
            "SELECT 1", "GET a", "EXPIRETIME a", "SET b other", "SELECT 0", "MOVE b 1", "GET b", "SELECT 16",
            "SELECT -1", "SELECT x", "SELECT", "SELECT 0 1", "SELECT 9223372036854775808",
            "SWAPDB 0 1", "GET a", "GET b", "SELECT 1", "GET b", "SWAPDB 0 0", "SWAPDB 0 16", "SWAPDB x 1",
            "SWAPDB 0 x", "SWAPDB -1 0", "SWAPDB 0", "SWAPDB 16 2147483648", "SWAPDB -2147483649 x", "SWAPDB 16 16",
            "SELECT 2147483648", "SELECT -2147483649", "MOVE b 4294967295", "COPY b c DB 4611686018427387904",
            "COPY b c DB 99", "DBSIZE", "B: DBSIZE",
            "SELECT 15", "SET x y", "FLUSHDB", "DBSIZE", "B: DBSIZE", "FLUSHALL", "B: DBSIZE", "FLUSHALL ASYNC",
            "FLUSHDB SYNC", "FLUSHALL BOGUS", "FLUSHDB ASYNC SYNC", "FLUSHALL sync x",
        ])
    }

    @Test func `OBJECT tells about values`() throws {
        let long = String(repeating: "x", count: 44)
        try compare([
            "OBJECT ENCODING none", "OBJECT FREQ none", "OBJECT IDLETIME none", "OBJECT REFCOUNT none", "SET i 12",
            Step("SET e \(long)"), Step("SET r \(long)x"),
            "OBJECT ENCODING i", "OBJECT ENCODING e", "OBJECT ENCODING r", "OBJECT REFCOUNT i", "OBJECT REFCOUNT e",
            .approximately("OBJECT IDLETIME e", by: 2), "OBJECT FREQ i", "SET big 10000",
            "OBJECT REFCOUNT big", "SET m 9999", "OBJECT REFCOUNT m", "SET neg -1", "OBJECT REFCOUNT neg", "RPUSH l 1",
            "OBJECT ENCODING l", "OBJECT REFCOUNT l", "HSET h f v",
            "OBJECT ENCODING h", "ZADD z 1 a", "OBJECT ENCODING z", "SADD s 1", "OBJECT ENCODING s", "SADD s a",
            "OBJECT ENCODING s", "OBJECT", "OBJECT BOGUS", "OBJECT BOGUS x",
            "OBJECT ENCODING", "OBJECT ENCODING a b", "OBJECT FREQ", "OBJECT HELP", "OBJECT HELP x",
            "object encoding i", "INCR i", "OBJECT REFCOUNT i", "OBJECT ENCODING i",
        ])
    }

    @Test func `random keys of every type behave alike`() throws {
        let keys = ["a", "b", "c", "d", "a:longer:key:name:1234567890"]
        try compareRandomly { random in
            let key = random.pick(keys)
            let other = random.pick(keys)
            let time = "\(4_102_444_800 + random.below(3))"
            switch random.below(30) {
            case 0: return Step("SET \(key) \(random.below(100))")
            case 1: return Step("SADD \(key) \(random.below(5)) \(random.below(5))")
            case 2: return Step("HSET \(key) f\(random.below(3)) \(random.below(5))")
            case 3: return Step("RPUSH \(key) \(random.below(5))")
            case 4: return Step("ZADD \(key) \(random.below(5)) m\(random.below(5))")
            case 5, 6: return Step("RENAME \(key) \(other)")
            case 7: return Step("RENAMENX \(key) \(other)")
            case 8, 9:
                return Step("COPY \(key) \(other)\(random.maybe("REPLACE"))\(random.maybe("DB \(random.below(3))"))")
            case 10: return Step("MOVE \(key) \(random.below(3))")
            case 11, 12: return Step("SELECT \(random.below(3))")
            case 13: return random.oneIn(3) ? Step("SWAPDB \(random.below(3)) \(random.below(3))") : Step("DBSIZE")
            case 14: return Step("DEL \(key) \(other)")
            case 15: return Step("EXISTS \(key) \(other) \(key)")
            case 16: return Step("TYPE \(key)")
            case 17: return .sorted("KEYS \(random.pick(["*", "?", "a*", "[ab]", "*9*"]))")
            case 18: return Step("OBJECT ENCODING \(key)")
            case 19, 20: return Step("EXPIREAT \(key) \(time)\(random.maybe(random.pick(["NX", "XX", "GT", "LT"])))")
            case 21:
                return Step(
                    "PEXPIREAT \(key) \(time)00\(random.below(9))\(random.maybe(random.pick(["NX", "XX GT", "GT", "LT XX"])))"
                )
            case 22: return Step("PERSIST \(key)")
            case 23: return Step("PEXPIRETIME \(key)")
            case 24: return Step("EXPIRETIME \(key)")
            case 25: return random.oneIn(3) ? Step("EXPIRE \(key) -1") : Step("TOUCH \(key) \(other)")
            case 26: return .shape("RANDOMKEY")
            case 27: return random.oneIn(10) ? Step("FLUSHDB") : Step("GET \(key)")
            case 28: return .ignored("OBJECT IDLETIME \(key)")
            default: return .pairs("HGETALL \(key)")
            }
        }
    }
}
