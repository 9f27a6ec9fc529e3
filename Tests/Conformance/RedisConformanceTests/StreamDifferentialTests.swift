import Testing

@Suite(.comparedWithRedis)
struct StreamDifferentialTests {
    /// Ids in every form, right and wrong.
    static let ids = [
        "1", "1-1", "1-0", "0-0", "0", "0-1", "-", "+", "$", "*", ">", "1-", "-1", "1-1-1", "1-*", "*-1", "a", "a-1",
        "1-a",
        "\"\"", "01-01", "+5", "\" 7\"", "\"7 \"", "5-+3", "5--3", "5--03", "5- 3", "\"5- 3\"", "1.5", "0x10",
        "18446744073709551615", "18446744073709551616", "18446744073709551615-18446744073709551615",
        "9223372036854775808-9223372036854775808", "\"5\\x00x\"", "\"5-6\\x007\"", "(1-1", "((1-1", "(-", "(+", "(",
        "(0-0", "(18446744073709551615-18446744073709551615", "(1", "5-00000000000000000000000000000000000001",
        String(repeating: "0", count: 127), String(repeating: "0", count: 128),
    ]

    private static let three = ["XADD s 1-1 f a", "XADD s 2-2 f b g c", "XADD s 3-3 h \"\""].map { Step($0) }

    @Test func `XADD takes ids that are above the last one`() throws {
        var steps: [Step] = ["XLEN s"]
        for id in Self.ids where id != "*" { steps += [Step("XADD s \(id) f v"), "XLEN s", "XINFO STREAM s"] }
        steps += ["XRANGE s - +", "TYPE s", "OBJECT ENCODING s", "OBJECT REFCOUNT s"]
        try compare(steps)
    }

    @Test func `XADD draws what is not given`() throws {
        try compare([
            "XADD s 5-* f v", "XADD s 5-* f v", "XADD s 4-* f v", "XADD s 6-* f v", "XADD z 0-* f v", "XADD z 0-* f v",
            "XADD m 7-18446744073709551615 f v", "XADD m 7-* f v", "XADD m 7-18446744073709551615 f v",
            "XADD m 8-* f v",
            "XADD e 18446744073709551615-18446744073709551614 f v", .shape("XADD e * f v"), "XADD e * f v",
            "XADD e 18446744073709551615-* f v", "XADD e 1-1 f v", .shape("XADD t * f v"), .shape("XADD t * f v"),
            "XLEN t", "XADD far 99999999999999-18446744073709551615 f v", "XADD far * f v", "XADD far * f v",
            "XRANGE e - +", "XRANGE far - +", "XRANGE m - +",
        ])
    }

    @Test func `XADD checks options, fields, the id, the key, in this order`() throws {
        try compare(
            [
                "XADD", "XADD s", "XADD s 1-1", "XADD s 1-1 f", "XADD s 1-1 f v g", "XADD s * f", "XADD s x f",
                "XADD s MAXLEN 3", "XADD s MAXLEN 3 1-1 f", "XADD s MAXLEN 3 * f v g",
                "XADD s NOMKSTREAM NOMKSTREAM 1-1 f",
                "XADD s NOMKSTREAM 1-1 f v", "EXISTS s", "XADD s nomkstream MAXLEN ~ 3 1-1 f v", "XADD s 0-0 f v",
                "XADD s 0 f v", "EXISTS s", "SET string v", "XADD string 1-1 f v", "XADD string 1-1 f",
                "XADD string x f v",
                "XADD string 0-0 f v", "XADD string NOMKSTREAM 1-1 f v", "XADD s MAXLEN 1 MAXLEN 2 1-1 f v",
                "XADD s MAXLEN 1 MINID 2 1-1 f v", "XADD s MINID 1 MAXLEN 2 1-1 f v", "XADD s MAXLEN -1 1-1 f v",
                "XADD s MAXLEN x 1-1 f v", "XADD s MAXLEN ~ x 1-1 f v", "XADD s MAXLEN = x 1-1 f v",
                "XADD s MAXLEN ~ -1 1 f v",
                "XADD s MINID x 1-1 f v", "XADD s MINID - 1-1 f v", "XADD s MINID ~ + 1-1 f v",
                "XADD s LIMIT 1 1-1 f v",
                "XADD s LIMIT 0 1-1 f v", "XADD s LIMIT -1 1-1 f v", "XADD s LIMIT x 1-1 f v",
                "XADD s MAXLEN 1 LIMIT 1 1 f v",
                "XADD s MAXLEN = 1 LIMIT 0 1-1 f v", "XADD s MAXLEN ~ 1 LIMIT 1 1-1 f v",
                "XADD s LIMIT 5 MAXLEN ~ 1 1-2 f v",
                "XADD s MAXLEN ~ 1-1 f v", "XADD s MAXLEN ~", "XADD s MAXLEN ~ 5", "XADD s maxlen = 0 5-5 f v",
                "XLEN s",
                "XADD s NOMKSTREAM 6-6 f v", "XADD s MINID 6 7-7 f v", "XRANGE s - +", "XADD s limit 1 minid ~ 1 8 f v",
                "EXISTS s", "XADD s BOGUS 1 f v", "XADD s MAXLEN 5 * * * *", "XADD s ~ 1 f v",
            ].map { ($0 as Step).line.hasSuffix("* * * *") ? Step.shape($0.line) : $0 })
    }

    @Test func `fields keep their order, their number, and their bytes`() throws {
        let long = String(repeating: "x", count: 5000)
        try compare([
            "XADD s 1-1 a 1 a 2 a 3", "XADD s 1-2 a 1 a 2 a 3", "XADD s 1-3 b 1 a 2 a 3", "XADD s 1-4 \"\" \"\"",
            "XADD s 1-5 12 34 -5 006", "XADD s 1-6 \"\\x00\\r\\n\" \"\\xff\"",
            "XADD s 1-7 9223372036854775807 -9223372036854775808",
            "XADD s 1-8 9223372036854775808 -0", "XADD s 1-9 127 128 4095 4096 -4096 -4097 32767 32768 8388607 8388608",
            "XADD s 2-1 2147483647 2147483648 -2147483648 -2147483649", Step("XADD s 2-2 \(long) \(long)"),
            Step("XADD s 2-3 \(String(repeating: "k", count: 63)) \(String(repeating: "l", count: 64))"),
            Step("XADD s 2-4 \(String(repeating: "k", count: 4095)) \(String(repeating: "l", count: 4096))"),
            "XRANGE s - +", "XREVRANGE s + -", "XINFO STREAM s", "XLEN s",
        ])
    }

    @Test func `ranges take ends of every form`() throws {
        var steps = Self.three
        for id in Self.ids {
            steps += [
                Step("XRANGE s \(id) +"), Step("XRANGE s - \(id)"), Step("XREVRANGE s \(id) -"),
                Step("XREVRANGE s + \(id)"),
            ]
        }
        for first in ["1-1", "(1-1", "2", "2-1", "(2-2", "2-3", "4"] {
            for last in ["1", "1-0", "2", "(2-2", "2-2", "3-3", "(3-3", "9"] {
                steps += [Step("XRANGE s \(first) \(last)"), Step("XREVRANGE s \(last) \(first)")]
            }
        }
        try compare(steps)
    }

    @Test func `ranges take a count and know what they read`() throws {
        var steps = Self.three
        for count in [
            "0", "1", "2", "3", "4", "-1", "-2", "x", "1.5", "9223372036854775807", "9223372036854775808", "\"\"",
        ] {
            steps += [Step("XRANGE s - + COUNT \(count)"), Step("XREVRANGE s + - count \(count)")]
        }
        steps += [
            "XRANGE", "XRANGE s", "XRANGE s -", "XRANGE s - + COUNT", "XRANGE s - + COUNT 1 COUNT 2",
            "XRANGE s - + BOGUS 1",
            "XRANGE s - + COUNT 1 COUNT", "XRANGE none - +", "XRANGE none x +", "XRANGE none - + COUNT 0",
            "XREVRANGE none + -",
            "SET string v", "XRANGE string - +", "XRANGE string x +", "XRANGE string - + COUNT x",
            "XREVRANGE string + -",
            "XLEN string", "XLEN none", "XLEN", "XLEN s s", "GET s", "LPUSH s x", "XRANGE string - + COUNT 0",
        ]
        try compare(steps)
    }

    @Test func `XDEL takes entries out and remembers the largest`() throws {
        try compare(
            Self.three + [
                "XDEL", "XDEL s", "XDEL none 1-1", "XDEL none x", "SET string v", "XDEL string 1-1", "XDEL string x",
                "XDEL s x",
                "XDEL s 1-1 x", "XLEN s", "XDEL s 9-9", "XDEL s 2-2", "XINFO STREAM s", "XDEL s 2-2", "XDEL s 1-1 1-1",
                "XINFO STREAM s", "XADD s 4-4 f v", "XADD s 5-5 f v", "XDEL s 5-5 4-4", "XINFO STREAM s", "XDEL s 3-3",
                "XINFO STREAM s", "EXISTS s", "XRANGE s - +", "XADD s 5-5 f v", "XADD s 6-6 f v", "XINFO STREAM s",
                "XDEL s - +", "XDEL s 6", "XDEL s 6-6", "XLEN s", "XADD s 7 f v", "XDEL s 7", "XINFO STREAM s",
            ])
    }

    @Test(arguments: [1, 7, 60]) func `deleting here and there keeps the others, in nodes of Redis's size`(size: Int)
        throws
    {
        var steps: [Step] = []
        for number in 1...330 {
            let value = String(repeating: "v", count: size)
            let name = number % 7 == 0 ? "other" : "field"
            steps.append(Step("XADD s \(number)-\(number % 3) \(name) \(value) n \(number)"))
        }
        steps += ["XINFO STREAM s", "XRANGE s - +"]
        for number in stride(from: 3, through: 330, by: 3) { steps.append(Step("XDEL s \(number)-0 \(number + 1)-1")) }
        steps += ["XINFO STREAM s", "XRANGE s - +", "XREVRANGE s + -", "XRANGE s 50 60", "XREVRANGE s 260 250 COUNT 3"]
        for bound in ["MAXLEN ~ 90", "MAXLEN ~ 60", "MINID ~ 150", "MINID ~ 299", "MAXLEN 40", "MINID 290", "MAXLEN 2"]
        {
            steps += [Step("XTRIM s \(bound)"), "XINFO STREAM s", "XRANGE s - +"]
        }
        for number in 331...480 { steps.append(Step("XADD s \(number) a \(number)")) }
        steps += ["XINFO STREAM s", "XREVRANGE s + - COUNT 5"]
        try compare(steps, versions: [2])
    }

    @Test func `XTRIM trims by length and by id, exactly or by nodes, up to a limit`() throws {
        var steps: [Step] = []
        for bound in [
            "MAXLEN 300", "MAXLEN 250", "MAXLEN = 249", "MAXLEN ~ 240", "MAXLEN ~ 200", "MAXLEN ~ 150", "MAXLEN ~ 99",
            "MAXLEN ~ 0", "MAXLEN 0", "MINID 0", "MINID 1-1", "MINID 2", "MINID = 101", "MINID 250", "MINID 251",
            "MINID ~ 100",
            "MINID ~ 101", "MINID ~ 102", "MINID ~ 201", "MINID ~ 999", "MAXLEN ~ 0 LIMIT 0", "MAXLEN ~ 0 LIMIT 1",
            "MAXLEN ~ 0 LIMIT 99", "MAXLEN ~ 0 LIMIT 100", "MAXLEN ~ 0 LIMIT 150", "MAXLEN ~ 0 LIMIT 200",
            "MINID ~ 999 LIMIT 100", "MINID ~ 999 LIMIT 10", "LIMIT 100 MAXLEN ~ 0", "MAXLEN ~ 9223372036854775807",
            "MAXLEN 0 LIMIT 0",
        ] {
            steps.append("DEL s")
            for number in 1...250 { steps.append(Step("XADD s \(number) f \(number)")) }
            steps += [Step("XTRIM s \(bound)"), "XLEN s", "XINFO STREAM s"]
        }
        try compare(steps, versions: [2])
    }

    @Test func `XTRIM refuses what it does not understand`() throws {
        try compare([
            "XTRIM", "XTRIM s", "XTRIM s MAXLEN", "XTRIM s MAXLEN 1", "XTRIM s MAXLEN ~", "XTRIM s MAXLEN = ",
            "XTRIM s MAXLEN x",
            "XTRIM s MAXLEN -1", "XTRIM s MAXLEN ~ -1", "XTRIM s MINID x", "XTRIM s MINID -", "XTRIM s MINID ~ 1-1",
            "XTRIM s MAXLEN 1 MINID 1", "XTRIM s MINID 1 MINID 1", "XTRIM s LIMIT 1", "XTRIM s LIMIT 1 LIMIT 1",
            "XTRIM s LIMIT 0 LIMIT 0", "XTRIM s MAXLEN 1 LIMIT 1", "XTRIM s MAXLEN ~ 1 LIMIT -1",
            "XTRIM s MAXLEN ~ 1 LIMIT x",
            "XTRIM s MAXLEN ~ 1 LIMIT", "XTRIM s BOGUS 1", "XTRIM s * 1", "XTRIM s 1-1 1",
            "XTRIM s NOMKSTREAM MAXLEN 1",
            "SET string v", "XTRIM string MAXLEN 1", "XTRIM string MAXLEN x", "EXISTS s", "XTRIM s MINID 1-*",
            "XTRIM s MINID *",
        ])
    }

    @Test func `XSETID sets the last id and the counters`() throws {
        try compare(
            [
                "XSETID", "XSETID s", "XSETID s 1-1", "XSETID s x", "SET string v", "XSETID string 1-1",
                "XSETID string x",
                "XSETID s 1-1 BOGUS", "XSETID s 1-1 ENTRIESADDED", "XSETID s 1-1 ENTRIESADDED x",
                "XSETID s 1-1 ENTRIESADDED -1",
                "XSETID s 1-1 MAXDELETEDID x", "XSETID s 1-1 MAXDELETEDID 2-2", "XSETID s 1-1 MAXDELETEDID",
            ] + Self.three + [
                "XSETID s 2-9", "XSETID s 3-2", "XSETID s 3-3", "XSETID s 4", "XINFO STREAM s",
                "XSETID s 4 ENTRIESADDED 2",
                "XSETID s 4 ENTRIESADDED 3", "XSETID s 5 ENTRIESADDED 10 MAXDELETEDID 2-5", "XINFO STREAM s",
                "XSETID s 5 maxdeletedid 0-0", "XINFO STREAM s", "XSETID s 2-4", "XADD s 5 f v", "XADD s 5-1 f v",
                "XDEL s 5-1",
                "XSETID s 5", "XSETID s 5-1", "XINFO STREAM s", "XTRIM s MAXLEN 0", "XSETID s 2",
                "XSETID s 5-1 ENTRIESADDED 0",
                "XINFO STREAM s", "XSETID s 9 ENTRIESADDED 1 ENTRIESADDED 7", "XSETID s -", "XSETID s +",
                "XINFO STREAM s",
            ])
    }

    @Test func `entries behind a larger one that was deleted are found`() throws {
        try compare([
            "XADD s 0-1 h c", "XADD s 18446744073709551615 f a", "XADD s 18446744073709551615-7 f a",
            "XDEL s 18446744073709551615 18446744073709551615-7", "XSETID s 25-0 ENTRIESADDED 74", "XADD s 36-* g a",
            "XADD s 40-1 g b", "XRANGE s 36 36", "XRANGE s 1 40", "XREVRANGE s + -", "XREVRANGE s 39 36",
            "XREAD STREAMS s 1", "XREAD STREAMS s 36", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >",
            "XREADGROUP GROUP g c STREAMS s 0", "XAUTOCLAIM s g d 0 0", "XCLAIM s g c 0 36-0", "XINFO STREAM s",
            "XDEL s 36-0", "XLEN s", "XRANGE s - +", "XTRIM s MINID 40", "XRANGE s - +", "XTRIM s MAXLEN 0",
        ])
    }

    @Test func `changes are seen by who watches the key, but for those of groups`() throws {
        let changes = [
            "XADD s 9-9 f v", "XADD s 1-1 f v", "XADD s NOMKSTREAM 9-9 f v", "XADD none NOMKSTREAM 1 f v", "XDEL s 1-1",
            "XDEL s 8",
            "XTRIM s MAXLEN 2", "XTRIM s MAXLEN 9", "XSETID s 9-9", "XGROUP CREATE s h 0", "XGROUP SETID s g 0",
            "XGROUP CREATECONSUMER s g d", "XGROUP DELCONSUMER s g c", "XGROUP DESTROY s g",
            "XGROUP CREATE none g 0 MKSTREAM",
            "XREADGROUP GROUP g c STREAMS s >", "XREADGROUP GROUP g c NOACK STREAMS s >",
            "XREADGROUP GROUP g c STREAMS s 0",
            "XACK s g 1-1", "XCLAIM s g d 0 1-1", "XAUTOCLAIM s g d 0 0", "XREAD STREAMS s 0", "XRANGE s - +",
        ]
        var steps: [Step] = []
        for change in changes {
            for key in ["s", "none"] {
                steps += ["DEL s none"] + Self.three
                steps += [
                    "XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS s >", Step("WATCH \(key)"),
                    .ignored("B: \(change)"),
                    "MULTI", "XLEN s", "EXEC",
                ]
            }
        }
        try compare(steps, versions: [2])
    }

    @Test func `streams are keys like others`() throws {
        try compare(
            Self.three
                + [
                    "XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 2 STREAMS s >", "COPY s t",
                    .timeless("XINFO STREAM t FULL"),
                    "XADD t 9 f v", "XDEL t 1-1", "XACK t g 1-1", "XGROUP CREATE t h $",
                    .timeless("XINFO STREAM s FULL"),
                    .timeless("XINFO STREAM t FULL"), "RENAME s r", "EXISTS s", .timeless("XINFO STREAM r FULL"),
                    "COPY r t",
                    "COPY r t REPLACE", .timeless("XINFO STREAM t FULL"), "COPY r r DB 3", "SELECT 3",
                    .timeless("XINFO STREAM r FULL"),
                    "SELECT 0", "EXPIRE r 1000", "XADD r 50 f v", .approximately("TTL r", by: 1), "PERSIST r",
                    "SET r v", "TYPE r",
                    "TYPE t", .sorted("SCAN 0 TYPE stream"), .sorted("SCAN 0 TYPE string"), "MOVE t 5", "EXISTS t",
                    "SELECT 5",
                    "XLEN t", "DEL t", "EXISTS t", "XADD u 1 f v", "XDEL u 1", "EXISTS u", "OBJECT ENCODING u",
                    "UNLINK u", "XLEN u",
                    "XADD e 1 f v", "PEXPIREAT e 1", "EXISTS e", "XADD e 1 f v", "SORT e",
                    "CONFIG GET stream-node-max-bytes", "CONFIG GET stream-node-max-entries",
                ].filter { $0.line != "SORT e" })
    }

    @Test func `a transaction runs commands of streams`() throws {
        try compare([
            "MULTI", "XADD s 1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "XREAD STREAMS s 0",
            "XACK s g 1",
            "XADD s 1 f v", "XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "XINFO GROUPS s",
            "EXEC",
            "MULTI", "XADD", "EXEC",
        ])
    }
}
