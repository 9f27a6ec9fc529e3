import TestKit
import Testing

@Suite(.comparedWithRedis)
struct StringDifferentialTests {
    @Test func `SET takes its options in any order and refuses those that clash`() throws {
        try compare([
            "SET a 1", "GET a", "SET a 2 NX", "SET a 2 XX", "SET b 2 XX", "SET b 2 nx", "SET a 3 GET", "SET c 3 GET",
            "SET a 4 XX GET", "SET d 4 XX GET", "SET a 5 NX GET", "SET e 5 NX GET", "GET e", "SET a 1 NX XX",
            "SET a 1 XX NX", "SET a 1 EX", "SET a 1 EX 0", "SET a 1 EX -1", "SET a 1 EX x", "SET a 1 PX 0",
            "SET a 1 EX 9223372036854775807", "SET a 1 PX 9223372036854775807", "SET a 1 EXAT 0", "SET a 1 PXAT -5",
            "SET a 1 EX 10 PX 10", "SET a 1 EX 10 KEEPTTL", "SET a 1 KEEPTTL EX 10", "SET a 1 BOGUS",
            "SET a 1 EX 10 20",
            "SET a 1 PXAT 4102444800000", "PEXPIRETIME a", "SET a 2 KEEPTTL", "PEXPIRETIME a", "SET a 3",
            "PEXPIRETIME a",
            "SET a 1 EXAT 4102444800 XX GET", "PEXPIRETIME a", "SET a 1 KEEPTTL GET", "TTL b", "SET a 1 GET GET",
            "SET a 1 EXAT 4102444800 NX", "PEXPIRETIME a", "SET a 1 PXAT 1", "GET a", "EXISTS a", "SET a 1 NX PXAT 1",
            "EXISTS a", "SET", "SET a", "SADD s x", "SET s 1 GET", "SET s 1 NX GET", "SET s 1", "TYPE s",
            "SET \"\" \"\"", "GET \"\"",
        ])
    }

    @Test func `expiry in SET and its relatives is near what Redis says`() throws {
        try compare([
            "SET a 1 EX 100", .approximately("TTL a", by: 1), .approximately("PTTL a", by: 2000),
            .approximately("PEXPIRETIME a", by: 2000), "SET a 1 PX 50000", .approximately("PTTL a", by: 2000),
            "SETEX a 100 v", .approximately("PTTL a", by: 2000), "PSETEX a 100000 v",
            .approximately("PTTL a", by: 2000),
            "GET a", "SETEX a 0 v", "SETEX a -1 v", "SETEX a x v", "PSETEX a 0 v", "PSETEX a 1.5 v", "SETEX a 1",
            "SETEX a 9223372036854775 v", "SETEX a 9223372036854776 v", "PSETEX a 9223372036854775807 v",
            "GETEX a EX 100", .approximately("TTL a", by: 1), "GETEX a PX 100000", .approximately("TTL a", by: 1),
            "GETEX a", .approximately("TTL a", by: 1), "GETEX a PERSIST", "TTL a",
            "GETEX a PXAT 4102444800000", "PEXPIRETIME a", "GETEX a EXAT 4102444800", "PEXPIRETIME a", "GETEX a EX 0",
            "GETEX a EX x", "GETEX a EX", "GETEX a EX 1 PX 1", "GETEX a PERSIST EX 1", "GETEX a KEEPTTL", "GETEX a NX",
            "GETEX none EX 0", "GETEX none EX", "GETEX none", "GETEX a PXAT 1", "EXISTS a", "LPUSH l x", "GETEX l",
            "GETEX l EX 10",
            "GETEX l EX 0", "GETEX",
        ])
    }

    @Test func `reading commands answer nothing for missing keys and refuse other types`() throws {
        try compare([
            "GET none", "GETDEL none", "STRLEN none", "GETRANGE none 0 -1", "SUBSTR none 0 -1", "GETSET none 1",
            "GET none",
            "MGET none a none", "RPUSH l 1", "GET l", "GETDEL l", "STRLEN l", "GETRANGE l 0 1", "SUBSTR l 0 1",
            "GETSET l 1", "MGET l none", "APPEND l x", "SETRANGE l 0 x", "INCR l", "INCRBY l 1", "DECR l",
            "INCRBYFLOAT l 1",
            "INCRBY l x", "INCRBYFLOAT l x", "SETRANGE l x x", "SETRANGE l -1 x", "GETRANGE l x 1", "LCS l l",
            "LCS none l", "LCS l none FOO", "LCS l s MINMATCHLEN x", "LCS none l LEN IDX", "SET e 1 EX 10 EX 20",
            "TTL e",
            "SET e 1 EX 10 PX 20", "SET e 1 PXAT 4102444800000 PXAT 4102444800001", "PEXPIRETIME e",
            "SET e 1 EX 10 KEEPTTL", "GETEX e PERSIST PERSIST", "TTL e", "GETEX e EX 10 EX 30", "TTL e",
            "GETEX e EX 10 PX 5",
            "GETEX e EX 10 PERSIST", "GETEX e PERSIST EX 10", "GETEX e EX", "GETEX e PERSIST EX",
            "SET a x", "GETDEL a", "EXISTS a", "GET", "GET a b", "GETDEL", "STRLEN", "GETRANGE a 0", "MGET", "GETSET a",
            "SUBSTR a",
            "SETNX l 1", "SETNX n 1", "SETNX n 2", "GET n", "SETNX n", "MSET l 5 n 6", "TYPE l", "MSETNX n 1 m 2",
            "EXISTS m",
            "MSETNX m 1 o 2", "MGET m o", "MSET a", "MSET a 1 b", "MSETNX a 1 b", "MSET a 1 a 2", "GET a",
            "MSETNX x 1 x 2", "GET x",
        ])
    }

    @Test func `numbers are kept to the last digit and refused beyond 64 bits`() throws {
        try compare([
            "INCR n", "DECR n", "INCRBY n 10", "DECRBY n 4", "GET n", "SET n 9223372036854775807", "INCR n",
            "INCRBY n 1",
            "DECRBY n -1", "SET n -9223372036854775808", "DECR n", "DECRBY n 1", "INCRBY n -1",
            "DECRBY n -9223372036854775808",
            "INCRBY n 9223372036854775808", "INCRBY n 1.5", "INCRBY n \"\"", "INCRBY n \" 1\"", "INCRBY n +1",
            "INCRBY n 01",
            "INCRBY n -0", "SET n abc", "INCR n", "SET n \" 1\"", "INCR n", "SET n 01", "INCR n", "SET n -0", "INCR n",
            "SET n +1",
            "INCR n", "SET n \"\"", "INCR n", "SET n 1.0", "INCR n", "SET n 99999999999999999999", "INCR n",
            "OBJECT ENCODING n",
            "SET n 9", "INCR n", "OBJECT ENCODING n", "EXPIREAT n 4102444800", "INCR n", "EXPIRETIME n", "INCR",
            "INCRBY n",
            "APPEND n 5", "OBJECT ENCODING n", "INCR n", "OBJECT ENCODING n", "EXPIRETIME n",
        ])
    }

    @Test func `decimals are added and printed as Redis does`() throws {
        try compare([
            "INCRBYFLOAT f 10.5", "INCRBYFLOAT f 0.1", "INCRBYFLOAT f -5", "GET f", "SET f 5.0e3",
            "INCRBYFLOAT f 2.0e2",
            "INCRBYFLOAT f 1e-17", "INCRBYFLOAT f 1e300", "INCRBYFLOAT f 1e4000", "INCRBYFLOAT f inf",
            "INCRBYFLOAT f -inf",
            "INCRBYFLOAT f nan", "INCRBYFLOAT f x", "INCRBYFLOAT f \"\"", "INCRBYFLOAT f \" 1\"",
            "INCRBYFLOAT f \"1 \"",
            "INCRBYFLOAT f 0x10", "SET f abc", "INCRBYFLOAT f 1", "SET f 1", "INCRBYFLOAT f 1", "OBJECT ENCODING f",
            "INCRBYFLOAT f 0.5", "OBJECT ENCODING f", "INCRBYFLOAT g -0.0", "INCRBYFLOAT g 3.0000000000000001",
            "SET f 0.1",
            "INCRBYFLOAT f 0.2", "SET f 1234567890123456789", "INCRBYFLOAT f 0.5", "SET f 3.14 EXAT 4102444800",
            "INCRBYFLOAT f 1", "EXPIRETIME f", "INCRBYFLOAT f", "SET f \"1e\"", "INCRBYFLOAT f 1", "SET f inf",
            "INCRBYFLOAT f 1", "SET f 1e4931", "INCRBYFLOAT f 1e4932", "INCRBYFLOAT f -1e4931",
        ])
    }

    @Test func `parts of strings are read and written by place`() throws {
        try compare([
            "SET a \"Hello World\"", "GETRANGE a 0 4", "GETRANGE a -5 -1", "GETRANGE a 0 -1", "GETRANGE a 5 1",
            "GETRANGE a 100 200", "GETRANGE a -100 2", "GETRANGE a -1 -5", "GETRANGE a x 1",
            "GETRANGE a 0 9223372036854775807",
            "GETRANGE a -9223372036854775808 9223372036854775807", "SUBSTR a 1 3", "SETRANGE a 6 Redis", "GET a",
            "SETRANGE b 3 x", "GET b", "SETRANGE c 3 \"\"", "EXISTS c", "SETRANGE a 3 \"\"", "SETRANGE a -1 x",
            "SETRANGE a 536870911 xx", "SETRANGE c 536870912 x", "SETRANGE a 9223372036854775807 x", "EXISTS c",
            "SET n 12345",
            "GETRANGE n 1 2", "SETRANGE n 1 x", "GET n", "APPEND n y", "STRLEN n", "APPEND new 10",
            "OBJECT ENCODING new",
            "APPEND new 1", "GET new", "OBJECT ENCODING new", "SET e \"\"", "GETRANGE e 0 0", "GETRANGE e 0 -1",
            "STRLEN e", "APPEND e \"\"",
            "APPEND q \"\"", "EXISTS q", "SETRANGE a 1", "APPEND a", "SET x 4 EXAT 4102444800", "APPEND x 2",
            "EXPIRETIME x",
            "SETRANGE x 0 9", "EXPIRETIME x", "GET x", "GETRANGE n 0 0", "OBJECT ENCODING n",
        ])
    }

    @Test func `LCS finds what strings have in common`() throws {
        try compare([
            "MSET a ohmytext b mynewtext", "LCS a b", "LCS a b LEN", "LCS a b IDX", "LCS a b IDX MINMATCHLEN 4",
            "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "LCS a b IDX WITHMATCHLEN", "LCS a b IDX LEN", "LCS a b BOGUS",
            "LCS a b MINMATCHLEN", "LCS a b MINMATCHLEN x", "LCS a none", "LCS none b LEN", "LCS none nope IDX",
            "LCS a", "LCS a b WITHMATCHLEN",
            "LCS a b IDX MINMATCHLEN -5", "MSET a aaaa b aabaa", "LCS a b IDX WITHMATCHLEN", "MSET a 1234 b 1224533324",
            "LCS a b", "LCS a b IDX WITHMATCHLEN", "LCS b a IDX WITHMATCHLEN", "LCS a a IDX",
        ])
    }

    @Test func `random strings behave alike`() throws {
        let keys = ["a", "b", "c"]
        let values = [
            "0", "1", "-1", "42", "9223372036854775807", "3.25", "1e3", "abc", "\"\"", "\"\\x00\\xff\"", "hello",
            "0123456789012345678901234567890123456789abcd", "0123456789012345678901234567890123456789abcde",
            String(repeating: "long", count: 40),
        ]
        try compareRandomly { random in
            let key = random.pick(keys)
            let value = random.pick(values)
            let place = "\(random.below(20) - 6)"
            switch random.below(24) {
            case 0, 1: return Step("SET \(key) \(value)\(random.maybe("NX"))\(random.maybe("GET"))")
            case 2: return Step("SET \(key) \(value)\(random.maybe("XX")) EXAT 410244480\(random.below(9))")
            case 3: return Step("SET \(key) \(value) KEEPTTL\(random.maybe("GET"))")
            case 4: return Step("GETSET \(key) \(value)")
            case 5: return Step("APPEND \(key) \(value)")
            case 6: return Step("SETRANGE \(key) \(place) \(value)")
            case 7: return Step("GETRANGE \(key) \(place) \(random.below(20) - 6)")
            case 8: return Step("INCRBY \(key) \(place)")
            case 9: return Step("DECRBY \(key) \(place)")
            case 10: return Step("INCRBYFLOAT \(key) \(place).\(random.below(100))")
            case 11: return Step("STRLEN \(key)")
            case 12: return Step("MGET a b c d")
            case 13: return Step("MSET \(key) \(value) \(random.pick(keys)) \(place)")
            case 14: return Step("MSETNX \(key) \(value) \(random.pick(keys)) \(place)")
            case 15: return Step("GETDEL \(key)")
            case 16: return Step("GETEX \(key)\(random.maybe("PERSIST"))")
            case 17: return Step("GETEX \(key) EXAT 410244480\(random.below(9))")
            case 18: return Step("OBJECT ENCODING \(key)")
            case 19: return Step("PEXPIRETIME \(key)")
            case 20: return Step("DEL \(key)")
            case 21: return Step("LCS \(key) \(random.pick(keys))\(random.maybe("IDX"))\(random.maybe("WITHMATCHLEN"))")
            case 22: return Step("SETNX \(key) \(value)")
            default: return Step("GET \(key)")
            }
        }
    }
}
