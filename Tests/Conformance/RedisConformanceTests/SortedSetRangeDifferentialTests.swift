import Testing

@Suite(.comparedWithRedis)
struct SortedSetRangeDifferentialTests {
    private static let small: [Step] = ["ZADD z -inf a -2.5 b 0 c 0 d 1 e 1 f 3 g inf h"]

    /// More members than the packed form takes, many with equal scores.
    private static let large: [Step] = stride(from: 0, to: 2000, by: 100).map { start in
        Step("ZADD z " + (start..<start + 100).map { "\(($0 * 7919) % 250) m\($0)" }.joined(separator: " "))
    }

    @Test func `ranks count from both ends`() throws {
        let bounds = [-9_223_372_036_854_775_807, -9, -8, -7, -1, 0, 1, 6, 7, 8, 9_223_372_036_854_775_807]
        var steps = Self.small
        for first in bounds {
            for last in bounds {
                steps += [
                    "ZRANGE z \(first) \(last)", "ZREVRANGE z \(first) \(last)",
                    "ZRANGE z \(first) \(last) REV WITHSCORES",
                ]
            }
        }
        try compare(steps)
    }

    @Test func `score ranges take exclusive and infinite bounds`() throws {
        let bounds = [
            "-inf", "(-inf", "-3", "-2.5", "(-2.5", "0", "(0", "0.5", "1", "(1", "3", "(3", "+inf", "(inf",
            "inf",
        ]
        var steps = Self.small
        for low in bounds {
            for high in bounds {
                steps += [
                    "ZCOUNT z \(low) \(high)", "ZRANGEBYSCORE z \(low) \(high) WITHSCORES",
                    "ZREVRANGEBYSCORE z \(high) \(low)",
                    "ZRANGE z \(low) \(high) BYSCORE", "ZRANGE z \(high) \(low) BYSCORE REV WITHSCORES",
                ]
            }
        }
        try compare(steps)
    }

    @Test func `bounds of scores are read as strtod reads them`() throws {
        var steps = Self.small
        for bound in [
            "\"\"", "\" 1\"", "\"1 \"", "(", "x", "(x", "nan", "(nan", "1e999", "-1e999", "0x1", "+1",
            "((1", "\"1\\x00x\"", "[1", "1,0",
        ] {
            steps += [
                "ZCOUNT z \(bound) 5", "ZCOUNT z 0 \(bound)", "ZRANGEBYSCORE z \(bound) 5",
                "ZREMRANGEBYSCORE none \(bound) 5",
                "ZRANGE z \(bound) 5 BYSCORE", "ZRANGE z 0 \(bound) REV BYSCORE",
            ]
        }
        try compare(steps)
    }

    @Test func `member ranges take bounds in four forms`() throws {
        let bounds = [
            "-", "+", "[a", "(a", "[b", "(b", "[bb", "(", "[", "[zz", "(z", "[\"\"", "\"[\\x00\"",
            "\"(\\xff\"",
        ]
        var steps: [Step] = ["ZADD z 0 a 0 aa 0 b 0 bb 0 c 0 z 0 \"\" 0 \"\\xff\" 0 \"b\\x00\""]
        for low in bounds {
            for high in bounds {
                steps += [
                    "ZLEXCOUNT z \(low) \(high)", "ZRANGEBYLEX z \(low) \(high)", "ZREVRANGEBYLEX z \(high) \(low)",
                    "ZRANGE z \(low) \(high) BYLEX", "ZRANGE z \(high) \(low) BYLEX REV LIMIT 1 2",
                ]
            }
        }
        for bound in ["a", "\"\"", "-a", "+a", "\"-\\x00\"", "\"+\\x00a\"", "-inf", "1"] {
            steps += [
                "ZLEXCOUNT z \(bound) +", "ZLEXCOUNT z - \(bound)", "ZRANGEBYLEX none \(bound) +",
                "ZREMRANGEBYLEX z \(bound) \(bound)",
            ]
        }
        try compare(steps)
    }

    @Test func `LIMIT skips and stops`() throws {
        var steps = Self.small
        for offset in ["0", "1", "3", "7", "8", "100", "-1", "9223372036854775807"] {
            for count in ["0", "1", "3", "100", "-1", "-5", "9223372036854775807"] {
                steps += [
                    "ZRANGEBYSCORE z -inf +inf LIMIT \(offset) \(count)",
                    "ZREVRANGEBYSCORE z 2 -5 WITHSCORES LIMIT \(offset) \(count)",
                    "ZRANGE z -5 2 BYSCORE LIMIT \(offset) \(count)",
                    "ZRANGESTORE d z 2 -5 BYSCORE REV LIMIT \(offset) \(count)",
                    "ZRANGE d 0 -1 WITHSCORES",
                ]
            }
        }
        try compare(steps)
    }

    @Test func `options that do not go together are refused`() throws {
        var steps = Self.small
        for command in [
            "ZRANGE z 0 1", "ZREVRANGE z 0 1", "ZRANGEBYSCORE z 0 1", "ZREVRANGEBYSCORE z 0 1",
            "ZRANGEBYLEX z - +", "ZREVRANGEBYLEX z + -", "ZRANGESTORE d z 0 1", "ZRANGE none 0 1", "ZRANGE z x y",
            "ZRANGE z - +",
        ] {
            for options in [
                "", "WITHSCORES", "withscores WITHSCORES", "REV", "rev REV", "BYSCORE", "BYLEX",
                "BYSCORE BYLEX", "BYSCORE BYSCORE", "BYLEX REV", "BYLEX WITHSCORES", "BYSCORE WITHSCORES", "LIMIT 0 1",
                "LIMIT 0 -1", "LIMIT 0", "LIMIT", "LIMIT x 1", "LIMIT 0 x", "BYSCORE LIMIT 0 1", "LIMIT 0 1 BYLEX",
                "LIMIT 0 2 LIMIT 1 1 BYSCORE", "FOO", "REV FOO", "BYSCORE REV WITHSCORES LIMIT 0 5",
            ] {
                steps.append(Step("\(command) \(options)"))
            }
        }
        try compare(steps + ["EXISTS d"])
    }

    @Test func `ranges of a large set with equal scores`() throws {
        var steps = Self.large
        for (low, high) in [
            ("0", "249"), ("10", "20"), ("(10", "(11"), ("100", "100"), ("(249", "inf"),
            (
                "-inf",
                "(1"
            ), ("50.5", "52"),
        ] {
            steps += [
                "ZCOUNT z \(low) \(high)", "ZRANGEBYSCORE z \(low) \(high) WITHSCORES",
                "ZREVRANGEBYSCORE z \(high) \(low)",
                "ZRANGE z \(low) \(high) BYSCORE LIMIT 5 20", "ZRANGE z \(high) \(low) BYSCORE REV LIMIT 3 30",
            ]
        }
        for (first, last) in [(0, 9), (-10, -1), (61, 62), (123, 126), (500, 1500), (1999, 2001), (0, -1)] {
            steps += ["ZRANGE z \(first) \(last) WITHSCORES", "ZREVRANGE z \(first) \(last)"]
        }
        for member in stride(from: 0, to: 2000, by: 97) {
            steps += [
                "ZRANK z m\(member)", "ZREVRANK z m\(member)", "ZSCORE z m\(member)",
                "ZINCRBY z 13.5 m\(member)", "ZRANK z m\(member)",
            ]
        }
        steps += [
            "ZREMRANGEBYSCORE z 100 120", "ZREMRANGEBYRANK z 100 300", "ZREMRANGEBYRANK z -20 -10", "ZCARD z",
            "ZRANGE z 0 -1 WITHSCORES", "ZPOPMIN z 100", "ZPOPMAX z 100", "ZRANGE z 0 -1", "ZREMRANGEBYRANK z 0 -2",
            "ZRANGE z 0 -1", "ZREMRANGEBYRANK z 0 -1", "EXISTS z",
        ]
        try compare(steps, versions: [2])
    }

    @Test func `members of a large set with one score are in order of bytes`() throws {
        var steps = stride(from: 0, to: 2000, by: 100).map { start in
            Step(
                "ZADD z "
                    + (start..<start + 100).map { "0 \(String(($0 * 7919) % 100_003, radix: 36))" }.joined(
                        separator: " "))
        }
        for (low, high) in [("-", "+"), ("[a", "[b"), ("(1", "(2"), ("[zz", "+"), ("-", "(0"), ("[5", "[5zz")] {
            steps += [
                "ZLEXCOUNT z \(low) \(high)", "ZRANGEBYLEX z \(low) \(high)",
                "ZREVRANGEBYLEX z \(high) \(low) LIMIT 2 7",
            ]
        }
        steps += ["ZREMRANGEBYLEX z [a [d", "ZCARD z", "ZREMRANGEBYLEX z (2 +", "ZRANGE z 0 -1"]
        try compare(steps, versions: [2])
    }

    @Test func `scores that go down, up and to and fro keep a large set in order`() throws {
        var steps = [Step("ZADD z " + (0..<200).map { "-\($0) low\($0)" }.joined(separator: " "))]
        steps += (0..<600).map { Step("ZADD z \(1000 - $0) down\($0)") }
        steps += (0..<300).map { Step("ZADD z \(2000 + $0) up\($0)") }
        steps += (0..<300).map { Step("ZADD z \(($0 % 2 == 0 ? -1 : 1) * $0) fro\($0)") }
        steps += [
            "ZRANGE z 0 -1 WITHSCORES", "ZRANK z down300", "ZRANK z fro299", "ZREMRANGEBYSCORE z 100 900",
            "ZRANGE z 0 -1",
        ]
        steps += (0..<600).map { Step("ZREM z down\($0)") }
        steps += ["ZRANGE z 0 -1"]
        try compare(steps, versions: [2])
    }

    @Test func `removing a range removes an empty set`() throws {
        try compare(
            Self.small + [
                "ZREMRANGEBYRANK none 0 1", "ZREMRANGEBYRANK none x 1", "ZREMRANGEBYRANK z 1 x",
                "ZREMRANGEBYRANK z 5 2",
                "ZREMRANGEBYRANK z 1 2", "ZRANGE z 0 -1", "ZREMRANGEBYSCORE z (0 (3", "ZRANGE z 0 -1",
                "ZREMRANGEBYSCORE z 1 0",
                "ZREMRANGEBYLEX z [x -", "ZREMRANGEBYRANK z 0 -1", "EXISTS z", "ZADD z 0 a 0 b",
                "ZREMRANGEBYLEX z [a (b",
                "ZREMRANGEBYLEX z - +", "EXISTS z", "ZADD z 0 a", "ZREMRANGEBYSCORE z -inf inf", "EXISTS z",
            ])
    }

    @Test func `ZRANGESTORE replaces its destination`() throws {
        try compare(
            Self.small + [
                "SET d v", "EXPIRE d 1000", "ZRANGESTORE d z 1 3", "TTL d", "ZRANGE d 0 -1 WITHSCORES",
                "ZRANGESTORE d z 9 10",
                "EXISTS d", "ZRANGESTORE d none 0 -1", "SET d v", "ZRANGESTORE d none 0 -1", "EXISTS d",
                "ZRANGESTORE z z 2 4", "ZRANGE z 0 -1 WITHSCORES", "ZRANGESTORE d z 0 1 REV", "ZRANGE d 0 -1",
                "ZRANGESTORE d z 1 0 BYSCORE REV", "ZRANGE d 0 -1", "ZRANGESTORE d z [c [e BYLEX", "ZRANGE d 0 -1",
                "ZRANGESTORE z z 5 9", "EXISTS z",
            ])
    }
}
