import Testing

@Suite(.comparedWithRedis)
struct SortedSetDifferentialTests {
    @Test(arguments: [
        "ZADD", "ZINCRBY", "ZREM", "ZCARD", "ZSCORE", "ZMSCORE", "ZRANK", "ZREVRANK", "ZCOUNT", "ZLEXCOUNT", "ZRANGE",
        "ZRANGESTORE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGEBYLEX",
        "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX", "ZPOPMIN", "ZPOPMAX", "ZMPOP", "ZRANDMEMBER", "ZUNION",
        "ZUNIONSTORE", "ZINTER", "ZINTERSTORE", "ZINTERCARD", "ZDIFF", "ZDIFFSTORE", "ZSCAN",
    ])
    func `a command with a wrong number of arguments is refused`(_ command: String) throws {
        let words = ["", " z", " z 1", " z 1 2", " z 1 2 3", " z 1 2 3 4"]
        try compare(words.map { Step("\(command)\($0)") } + ["EXISTS z 1 2 3 4"])
    }

    @Test func `a key of another type is refused`() throws {
        try compare([
            "SET s v", "ZADD z 1 a", "ZADD s 1 a", "ZADD s x a", "ZADD s XX 1 a", "ZINCRBY s 1 a", "ZINCRBY s x a",
            "ZREM s a", "ZCARD s", "ZSCORE s a", "ZMSCORE s a b", "ZRANK s a", "ZREVRANK s a", "ZCOUNT s 0 1",
            "ZCOUNT s x 1", "ZLEXCOUNT s - +", "ZLEXCOUNT s x +", "ZRANGE s 0 1", "ZRANGE s x 1", "ZRANGESTORE z s 0 1",
            "ZRANGESTORE s z 0 1", "TYPE s", "SET s v", "ZREVRANGE s 0 1", "ZRANGEBYSCORE s 0 1",
            "ZREVRANGEBYSCORE s 0 1",
            "ZRANGEBYLEX s - +", "ZREVRANGEBYLEX s + -", "ZREMRANGEBYRANK s 0 1", "ZREMRANGEBYRANK s x 1",
            "ZREMRANGEBYSCORE s 0 1", "ZREMRANGEBYLEX s - +", "ZPOPMIN s", "ZPOPMAX s 0", "ZPOPMIN s x",
            "ZMPOP 1 s MIN",
            "ZMPOP 2 none s MIN", "ZMPOP 2 s z MIN", "ZRANDMEMBER s", "ZRANDMEMBER s 0", "ZRANDMEMBER s x", "ZSCAN s 0",
            "ZSCAN s x", "ZSCAN s 0 FOO", "ZUNION 1 s", "ZUNION 2 z s WEIGHTS x y", "ZINTERSTORE d 2 s z",
            "ZUNIONSTORE s 1 z", "TYPE s", "ZINTERCARD 2 z s", "ZDIFF 2 none s", "GET z",
        ])
    }

    @Test func `ZADD adds and updates as its options say`() throws {
        let options = [
            "", "NX", "XX", "GT", "LT", "CH", "INCR", "XX GT", "XX LT", "XX CH", "NX CH", "GT CH", "LT CH", "XX INCR",
            "NX INCR", "GT INCR", "LT INCR", "XX GT INCR", "NX XX", "NX GT", "NX LT", "GT LT", "XX NX GT", "nx nx",
            "CH INCR", "GT LT INCR",
        ]
        var steps: [Step] = []
        for option in options {
            steps += ["DEL z", "ZADD z \(option) 1 a", "ZADD z 5 a 5 b 5 c"]
            for pairs in ["1 a", "9 a", "5 a", "1 new", "1 a 9 b 5 c 7 d", "2 e 3 e", "-1 f -2 f"] {
                steps += ["ZADD z \(option) \(pairs)", "ZRANGE z 0 -1 WITHSCORES"]
            }
        }
        try compare(steps)
    }

    @Test func `ZADD refuses what it cannot add, and adds nothing then`() throws {
        try compare([
            "ZADD z 1 a 2", "ZADD z NX", "ZADD z NX 1", "ZADD z FOO 1 a", "ZADD z 1 a FOO b", "ZADD z nan a",
            "ZADD z 1 a nan b", "ZADD z 1e999 a", "ZADD z 0x10 hex", "ZADD z \"\" a", "ZADD z \" 1\" a", "ZADD z 1x a",
            "ZADD z +5 plus", "ZADD z .5 half", "ZADD z 5. five", "ZADD z infinity long", "ZADD z -Inf low",
            "ZADD z INCR 1 a 2 b", "ZADD z INCR x a", "ZADD none XX 1 a", "EXISTS none", "ZADD none XX INCR 1 a",
            "ZADD z INCR -inf long", "ZADD z INCR inf long", "ZINCRBY z -inf long", "ZADD z NX XX 1",
            "ZADD z NX XX x a",
            "ZADD z NX GT INCR 1 a 2 b", "ZADD z 1 \"\"", "ZADD z XX", "ZADD z 1e-400 tiny", "ZADD z 1 a\\x00b",
            "ZADD z \"1\\x00\" zero", "ZADD z 0000000000000000000000000000000000000001 long-text",
            Step("ZADD z \(String(repeating: "0", count: 300))7 longer-text"), "ZRANGE z 0 -1 WITHSCORES",
        ])
    }

    @Test func `scores are printed with 17 digits`() throws {
        let scores = [
            "0", "-0", "-0.0", "1", "-1", "0.1", "-0.1", "1.5", "3.14159265358979", "1e3", "1e15", "1e16", "1e17",
            "1e21",
            "123456789012345678", "9007199254740993", "4611686018427387904", "-4611686018427387905",
            "9223372036854775807",
            "1e-5", "1e-7", "2.2250738585072014e-308", "1.7976931348623157e308", "inf", "-inf", "0.30000000000000004",
            "100000000000000000000", "5e-324", "999999999999999", "1000000000000000", "12345678.9",
        ]
        var steps: [Step] = []
        for (index, score) in scores.enumerated() {
            steps += [
                "ZADD z \(score) m\(index)", "ZSCORE z m\(index)", "ZADD y INCR \(score) m",
                "ZINCRBY w \(score) m\(index)",
            ]
        }
        steps += ["ZRANGE z 0 -1 WITHSCORES", "ZMSCORE z m1 m2 none m20", "ZSCAN z 0 COUNT 1000", "DEL z"]
        let long = String(repeating: "x", count: 65)
        steps.append("ZADD z 1 \(long)")
        for (index, score) in scores.enumerated() { steps.append("ZADD z \(score) m\(index)") }
        steps += [
            "OBJECT ENCODING z", "ZRANGE z 0 -1 WITHSCORES", .sorted("ZSCAN z 0 COUNT 1000"),
            "ZREVRANGE z 0 -1 WITHSCORES",
        ]
        try compare(steps)
    }

    @Test func `a negative zero is kept where Redis keeps it`() throws {
        let long = String(repeating: "x", count: 70)
        var steps: [Step] = ["ZADD z 1 \(long)"] + (0..<140).map { Step("ZADD z -0 m\($0)") }
        for range in ["0 -1", "0 -1 REV", "-inf inf BYSCORE", "inf -inf BYSCORE REV", "- + BYLEX", "5 100"] {
            steps += ["ZRANGESTORE d z \(range)", "ZRANGE d 0 -1 WITHSCORES", "OBJECT ENCODING d"].map { Step($0) }
        }
        steps += [
            "ZADD s 0 a -0 b", "ZRANGE s 0 -1 WITHSCORES", "ZUNION 1 s WEIGHTS -1 WITHSCORES",
            "ZUNIONSTORE d 1 s WEIGHTS -1", "ZRANGE d 0 -1 WITHSCORES", "ZUNIONSTORE d 1 z WEIGHTS -1",
            "ZRANGE d 0 -1 WITHSCORES", "ZINTERSTORE d 2 z z WEIGHTS -1 0", "ZRANGE d 0 -1 WITHSCORES",
        ]
        try compare(steps)
    }

    @Test func `ZINCRBY adds to a score or begins at 0`() throws {
        try compare([
            "ZINCRBY z 1 a", "ZINCRBY z 1.5 a", "ZINCRBY z -10 a", "ZINCRBY z x a", "ZINCRBY z nan a",
            "ZINCRBY z inf b",
            "ZINCRBY z inf b", "ZINCRBY z -inf b", "ZSCORE z b", "ZINCRBY z 0 c", "ZINCRBY z 0.1 c", "ZINCRBY z 0.2 c",
            "ZINCRBY z NX c", "ZINCRBY z -0 d", "ZINCRBY z 1e308 e", "ZINCRBY z 1e308 e", "ZRANGE z 0 -1 WITHSCORES",
        ])
    }

    @Test func `members are in order of score, then bytes`() throws {
        try compare([
            "ZADD z 1 b 1 a 1 aa 1 B 1 \"\" 1 \"\\xff\" 1 \"\\x00\" 0 z 2 0", "ZRANGE z 0 -1",
            "ZREVRANGE z 0 -1 WITHSCORES",
            "ZRANK z aa", "ZRANK z \"\"", "ZREVRANK z aa", "ZRANK z none", "ZREVRANK none a", "ZRANK none a", "ZCARD z",
            "ZCARD none", "ZSCORE none a", "ZSCORE z none", "ZMSCORE none a b", "ZMSCORE z a none a",
            "OBJECT ENCODING z", "TYPE z",
        ])
    }

    @Test func `ZREM removes members and an empty set`() throws {
        try compare([
            "ZREM none a", "ZADD z 1 a 2 b 3 c 4 d", "ZREM z x", "ZREM z a x a", "ZREM z b c", "ZRANGE z 0 -1",
            "ZREM z d e f", "EXISTS z",
        ])
    }

    @Test func `ZPOPMIN and ZPOPMAX take from the ends`() throws {
        try compare([
            "ZPOPMIN none", "ZPOPMAX none 2", "ZPOPMIN none 0", "ZPOPMIN none x", "ZPOPMIN none -1", "ZPOPMIN none 1 2",
            "ZADD z 1 a 2 b 2.5 c 2.5 d inf e -inf f", "ZPOPMIN z", "ZPOPMAX z", "ZPOPMIN z 0", "ZPOPMAX z 1",
            "ZPOPMIN z 2", "ZPOPMAX z 100", "EXISTS z", "ZADD z 1 a", "ZPOPMIN z 9223372036854775807", "EXISTS z",
            "ZADD z 1 a", "ZPOPMAX z 9223372036854775808", "ZPOPMAX z \"\"", "ZPOPMAX z 1", "EXISTS z",
        ])
    }

    @Test func `ZMPOP pops from the first set that has members`() throws {
        try compare([
            "ZMPOP 1 none MIN", "ZMPOP 2 a b MAX", "ZADD a 1 x 2 y 3 z", "ZADD b 5 q", "ZMPOP 2 none a MIN",
            "ZMPOP 2 a b MAX COUNT 1", "ZMPOP 2 a b min count 100", "EXISTS a", "ZMPOP 2 a b MAX", "EXISTS b",
            "ZMPOP 0 a MIN", "ZMPOP -1 a MIN", "ZMPOP x a MIN", "ZMPOP 1 a", "ZMPOP 2 a MIN", "ZMPOP 3 a b MIN",
            "ZMPOP 1 a MID", "ZMPOP 1 a MIN COUNT", "ZMPOP 1 a MIN COUNT 0", "ZMPOP 1 a MIN COUNT x",
            "ZMPOP 1 a MIN COUNT 1 COUNT 2", "ZMPOP 1 a MIN FOO", "ZMPOP 1 a MIN COUNT 0 FOO",
            "ZMPOP 1 a MIN COUNT 1 FOO",
        ])
    }

    @Test func `ZRANDMEMBER answers in the shapes that its arguments ask for`() throws {
        try compare([
            "ZRANDMEMBER none", "ZRANDMEMBER none 3", "ZRANDMEMBER none -3 WITHSCORES", "ZRANDMEMBER none x",
            "ZADD z 1 a", "ZRANDMEMBER z", "ZRANDMEMBER z 1", "ZRANDMEMBER z -3", "ZRANDMEMBER z 5 WITHSCORES",
            "ZRANDMEMBER z -2 WITHSCORES", "ZRANDMEMBER z 0", "ZRANDMEMBER z -0", "ZRANDMEMBER z 0 WITHSCORES",
            "ZRANDMEMBER z x", "ZRANDMEMBER z 1 FOO", "ZRANDMEMBER z 1 WITHSCORES FOO", "ZRANDMEMBER z WITHSCORES",
            "ZRANDMEMBER z -9223372036854775808", "ZRANDMEMBER z 9223372036854775807 WITHSCORES",
            "ZRANDMEMBER z 9223372036854775807", "ZRANDMEMBER z -9223372036854775807 WITHSCORES",
            "ZADD z 2 b 3 c 4 d", .shape("ZRANDMEMBER z"), .shape("ZRANDMEMBER z 2"),
            .shape("ZRANDMEMBER z 3 WITHSCORES"),
            "ZRANDMEMBER z 4 WITHSCORES", "ZRANDMEMBER z 10", .shape("ZRANDMEMBER z -10 WITHSCORES"),
        ])
    }

    @Test func `distinct members are drawn from sets of every size`() throws {
        let dialogue = try Dialogue(version: 2)
        for (size, count) in [(10, 3), (100, 99), (1000, 5), (1000, 900), (1000, 999)] {
            let pairs = (0..<size).map { "\($0) m\($0)" }.joined(separator: " ")
            let client = try dialogue.connection("A").ours
            try client.call("DEL", "z")
            _ = try dialogue.run(Step("ZADD z \(pairs)"))
            let drawn = try client.call("ZRANDMEMBER", "z", "\(count)").elements ?? []
            #expect(drawn.count == count)
            #expect(Set(drawn).count == count)
            let scored = try client.call("ZRANDMEMBER", "z", "-50", "WITHSCORES").elements ?? []
            for index in stride(from: 0, to: scored.count, by: 2) {
                #expect(scored[index].text == "m" + (scored[index + 1].text ?? ""))
            }
            #expect(scored.count == 100)
        }
    }

    @Test func `ZSCAN visits every member and answers strings`() throws {
        try compare([
            "ZSCAN none 0", "ZSCAN none x", "ZSCAN none 0 FOO", "ZADD z 1 a 2.5 b 1e17 c -0 d inf e", "ZSCAN z 0",
            "ZSCAN z 0 MATCH [ab]*", "ZSCAN z 0 COUNT 1", "ZSCAN z 0 COUNT 0", "ZSCAN z 0 COUNT x", "ZSCAN z 0 COUNT",
            "ZSCAN z 0 TYPE zset", "ZSCAN z 0 MATCH nothing", "ZSCAN z x", "ZSCAN z 1x", "ZSCAN z 0 FOO BAR",
            "ZSCAN z 0 match a count 5",
        ])
        let dialogue = try Dialogue(version: 2)
        let pairs = (0..<3000).map { "\($0) m\($0)" }.joined(separator: " ")
        try dialogue.run(Step("ZADD z \(pairs)"))
        let client = try dialogue.connection("A").ours
        var seen: Set<Reply> = []
        var cursor = "0"
        repeat {
            let reply = try client.call("ZSCAN", "z", cursor, "COUNT", "50").elements ?? []
            cursor = reply.first?.text ?? "0"
            let elements = reply.last?.elements ?? []
            for index in stride(from: 0, to: elements.count, by: 2) { seen.insert(elements[index]) }
        } while cursor != "0"
        #expect(seen.count == 3000)
    }

    @Test func `a set changes its encoding where Redis's does`() throws {
        let long = String(repeating: "x", count: 64)
        var steps: [Step] = (0..<128).map { Step("ZADD z \($0 % 7) m\($0)") }
        steps += [
            "OBJECT ENCODING z", "ZADD z 5 one-more", "OBJECT ENCODING z", "ZREM z one-more m1 m2", "OBJECT ENCODING z",
            "COPY z copy", "OBJECT ENCODING copy", "ZRANGE z 0 -1 WITHSCORES", "ZADD l 1 \(long)", "OBJECT ENCODING l",
            "ZADD l 1 \(long)x", "OBJECT ENCODING l", "ZADD m 1 \(long)x", "OBJECT ENCODING m",
            "ZRANGESTORE r z 0 10", "OBJECT ENCODING r", "ZUNIONSTORE u 1 z", "OBJECT ENCODING u", "ZUNIONSTORE u 1 m",
            "OBJECT ENCODING u", "ZUNIONSTORE u 2 z copy", "OBJECT ENCODING u",
        ]
        try compare(steps, versions: [2])
    }

    @Test func `changes of a sorted set are seen by who watches it`() throws {
        let changes = [
            "ZADD z 9 new", "ZADD z 1 a", "ZADD z 2 a", "ZADD z XX 1 none", "ZINCRBY z 0 a", "ZINCRBY z 1 a",
            "ZREM z a",
            "ZREM z none", "ZPOPMIN z", "ZPOPMIN z 0", "ZREMRANGEBYRANK z 0 0", "ZREMRANGEBYRANK z 9 9",
            "ZREMRANGEBYSCORE z 0 9", "ZREMRANGEBYLEX z - +", "ZRANGESTORE z other 0 -1", "ZRANGESTORE z none 0 -1",
            "ZUNIONSTORE z 1 other", "ZUNIONSTORE z 1 none", "ZMPOP 1 z MIN", "ZRANGE z 0 -1", "ZUNION 2 z other",
        ]
        var steps: [Step] = []
        for change in changes {
            steps += [
                "DEL z other", "ZADD z 1 a 2 b", "ZADD other 1 x", "WATCH z", "B: \(change)", "MULTI",
                "ZCARD z", "EXEC",
            ]
        }
        steps += ["DEL z", "WATCH z", "B: ZUNIONSTORE z 1 none", "MULTI", "PING", "EXEC"]
        try compare(steps, versions: [2])
    }

    @Test(arguments: [
        "lpush", "rpush", "lpushx", "rpushx", "lpop", "rpop", "llen", "lrange", "lindex", "lset", "linsert", "lrem",
        "ltrim", "lpos", "lmove", "rpoplpush", "lmpop", "zadd", "zincrby", "zrem", "zcard", "zscore", "zmscore",
        "zrank",
        "zrevrank", "zcount", "zlexcount", "zrange", "zrangestore", "zrevrange", "zrangebyscore", "zrevrangebyscore",
        "zrangebylex", "zrevrangebylex", "zremrangebyrank", "zremrangebyscore", "zremrangebylex", "zpopmin", "zpopmax",
        "zmpop", "zrandmember", "zunion", "zunionstore", "zinter", "zinterstore", "zintercard", "zdiff", "zdiffstore",
        "zscan",
    ])
    func `COMMAND INFO tells arity, flags and keys as Redis does`(_ command: String) throws {
        let dialogue = try Dialogue(version: 3)
        let (ours, theirs) = try dialogue.connection("A")
        let mine = try ours.call("COMMAND", "INFO", command).elements?.first?.elements ?? []
        let wanted = try theirs.call("COMMAND", "INFO", command).elements?.first?.elements ?? []
        #expect(wanted.count > 6)
        for index in 0..<6 where index != 2 { #expect(mine[index] == wanted[index]) }
        #expect(Set(mine[2].elements ?? []) == Set(wanted[2].elements ?? []))
    }

    @Test func `COMMAND GETKEYS finds keys behind their number`() throws {
        try compare([
            "COMMAND GETKEYS zunion 2 a b", "COMMAND GETKEYS zunion 2 a b WITHSCORES", "COMMAND GETKEYS zunion 3 a b",
            "COMMAND GETKEYS zunion 0 a b", "COMMAND GETKEYS zunion -1 a b", "COMMAND GETKEYS zunion x a b",
            "COMMAND GETKEYS zunionstore d 2 a b", "COMMAND GETKEYS zunionstore d 3 a b",
            "COMMAND GETKEYS zinterstore d 1 a WEIGHTS 2", "COMMAND GETKEYS zdiffstore d 2 a b",
            "COMMAND GETKEYS zintercard 2 a b LIMIT 1", "COMMAND GETKEYS zmpop 2 a b MIN",
            "COMMAND GETKEYS lmpop 1 a LEFT",
            "COMMAND GETKEYS lmpop 0 a LEFT", "COMMAND GETKEYS lmpop 2 a LEFT", "COMMAND GETKEYS zmpop 9 a MIN",
            "COMMAND GETKEYS lmove a b LEFT LEFT", "COMMAND GETKEYS zrangestore a b 0 1",
            "COMMAND GETKEYS zrange a 0 1",
            "COMMAND GETKEYS zunion 2", "COMMAND GETKEYS ping x", "COMMAND GETKEYS nothing x",
            "COMMAND GETKEYS get a b",
            "COMMAND GETKEYS ping", "COMMAND GETKEYS object encoding a", "COMMAND GETKEYS lpush l a b",
        ])
    }
}
