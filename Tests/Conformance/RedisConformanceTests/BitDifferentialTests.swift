import TestKit
import Testing

@Suite(.comparedWithRedis)
struct BitDifferentialTests {
    @Test func `bits are set and read`() throws {
        try compare([
            "SETBIT b 7 1", "GET b", "SETBIT b 7 1", "SETBIT b 7 0", "GET b", "SETBIT b 100 1", "STRLEN b",
            "GETBIT b 100", "GETBIT b 7",
            "GETBIT b 100000", "GETBIT none 5", "SETBIT b -1 1", "SETBIT b x 1", "SETBIT b 1 2", "SETBIT b 1 -1",
            "SETBIT b 1 x",
            "SETBIT b 4294967296 1", "SETBIT b 9223372036854775807 0", "SETBIT b #1 1", "GETBIT b -1", "GETBIT b x",
            "GETBIT b 4294967296",
            "GETBIT b 4294967295", "SET n 12", "GETBIT n 2", "GETBIT n 3", "SETBIT n 7 0", "GET n", "OBJECT ENCODING n",
            "SETBIT n 2 1", "SADD s x", "SETBIT s 1 1",
            "GETBIT s 1", "SETBIT s x 1", "SETBIT s 1 x", "GETBIT s x", "SETBIT b", "SETBIT b 1", "GETBIT b",
            "SETBIT z 0 0", "EXISTS z", "STRLEN z",
            "SET t v EXAT 4102444800", "SETBIT t 3 1", "EXPIRETIME t", "OBJECT ENCODING z",
        ])
    }

    @Test func `BITCOUNT counts in ranges of bytes and bits`() throws {
        let ranges = [
            "", " 0 -1", " 0 0", " 1 1", " 1 3", " -2 -1", " 5 30 BIT", " 0 -1 BIT", " -9 -2 bit", " 1 1 BYTE", " 3 1",
            " -1 -5", " 100 200",
            " -100 -50", " 0", " x 1", " 0 x", " 0 1 BOGUS", " 0 1 BIT 2", " -1 -5 BOGUS", " 7 7 BIT", " 8 8 BIT",
            " 0 9223372036854775807 BIT",
            " -9223372036854775808 9223372036854775807", " 3 12 BIT", " 2 2 BIT", " 0 6 BIT", " 63 65 BIT",
        ]
        for value in ["foobar", "\"\"", "12345", String(repeating: "\\xff\\x00\\x0f", count: 9)] {
            try compare(["SET k \"\(value.replacing("\"", with: ""))\""] + ranges.map { Step("BITCOUNT k\($0)") })
        }
        try compare(
            ["SADD s x"] + ranges.flatMap { [Step("BITCOUNT none\($0)"), Step("BITCOUNT s\($0)")] } + ["BITCOUNT"])
    }

    @Test func `BITPOS finds the first bit in ranges of bytes and bits`() throws {
        let ranges = [
            "", " 0", " 1", " 2", " -1", " 0 -1", " 1 2", " 2 1", " -3 -2", " 100", " -100", " 0 -1 BIT", " 5 20 BIT",
            " 9 9 BIT", " 0 6 BIT",
            " 0 100 BIT", " 1 1 BYTE", " x", " 0 x", " 0 1 BOGUS", " x x BOGUS", " 0 1 BIT 3", " 0 9223372036854775807",
            " -9223372036854775808 -1 BIT", " 8 -1 bit", " 23 23 BIT", " 24 30 BIT",
        ]
        for value in [
            "\\xff\\xf0\\x00", "\\x00\\xff\\xf0", "\\xff\\xff\\xff", "\\x00\\x00\\x00", "", "123",
            String(repeating: "\\x00", count: 20) + "\\x01",
        ] {
            let steps = ranges.flatMap { [Step("BITPOS k 0\($0)"), Step("BITPOS k 1\($0)")] }
            try compare(["SET k \"\(value)\""] + steps)
        }
        try compare(
            ["SADD s x", "BITPOS", "BITPOS none", "BITPOS none 2", "BITPOS none x", "BITPOS s 2", "BITPOS s 1"]
                + ranges.flatMap { [Step("BITPOS none 0\($0)"), Step("BITPOS none 1\($0)"), Step("BITPOS s 0\($0)")] })
    }

    @Test func `BITOP combines strings of different lengths`() throws {
        try compare([
            "SET a abcdef", "SET b \"\\x0f\\xf0\"", "SET n 123456", "BITOP AND d a b", "GET d", "BITOP OR d a b",
            "GET d", "BITOP XOR d a b n", "GET d",
            "BITOP NOT d a", "GET d", "BITOP NOT d a b", "BITOP AND d a none", "GET d", "BITOP OR d none nope",
            "EXISTS d", "BITOP AND d none",
            "BITOP NOT d none", "BITOP BOGUS d a", "BITOP and d a", "GET d", "BITOP OR d n", "GET d",
            "OBJECT ENCODING d", "BITOP OR a a b", "GET a",
            "SADD s x", "BITOP AND d a s", "BITOP AND d s a", "BITOP AND d none s", "BITOP OR s a b", "TYPE s",
            "BITOP NOT", "BITOP NOT d", "BITOP BOGUS d",
            "SET t v EXAT 4102444800", "BITOP OR t a", "EXPIRETIME t", "SET e \"\"", "BITOP OR t e", "EXISTS t",
            "BITOP XOR d a a a", "GET d", "BITOP NOT n n", "GET n",
        ])
    }

    @Test func `BITFIELD reads and writes integers of any width`() throws {
        try compare([
            "BITFIELD k SET u8 0 255 GET u8 0 GET u4 0 GET i8 0", "BITFIELD k INCRBY u8 0 1 GET u8 0", "BITFIELD k",
            "BITFIELD none GET u8 0",
            "EXISTS none", "BITFIELD k SET i5 100 -7 GET i5 100 GET u5 100", "GET k",
            "BITFIELD k SET u8 #2 7 GET u8 #2 GET u8 16",
            "BITFIELD k OVERFLOW SAT INCRBY u8 0 300 OVERFLOW WRAP INCRBY u8 0 1 OVERFLOW FAIL INCRBY u8 0 1000 GET u8 0",
            "BITFIELD k OVERFLOW SAT SET i8 0 200 GET i8 0", "BITFIELD k OVERFLOW SAT SET i8 0 -200 GET i8 0",
            "BITFIELD k OVERFLOW FAIL SET i8 0 200",
            "BITFIELD k SET i8 0 200 GET i8 0", "BITFIELD k SET i64 0 9223372036854775807 INCRBY i64 0 1 GET i64 0",
            "BITFIELD k OVERFLOW SAT INCRBY i64 0 -1 INCRBY i64 0 -100 GET i64 0",
            "BITFIELD k SET u63 0 9223372036854775807 INCRBY u63 0 1",
            "BITFIELD k SET u63 0 -1 GET u63 0", "BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0",
            "BITFIELD k OVERFLOW SAT INCRBY u8 0 -300 GET u8 0",
            "BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0",
            "BITFIELD k OVERFLOW SAT SET i8 0 9223372036854775807 GET i8 0",
            "BITFIELD k GET u64 0", "BITFIELD k GET i65 0", "BITFIELD k GET u0 0", "BITFIELD k GET i0 0",
            "BITFIELD k GET x8 0", "BITFIELD k GET u 0", "BITFIELD k GET \"\" 0",
            "BITFIELD k GET U8 0", "BITFIELD k GET u8x 0", "BITFIELD k GET u8 x", "BITFIELD k GET u8 -1",
            "BITFIELD k GET u8 #", "BITFIELD k GET u8 #x", "BITFIELD k GET u8 #-1",
            "BITFIELD k GET u8 4294967296", "BITFIELD k GET u8 #536870912", "BITFIELD k GET u8 #9223372036854775807",
            "BITFIELD k GET u8 4294967295",
            "BITFIELD k SET u8 0", "BITFIELD k SET u8 0 x", "BITFIELD k SET u8 x x", "BITFIELD k INCRBY u8 0",
            "BITFIELD k BOGUS", "BITFIELD k GET u8",
            "BITFIELD k OVERFLOW", "BITFIELD k OVERFLOW BOGUS", "BITFIELD k OVERFLOW SAT",
            "BITFIELD k get u8 0 overflow sat incrby u8 0 1",
            "SADD s x", "BITFIELD s", "BITFIELD s GET u8 0", "BITFIELD s SET u8 0 1", "BITFIELD s SET u8 0 x",
            "BITFIELD_RO s GET u8 0",
            "BITFIELD_RO k GET u8 0 GET i16 #1", "BITFIELD_RO k SET u8 0 1", "BITFIELD_RO none GET u8 0",
            "BITFIELD_RO k", "BITFIELD_RO s SET u8 0 1", "BITFIELD", "BITFIELD_RO",
            "BITFIELD_RO k OVERFLOW FAIL GET u8 0", "BITFIELD f OVERFLOW FAIL INCRBY u2 0 9", "EXISTS f", "GET f",
            "SET n 65", "BITFIELD n GET u8 0 GET u16 0", "BITFIELD n SET u8 0 50",
            "GET n", "OBJECT ENCODING n", "BITFIELD g SET u1 0 0", "GET g",
        ])
    }

    @Test func `changes of bits are seen by who watches the key`() throws {
        for change in [
            "SETBIT k 1 0", "SETBIT k 99 0", "BITOP NOT k k", "BITOP OR k none", "BITFIELD k SET u8 0 1",
            "BITFIELD k SET u8 99 0", "BITFIELD k INCRBY u8 0 1",
        ] {
            try compare(["SETBIT k 1 1", "WATCH k", Step("B: \(change)"), "MULTI", "STRLEN k", "EXEC"])
        }
        for nothing in [
            "SETBIT k 1 1", "SETBIT k 2 0", "BITFIELD k SET u8 0 64", "BITFIELD k GET u8 0",
            "BITFIELD k OVERFLOW FAIL INCRBY u8 0 900", "BITCOUNT k",
        ] {
            try compare(["SETBIT k 1 1", "WATCH k", Step("B: \(nothing)"), "MULTI", "STRLEN k", "EXEC"])
        }
        try compare(["WATCH k", "B: BITFIELD k OVERFLOW FAIL INCRBY u2 0 9", "MULTI", "STRLEN k", "EXEC"])
    }

    @Test func `random bits behave alike`() throws {
        let keys = ["a", "b", "c"]
        try compareRandomly { random in
            let key = random.pick(keys)
            let unit = random.pick(["", " BIT", " BYTE"])
            let range = " \(random.below(300) - 100) \(random.below(300) - 100)\(unit)"
            switch random.below(14) {
            case 0...2: return Step("SETBIT \(key) \(random.below(300)) \(random.below(2))")
            case 3: return Step("GETBIT \(key) \(random.below(400))")
            case 4: return Step("BITCOUNT \(key)\(random.oneIn(3) ? "" : range)")
            case 5: return Step("BITPOS \(key) \(random.below(2))\(random.oneIn(3) ? "" : range)")
            case 6: return Step("BITPOS \(key) \(random.below(2)) \(random.below(60) - 30)")
            case 7:
                return Step(
                    "BITOP \(random.pick(["AND", "OR", "XOR"])) \(random.pick(keys)) \(key) \(random.pick(keys))")
            case 8: return Step("BITOP NOT \(random.pick(keys)) \(key)")
            case 9...11: return Step(fields(key, &random))
            case 12:
                return random.oneIn(3) ? Step("SET \(key) \(random.below(1_000_000))") : Step("GETRANGE \(key) 0 -1")
            default: return random.oneIn(6) ? Step("DEL \(key)") : Step("GET \(key)")
            }
        }
    }

    private func fields(_ key: String, _ random: inout SeededRandom) -> String {
        var line = "BITFIELD \(key)"
        for _ in 0..<1 + random.below(4) {
            let type = random.oneIn(2) ? "i\(1 + random.below(64))" : "u\(1 + random.below(63))"
            let offset = (random.oneIn(3) ? "#" : "") + "\(random.below(random.oneIn(2) ? 8 : 200))"
            let wide = random.next()
            let value = Int64(bitPattern: wide) >> Int64(random.below(64))
            switch random.below(4) {
            case 0: line += " GET \(type) \(offset)"
            case 1: line += " SET \(type) \(offset) \(value)"
            case 2: line += " INCRBY \(type) \(offset) \(value)"
            default: line += " OVERFLOW \(random.pick(["WRAP", "SAT", "FAIL"])) INCRBY \(type) \(offset) \(value)"
            }
        }
        return line
    }

    @Test func `offsets are bounded by proto-max-bulk-len`() throws {
        try compare([
            "CONFIG SET proto-max-bulk-len 1mb", "SETBIT b 8388607 1", "SETBIT b 8388608 1", "GETBIT b 8388608",
            "GETBIT b 8388607", "GETBIT none 8388608", "SETBIT b 8388608 2", "BITFIELD b GET u8 8388600",
            "BITFIELD b GET u8 8388607", "BITFIELD b GET u8 8388608", "BITFIELD b SET u8 8388607 1",
            "BITFIELD b GET u8 #1048575", "BITFIELD b GET u8 #1048576", "BITFIELD b SET u8 #1048576 1",
            "BITFIELD_RO b GET u8 8388608", "BITFIELD b INCRBY i64 8388544 1", "BITFIELD b INCRBY i64 8388545 1",
            "STRLEN b", "SETRANGE r 1048575 x", "SETRANGE r 1048576 x", "SETRANGE r 1048576 ''",
            "SETRANGE r 1048575 xy", "APPEND r x", "APPEND r ''", "SETRANGE q 2000000 ''", "BITPOS b 1 0 9000000",
            "BITCOUNT b 0 9000000 BIT", "EVAL \"redis.call('SET', 'big', string.rep('x', 1048577)) return 1\" 0",
            "APPEND big y", "SETRANGE big 0 y", "GETBIT big 8388608", "SETBIT big 8388600 1",
            "CONFIG SET proto-max-bulk-len 512mb", "SETBIT big 8388608 1", "STRLEN big", "APPEND big y",
        ])
    }
}
