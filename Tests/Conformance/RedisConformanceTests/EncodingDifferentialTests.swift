import TestKit
import Testing

/// The parameters that decide in which form values are kept: OBJECT ENCODING tells.
@Suite(.comparedWithRedis)
struct EncodingDifferentialTests {
    /// As both servers begin, for the tests behind.
    private static let first: [Step] = [
        "CONFIG SET hash-max-listpack-entries 512 hash-max-listpack-value 64 zset-max-listpack-entries 128",
        "CONFIG SET zset-max-listpack-value 64 set-max-intset-entries 512 list-max-listpack-size -2",
    ]

    @Test func `hashes become tables at the limits that are set`() throws {
        let long = String(repeating: "v", count: 20)
        try compare(
            [
                "CONFIG SET hash-max-listpack-entries 3", .pairs("CONFIG GET hash-max-*"), "HSET h a 1 b 2 c 3",
                "OBJECT ENCODING h", "HSET h a 4", "OBJECT ENCODING h", "HSET h d 1", "OBJECT ENCODING h", "HDEL h d c",
                "OBJECT ENCODING h", "HSET g a 1 b 2 c 3", "CONFIG SET hash-max-ziplist-entries 2",
                "CONFIG GET hash-max-listpack-entries", "OBJECT ENCODING g", "HGET g a", "OBJECT ENCODING g",
                "COPY g f",
                "OBJECT ENCODING f", "HINCRBY g a 1", "OBJECT ENCODING g", "CONFIG SET hash-max-listpack-entries 0",
                "HSET e a 1", "OBJECT ENCODING e", "HSETNX f z 1", "OBJECT ENCODING f",
                "CONFIG SET hash-max-listpack-entries 1000 hash-max-listpack-value 10", "HSET i a \(long)",
                "OBJECT ENCODING i", "HSET j a 1", "OBJECT ENCODING j", "HSET j \(long) 1", "OBJECT ENCODING j",
                "HMSET k a 1234567890 b 1", "OBJECT ENCODING k", "HINCRBYFLOAT k a 0.123456", "OBJECT ENCODING k",
                "CONFIG SET hash-max-ziplist-value 100", "HSET l a \(long)\(long)\(long)\(long)", "OBJECT ENCODING l",
                "HSET l b \(long)\(long)\(long)\(long)\(long)x", "OBJECT ENCODING l",
                "CONFIG SET hash-max-listpack-value 1kb",
                "CONFIG GET hash-max-ziplist-value", "CONFIG SET hash-max-listpack-value x",
                "CONFIG SET hash-max-listpack-entries -1", "CONFIG SET hash-max-listpack-entries",
            ] + Self.first)
    }

    @Test func `sorted sets become skip lists at the limits that are set`() throws {
        let long = String(repeating: "m", count: 20)
        try compare(
            [
                "CONFIG SET zset-max-listpack-entries 3", .pairs("CONFIG GET zset-max-*"), "ZADD z 1 a 2 b 3 c",
                "OBJECT ENCODING z", "ZADD z 5 a", "OBJECT ENCODING z", "ZADD z 1 d", "OBJECT ENCODING z", "ZREM z d c",
                "OBJECT ENCODING z", "ZADD y 1 a 2 b 3 c", "CONFIG SET zset-max-ziplist-entries 2",
                "CONFIG GET zset-max-listpack-entries", "OBJECT ENCODING y", "ZINCRBY y 7 a", "OBJECT ENCODING y",
                "ZADD y 9 b", "OBJECT ENCODING y", "COPY y x", "OBJECT ENCODING x", "ZADD x 1 new", "OBJECT ENCODING x",
                "ZUNIONSTORE u 1 y", "OBJECT ENCODING u", "CONFIG SET zset-max-listpack-entries 3",
                "ZUNIONSTORE u 1 y", "OBJECT ENCODING u", "ZRANGESTORE r y 0 -1", "OBJECT ENCODING r",
                "ZINTERSTORE i 2 z y", "OBJECT ENCODING i", "ZDIFFSTORE d 2 y z", "OBJECT ENCODING d",
                "CONFIG SET zset-max-listpack-entries 0", "ZADD e 1 a", "OBJECT ENCODING e",
                "ZRANGESTORE r y 0 -1", "OBJECT ENCODING r", "ZRANGESTORE r y -inf inf BYSCORE", "OBJECT ENCODING r",
                "CONFIG SET zset-max-listpack-entries 1000 zset-max-listpack-value 10", "ZADD l 1 \(long)",
                "OBJECT ENCODING l", "ZADD k 1 a", "ZADD k 1 \(long)", "OBJECT ENCODING k", "ZUNIONSTORE u 1 k",
                "OBJECT ENCODING u", "CONFIG SET zset-max-ziplist-value 100", "ZUNIONSTORE u 1 k", "OBJECT ENCODING u",
                "ZRANGE u 0 -1 WITHSCORES", "GEOADD g 1 1 a 2 2 \(long)", "OBJECT ENCODING g",
                "GEOSEARCHSTORE h g FROMLONLAT 1 1 BYRADIUS 9000 km", "OBJECT ENCODING h",
            ] + Self.first)
    }

    @Test func `sets of integers become tables at the limit that is set`() throws {
        try compare(
            [
                "CONFIG SET set-max-intset-entries 3", "CONFIG GET set-max-intset-entries", "SADD s 1 2 3",
                "OBJECT ENCODING s", "SADD s 3", "OBJECT ENCODING s", "SADD s 4", "OBJECT ENCODING s", "SREM s 4",
                "OBJECT ENCODING s", "SADD t 1 2 3", "CONFIG SET set-max-intset-entries 2", "OBJECT ENCODING t",
                "SADD t 1", "OBJECT ENCODING t", "COPY t c", "OBJECT ENCODING c", "SREM t 1", "OBJECT ENCODING t",
                "SADD t 9", "OBJECT ENCODING t", "SUNIONSTORE u s t", "OBJECT ENCODING u",
                "CONFIG SET set-max-intset-entries 10", "SUNIONSTORE u s t", "OBJECT ENCODING u", "SINTERSTORE i s t",
                "OBJECT ENCODING i", "SDIFFSTORE d s t", "OBJECT ENCODING d", "CONFIG SET set-max-intset-entries 0",
                "SADD e 1", "OBJECT ENCODING e", "SMOVE d n 1", "OBJECT ENCODING n",
                "CONFIG SET set-max-intset-entries -1",
                "CONFIG SET set-max-intset-entries x", "CONFIG SET set-max-intset-entries 1000",
            ] + (0..<600).map { .ignored("SADD b \($0)") } + ["OBJECT ENCODING b", "SCARD b"] + Self.first)
    }

    @Test func `DUMP hands out a form that RESTORE of the other server takes`() throws {
        let fields = (0..<20).map { "f\($0) v\($0)" }.joined(separator: " ")
        try compare(
            [
                "CONFIG SET hash-max-listpack-entries 5 zset-max-listpack-entries 5 set-max-intset-entries 5",
                "HSET h a 1 b 2", "DUMP h", "ZADD z 1 a 2 b", "DUMP z", "SADD s 1 2", "DUMP s",
                "CONFIG SET hash-max-listpack-entries 1000 hash-max-listpack-value 1000", "HSET g \(fields)", "DUMP g",
                "HSET g x \(String(repeating: "v", count: 200))", "OBJECT ENCODING g", "DUMP g",
                "CONFIG SET set-max-intset-entries 1000", "SADD t 1 2 3 4 5 6 7", "DUMP t",
                "CONFIG SET list-max-listpack-size 2", "RPUSH l a b c d e", "DUMP l",
                "CONFIG SET list-max-ziplist-size -1",
                "RPUSH m a b c d e", "DUMP m", .pairs("CONFIG GET list-max-*"), "OBJECT ENCODING l",
            ] + Self.first)
    }

    @Test func `random limits and values of a few keys`() throws {
        // Each version has an emulator of its own, and both begin as the real server does.
        for version in [2, 3] {
            try compare(Self.first)
            try compareRandomly(versions: [version]) { Self.step(&$0) }
        }
        try compare(Self.first)
    }

    private static func step(_ random: inout SeededRandom) -> Step {
        let key = random.pick(["a", "b", "c"])
        let word = random.oneIn(6) ? String(repeating: "w", count: random.below(90)) + "x" : "m\(random.below(14))"
        switch random.below(24) {
        case 0: return Step("CONFIG SET \(random.pick(["hash", "zset"]))-max-listpack-entries \(random.below(12))")
        case 1: return Step("CONFIG SET \(random.pick(["hash", "zset"]))-max-ziplist-value \(random.below(90))")
        case 2: return Step("CONFIG SET set-max-intset-entries \(random.below(12))")
        case 3: return Step("DEL \(random.pick(["h", "z", "s"]))\(key)")
        case 4...6: return Step("HSET h\(key) \(word) \(random.below(5))")
        case 7: return Step("HSET h\(key) m\(random.below(14)) \(word)")
        case 8: return Step("HINCRBY h\(key) m1 3")
        case 9: return Step("HDEL h\(key) \(word)")
        case 10...12:
            return Step("ZADD z\(key)\(random.maybe(random.pick(["NX", "XX", "GT"]))) \(random.below(9)) \(word)")
        case 13: return Step("ZINCRBY z\(key) \(random.below(5)) \(word)")
        case 14: return Step("ZREM z\(key) \(word)")
        case 15:
            return Step(
                "Z\(random.pick(["UNION", "INTER", "DIFF"]))STORE z\(random.pick(["a", "b", "c"])) 2 z\(key) za")
        case 16: return Step("ZRANGESTORE z\(random.pick(["a", "b", "c"])) z\(key) 0 \(random.below(9))")
        case 17, 18: return Step("SADD s\(key) \(random.oneIn(9) ? word : "\(random.below(14))")")
        case 19: return Step("SREM s\(key) \(random.below(14))")
        case 20:
            return Step(
                "S\(random.pick(["UNION", "INTER", "DIFF"]))STORE s\(random.pick(["a", "b", "c"])) s\(key) sa")
        case 21:
            let type = random.pick(["h", "z", "s"])
            return Step("COPY \(type)\(key) \(type)\(random.pick(["a", "b", "c"])) REPLACE")
        default: return Step("OBJECT ENCODING \(random.pick(["h", "z", "s"]))\(key)")
        }
    }
}
