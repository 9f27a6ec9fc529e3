import TestKit
import Testing

@Suite(.comparedWithRedis)
struct SortDifferentialTests {
    @Test func `numbers and texts are sorted both ways`() throws {
        try compare([
            "RPUSH l 3 1 2 10 -5 2.5 1e1", "SORT l", "SORT l DESC", "SORT l ASC", "sort l desc asc", "SORT l ALPHA",
            "SORT l ALPHA DESC", "SORT_RO l", "SORT_RO l DESC ALPHA",
            "RPUSH m b a C \"\" ab \"a\\x00z\" \"a\\x00b\" \"\\xff\"",
            "SORT m", "SORT m ALPHA", "SORT m ALPHA DESC", "SORT m ALPHA STORE n", "LRANGE n 0 -1", "SADD i 3 1 2",
            "SORT i", "SORT i DESC", "SADD t x y z 1", "SORT t", "SORT t ALPHA", "ZADD z 3 a 2 b 1 c",
            "OBJECT ENCODING z", "SORT z ALPHA", "OBJECT ENCODING z", "SORT z", "ZADD y 1 5 2 4", "SORT_RO y",
            "OBJECT ENCODING y", "SORT none", "SORT_RO none", "RPUSH e \"\" 1 \" 2\" 0x10 inf -inf", "SORT e",
            "RPUSH f 1e400", "SORT f", "RPUSH g nan", "SORT g", "RPUSH h 1e-400", "SORT h", "RPUSH k \"1 \"", "SORT k",
            "RPUSH o 9007199254740993 9007199254740992 9007199254740993", "SORT o", "RPUSH p \"1\\x00x\" 0", "SORT p",
        ])
    }

    @Test func `other keys say the order and the values`() throws {
        try compare([
            "RPUSH l 1 2 3 4", "MSET w1 30 w2 10 w3 20 d1 one d2 two d4 four", "HSET h1 f 9 g x", "HSET h2 f 7",
            "HSET h3 f 8", "SORT l BY w*", "SORT l BY w* DESC", "SORT l BY h*->f", "SORT l BY h*->none",
            "SORT l BY none*", "SORT l BY d* ALPHA", "SORT l BY d* ALPHA DESC", "SORT l BY d*", "SORT l BY w* GET d*",
            "SORT l BY w* GET # GET d* GET h*->g", "SORT l GET #", "SORT l GET none", "SORT l GET d", "SORT l GET ##",
            "SORT l GET h*", "SORT l GET w*->f", "SORT l GET h*->", "SORT l GET *->f", "SORT l BY h*->f GET h*->f",
            "SORT l BY w* LIMIT 1 2", "SORT l BY w* LIMIT 0 1 GET d*", "SORT l BY l GET d*", "SET 1w2 5",
            "SORT l BY *w2 GET *w2", "HSET a1b f 3", "SORT l BY a*b->f GET a*b->f", "SORT l GET a*b->f->f",
            "HSET x1 \"f->f\" deep", "SORT l GET x*->f->f", "SORT l GET w* STORE s", "LRANGE s 0 -1",
            "SORT l GET none* STORE s", "LRANGE s 0 -1", "SORT l BY w* BY nosort", "SORT l BY nosort BY w*",
            "SORT l BY w* BY h*->f", "SET w4 x", "SORT l BY w*", "SORT l BY \"w\\x00*\"", "SORT l GET \"w\\x00*\"",
            "SORT l GET \"\"", "SORT l BY \"\" DESC", "SORT l BY #", "SORT l BY # DESC",
        ])
    }

    @Test func `BY nosort keeps an order and LIMIT cuts it`() throws {
        try compare([
            "RPUSH l 3 1 2 5 4", "SORT l BY nosort", "SORT l BY nosort DESC", "SORT l BY nosort LIMIT 1 2",
            "SORT l BY nosort DESC LIMIT 1 2", "SORT l BY nosort ALPHA", "ZADD z 3 a 1 b 2 c 5 d 4 e",
            "SORT z BY nosort", "SORT z BY nosort DESC", "SORT z BY nosort LIMIT 1 3",
            "SORT z BY nosort DESC LIMIT 1 3",
            "SORT z BY nosort LIMIT 4 9", "SORT z BY nosort LIMIT 5 9", "SORT z BY nosort STORE k", "LRANGE k 0 -1",
            "SADD i 5 3 1", "SORT i BY nosort", "SORT i BY nosort DESC", "SORT i BY nosort LIMIT 1 1",
            "SORT i BY nosort STORE k", "LRANGE k 0 -1", "SADD t b a c", .sorted("SORT t BY nosort"),
            "SORT t BY nosort STORE k", "LRANGE k 0 -1", "SORT t BY nosort DESC STORE k", "LRANGE k 0 -1",
            "SORT l LIMIT 0 0", "SORT l LIMIT 0 -1", "SORT l LIMIT -5 2", "SORT l LIMIT 2 -7", "SORT l LIMIT 9 9",
            "SORT l LIMIT 1 9223372036854775807", "SORT l LIMIT 9223372036854775807 9223372036854775807",
            "SORT l LIMIT 1 1 LIMIT 0 3", "SORT l LIMIT -9223372036854775808 -9223372036854775808",
        ])
    }

    @Test func `STORE makes a list or takes the key away`() throws {
        try compare([
            "RPUSH l 3 1 2", "SORT l STORE s", "LRANGE s 0 -1", "TYPE s", "SORT l STORE l", "LRANGE l 0 -1",
            "SET s v EX 100", "SORT l DESC STORE s", "LRANGE s 0 -1", "TTL s", "SORT none STORE s", "EXISTS s",
            "SORT none STORE s", "SORT l LIMIT 9 9 STORE l", "EXISTS l", "RPUSH l x", "SORT l STORE s", "EXISTS s",
            "SORT l ALPHA STORE s STORE r", "EXISTS s", "LRANGE r 0 -1", "SORT_RO l STORE s", "SORT l STORE",
            "WATCH w", "B: SORT l ALPHA STORE w", "MULTI", "PING", "EXEC",
        ])
    }

    @Test func `what is wrong is refused`() throws {
        try compare([
            "SORT", "SORT_RO", "SET s v", "HSET h f v", "SORT s", "SORT h", "SORT s BOGUS", "SORT_RO s", "RPUSH l b a",
            "SORT l", "SORT l LIMIT", "SORT l LIMIT 1", "SORT l LIMIT a 1", "SORT l LIMIT 1 b", "SORT l BY",
            "SORT l GET",
            "SORT l BOGUS", "SORT l ALPHA BOGUS", "SORT l LIMIT 1 1 2", "SORT l BY w* STORE s", "SORT l STORE s",
            "GET s",
            "COMMAND GETKEYS SORT l", "COMMAND GETKEYS SORT l STORE d",
            "COMMAND GETKEYS SORT l BY store GET store STORE d",
            "COMMAND GETKEYS SORT l LIMIT STORE x STORE d", "COMMAND GETKEYS SORT l STORE a STORE b",
            "COMMAND GETKEYS SORT_RO l BY a*", "COMMAND GETKEYS SORT l STORE",
        ])
    }

    @Test func `random sorts behave alike`() throws {
        try compareRandomly { random in
            let key = random.pick(["l", "m", "i", "z"])
            let number = "\(random.below(30))"
            switch random.below(14) {
            case 0, 1: return Step("RPUSH \(random.pick(["l", "m"])) \(number) \(random.below(30)) \(random.below(9))")
            case 2: return Step("SADD i \(number)")
            case 3: return Step("ZADD z \(random.below(9)) \(number)")
            case 4: return Step("SET w\(number) \(random.below(6))")
            case 5: return Step("HSET h\(number) f \(random.below(6)) g \(random.pick(["a", "b", "c"]))")
            case 6 where random.oneIn(3): return Step("DEL \(random.pick(["l", "m", "i", "z", "w\(number)"]))")
            case 7 where random.oneIn(9): return Step("RPUSH m x")
            default:
                // Of a set or a sorted set equal elements come in the order of a table.
                let isList = key == "l" || key == "m"
                let by = random.pick([
                    "", " BY w*", " BY h*->f", isList ? " BY h*->g ALPHA" : "", isList ? " BY nosort" : "",
                ])
                let limit = random.maybe("LIMIT \(random.below(9)) \(random.below(20))")
                let order = random.pick(["", " ASC", " DESC", " ALPHA", " ALPHA DESC"])
                let get = random.pick(["", " GET #", " GET w*", " GET # GET h*->g"])
                let ties = !isList && by != "" && order.contains("ALPHA")
                let store = random.oneIn(5) ? " STORE \(random.pick(["s", "l"]))" : ""
                return Step("SORT \(key)\(ties ? "" : by)\(limit)\(order)\(get)\(store)")
            }
        }
    }
}
