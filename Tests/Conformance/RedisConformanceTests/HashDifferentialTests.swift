import TestKit
import Testing

@Suite(.comparedWithRedis)
struct HashDifferentialTests {
    @Test func `fields are set, read and removed`() throws {
        try compare([
            "HSET h a 1 b 2", "HSET h a 3 c 4", "HGET h a", "HGET h none", "HGET none a", "HMGET h a none c a",
            "HMGET none a b",
            "HGETALL h", "HKEYS h", "HVALS h", "HLEN h", "HSTRLEN h a", "HSTRLEN h none", "HSTRLEN none a",
            "HEXISTS h a",
            "HEXISTS h none", "HEXISTS none a", "HSETNX h a 9", "HSETNX h d 9", "HSETNX new x y", "HGETALL new",
            "HMSET h e 5 f 6", "HMSET other x y", "HDEL h a none b", "HDEL h a", "HDEL none a", "HGETALL h",
            "HDEL h c d e f f", "EXISTS h", "HGETALL none", "HKEYS none", "HVALS none", "HLEN none", "TYPE new",
            "OBJECT ENCODING new",
            "HSET e \"\" \"\"", "HGET e \"\"", "HGETALL e", "HSTRLEN e \"\"", "HSET dup a 1 a 2", "HGETALL dup",
            "HDEL dup a a", "EXISTS dup",
        ])
    }

    @Test(arguments: [
        "HSET", "HSETNX", "HMSET", "HGET", "HMGET", "HGETALL", "HDEL", "HLEN", "HSTRLEN", "HEXISTS", "HKEYS", "HVALS",
        "HINCRBY", "HINCRBYFLOAT", "HSCAN",
    ])
    func `a wrong number of arguments and another type are refused`(_ command: String) throws {
        let words = ["", " h", " h a", " h 0 1", " h a 1 b", " h a 1 b 2", " s", " s 0", " s 0 1", " s 0 1 1"]
        try compare(["HSET h a 1", "SET s v"] + words.map { Step(command + $0) } + ["HGETALL h", "GET s"])
    }

    @Test func `HRANDFIELD refuses what Redis refuses`() throws {
        try compare([
            "HRANDFIELD", "HRANDFIELD none", "HRANDFIELD none 5", "HRANDFIELD none 5 WITHVALUES", "HRANDFIELD none -5",
            "HRANDFIELD none x", "HSET h a 1", "HRANDFIELD h", "HRANDFIELD h 1", "HRANDFIELD h 5 WITHVALUES",
            "HRANDFIELD h -3",
            "HRANDFIELD h -3 withvalues", "HRANDFIELD h 0", "HRANDFIELD h 0 WITHVALUES", "HRANDFIELD h x",
            "HRANDFIELD h 1 BOGUS",
            "HRANDFIELD h 1 WITHVALUES x", "HRANDFIELD h -9223372036854775808", "HRANDFIELD h 9223372036854775808",
            "HRANDFIELD h 9223372036854775807 WITHVALUES", "HRANDFIELD h -9223372036854775807 WITHVALUES",
            "HRANDFIELD h 9223372036854775807", "SET s v", "HRANDFIELD s", "HRANDFIELD s 1", "HRANDFIELD s x",
            "HRANDFIELD s 0",
            "HSET h b 2 c 3", "HRANDFIELD h 3", "HRANDFIELD h 10 WITHVALUES", .shape("HRANDFIELD h 2"),
            .shape("HRANDFIELD h -10"), .shape("HRANDFIELD h -2 WITHVALUES"), .shape("HRANDFIELD h 1 WITHVALUES"),
        ])
    }

    @Test func `numbers in fields are added as in strings`() throws {
        try compare([
            "HINCRBY h n 5", "HINCRBY h n -7", "HGET h n", "HINCRBY h n x", "HINCRBY h n 9223372036854775808",
            "HSET h n 9223372036854775807", "HINCRBY h n 1", "HSET h n abc", "HINCRBY h n 1", "HSET h n \" 1\"",
            "HINCRBY h n 1", "HSET h n 1.5", "HINCRBY h n 1", "HINCRBYFLOAT h n 1.25", "HINCRBYFLOAT h f 3",
            "HINCRBYFLOAT h f 0.1", "HINCRBYFLOAT h f x", "HINCRBYFLOAT h f inf", "HINCRBYFLOAT h f -inf",
            "HINCRBYFLOAT h f nan", "HINCRBYFLOAT h f \"\"", "HINCRBYFLOAT h f \" 1\"", "HSET h f abc",
            "HINCRBYFLOAT h f 1",
            "HSET h f 5.0e3", "HINCRBYFLOAT h f 2.0e2", "HINCRBYFLOAT h f 1e4931", "HINCRBYFLOAT h f 1e4932",
            "HSET h f \"\"", "HINCRBYFLOAT h f 1",
            "HSET h f inf", "HINCRBYFLOAT h f 1", "HINCRBY h f 1", "SET s v", "HINCRBYFLOAT s a x", "HINCRBY s a x",
            "HINCRBYFLOAT s a 1",
            "HINCRBY new a 0", "HINCRBYFLOAT new b 0", "HGETALL new", "HSET h f 1", "HINCRBYFLOAT h f 1e-17",
        ])
    }

    @Test func `HSCAN answers small hashes whole and refuses bad options`() throws {
        try compare([
            "HSCAN none 0", "HSCAN none 5 BOGUS", "HSET h a 1 b 2 ab 3", "HSCAN h 0", "HSCAN h 0 MATCH a*",
            "HSCAN h 0 COUNT 1",
            "HSCAN h 0 MATCH * COUNT 100", "HSCAN h 0 COUNT 0", "HSCAN h 0 COUNT x", "HSCAN h 0 COUNT",
            "HSCAN h 0 BOGUS x",
            "HSCAN h x", "HSCAN h -1", "HSCAN h \"\"", "HSCAN none x", "HSCAN h 0 TYPE hash",
            "HSCAN h 18446744073709551615", "HSCAN h 18446744073709551616",
            "HSCAN h \" 0\"", "HSCAN h 0x0", "SET s v", "HSCAN s 0", "HSCAN s 0 BOGUS", "HSCAN s x",
        ])
    }

    @Test func `a hash changes its form where Redis does`() throws {
        let many = (0..<512).map { "f\($0) v\($0)" }.joined(separator: " ")
        let long = String(repeating: "x", count: 64)
        try compare([
            Step("HSET h \(many)"), "OBJECT ENCODING h", "HLEN h", "HGETALL h", "HSET h f5 new", "HKEYS h", "HVALS h",
            "HSET h more 1", "OBJECT ENCODING h", "HLEN h",
            .pairs("HGETALL h"), .sorted("HKEYS h"), .sorted("HVALS h"), "HDEL h more f0 f1", "OBJECT ENCODING h",
            Step("HSET l a \(long)"), "OBJECT ENCODING l", Step("HSET l a \(long)x"), "OBJECT ENCODING l", "HGET l a",
            "HSET l a 1", "OBJECT ENCODING l",
            Step("HSET m \(long)x 1"), "OBJECT ENCODING m", "HGETALL m", "HINCRBY m n 1", .pairs("HGETALL m"),
            .sorted("HRANDFIELD h 1000"), "HDEL h f2", "HSTRLEN h f3", "HEXISTS h f4", "COPY h copy",
            "OBJECT ENCODING copy", .pairs("HGETALL copy"),
        ])
    }

    @Test func `changes of a hash are seen by who watches it`() throws {
        for change in ["HSET h a 1", "HSET h a 2", "HDEL h a", "HINCRBY h b 1", "HSETNX h c 1", "HINCRBYFLOAT h b 1"] {
            try compare([
                "HSET h a 1 b 1", "WATCH h", Step("B: \(change)"), "MULTI", "HLEN h", "EXEC", .pairs("HGETALL h"),
            ])
        }
        for nothing in ["HDEL h x", "HSETNX h a 2", "HGET h a", "HINCRBY h a x"] {
            try compare(["HSET h a 1 b 1", "WATCH h", Step("B: \(nothing)"), "MULTI", "HLEN h", "EXEC"])
        }
    }

    @Test func `expiry stays with a hash that changes`() throws {
        try compare([
            "HSET h a 1", "EXPIREAT h 4102444800", "HSET h b 2", "HDEL h a", "HINCRBY h b 1", "EXPIRETIME h",
            "HDEL h b",
            "HSET h a 1", "EXPIRETIME h",
        ])
    }

    @Test(arguments: [200, 6]) func `random hashes behave alike`(_ fields: Int) throws {
        let keys = ["h", "i"]
        let values = [
            "1", "-5", "9223372036854775807", "2.5", "text", "\"\"", String(repeating: "v", count: 70), "\"\\r\\n\"",
        ]
        try compareRandomly { random in
            let key = random.pick(keys)
            let field = "f\(random.below(fields))"
            let value = random.pick(values)
            switch random.below(22) {
            case 0...4: return Step("HSET \(key) \(field) \(value) f\(random.below(fields)) \(random.pick(values))")
            case 5: return Step("HSETNX \(key) \(field) \(value)")
            case 6: return Step("HMSET \(key) \(field) \(value)")
            case 7: return Step("HGET \(key) \(field)")
            case 8: return Step("HMGET \(key) \(field) f\(random.below(fields)) nothing")
            case 9: return .pairs("HGETALL \(key)")
            case 10: return .sorted("HKEYS \(key)")
            case 11: return .sorted("HVALS \(key)")
            case 12, 13: return Step("HDEL \(key) \(field) f\(random.below(fields)) f\(random.below(fields))")
            case 14: return Step("HLEN \(key)")
            case 15: return Step("HSTRLEN \(key) \(field)")
            case 16: return Step("HEXISTS \(key) \(field)")
            case 17: return Step("HINCRBY \(key) \(field) \(random.below(100) - 50)")
            case 18: return Step("HINCRBYFLOAT \(key) \(field) \(random.below(100)).\(random.below(100))")
            case 19: return .sorted("HRANDFIELD \(key) 1000")
            case 20: return random.oneIn(8) ? Step("DEL \(key)") : Step("OBJECT ENCODING \(key)")
            default:
                return random.oneIn(8)
                    ? Step("COPY \(key) \(random.pick(keys)) REPLACE") : .shape("HRANDFIELD \(key) -5 WITHVALUES")
            }
        }
    }
}
