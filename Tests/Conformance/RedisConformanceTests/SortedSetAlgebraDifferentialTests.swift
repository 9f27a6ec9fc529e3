import Testing

@Suite(.comparedWithRedis)
struct SortedSetAlgebraDifferentialTests {
    private static let sets: [Step] = [
        "ZADD a 1 x 2 y 3 z inf i", "ZADD b 10 y 20 z 30 w -inf i", "SADD s y w v 7", "ZADD c 0.1 y -0 n 7 7",
        "SADD i 5 6 7",
    ]

    @Test func `sorted and plain sets are united, intersected and subtracted`() throws {
        var steps = Self.sets
        for keys in [
            "1 a", "2 a b", "2 b a", "3 a b s", "2 s a", "2 s i", "2 a none", "1 none", "2 a a", "4 a b c s",
            "2 c i",
        ] {
            for command in ["ZUNION", "ZINTER", "ZDIFF"] {
                steps += [
                    "\(command) \(keys)", "\(command) \(keys) WITHSCORES", "\(command)STORE d \(keys)",
                    "ZRANGE d 0 -1 WITHSCORES",
                ].map { Step($0) }
            }
            steps.append("ZINTERCARD \(keys)")
            for limit in [0, 1, 2, 100] { steps.append("ZINTERCARD \(keys) LIMIT \(limit)") }
        }
        try compare(steps)
    }

    @Test func `WEIGHTS multiply and AGGREGATE combines`() throws {
        var steps = Self.sets
        for weights in ["1 1", "2 3", "-1 0.5", "0 inf", "inf -inf", "0 0", "-1 -1", "1e300 1e300"] {
            for aggregate in ["", "AGGREGATE SUM", "aggregate min", "AGGREGATE Max"] {
                for keys in ["2 a b", "2 a s", "2 c a", "2 a a"] {
                    steps += [
                        "ZUNION \(keys) WEIGHTS \(weights) \(aggregate) WITHSCORES",
                        "ZINTER \(keys) \(aggregate) WITHSCORES WEIGHTS \(weights)",
                    ]
                }
                steps += ["ZUNIONSTORE d 2 a b \(aggregate) WEIGHTS \(weights)", "ZRANGE d 0 -1 WITHSCORES"]
            }
        }
        try compare(steps)
    }

    @Test func `arguments that make no sense are refused`() throws {
        var steps = Self.sets
        let arguments = [
            "0 a", "-1 a", "x a", "2 a", "3 a b", "9223372036854775807 a b", "1 a FOO", "2 a b WEIGHTS 1",
            "2 a b WEIGHTS 1 x",
            "2 a b WEIGHTS 1 2 3", "1 a WEIGHTS nan", "1 a AGGREGATE", "1 a AGGREGATE AVG", "1 a WITHSCORES WITHSCORES",
            "1 a AGGREGATE SUM AGGREGATE MAX", "1 a LIMIT", "1 a LIMIT 1", "1 a LIMIT -1", "1 a LIMIT x",
            "1 a WITHSCORES FOO",
            "2 a b WEIGHTS 1 2 WEIGHTS 3 4", "2 a b weights 1 2 aggregate max withscores", "1 none WEIGHTS x",
            "1 none FOO",
            "1.0 a", "\"\" a", "1 a LIMIT 1 LIMIT 2",
        ]
        for command in ["ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "ZUNIONSTORE d", "ZINTERSTORE d", "ZDIFFSTORE d"] {
            steps += arguments.map { Step("\(command) \($0)") }
            steps.append("ZRANGE d 0 -1 WITHSCORES")
        }
        try compare(steps)
    }

    @Test func `a stored result replaces its destination`() throws {
        try compare(
            Self.sets + [
                "SET d v", "EXPIRE d 1000", "ZUNIONSTORE d 1 a", "TYPE d", "TTL d", "ZINTERSTORE d 2 a none",
                "EXISTS d",
                "SET d v", "ZDIFFSTORE d 1 none", "EXISTS d", "ZUNIONSTORE a 2 a b", "ZRANGE a 0 -1 WITHSCORES",
                "ZDIFFSTORE a 2 a a", "EXISTS a", "ZINTERSTORE s 1 s", "TYPE s", "ZRANGE s 0 -1 WITHSCORES",
            ])
    }

    @Test func `large sets are combined`() throws {
        var steps: [Step] = []
        for start in stride(from: 0, to: 1000, by: 100) {
            steps.append(Step("ZADD a " + (start..<start + 100).map { "\($0 % 37) m\($0 * 2)" }.joined(separator: " ")))
            steps.append(Step("ZADD b " + (start..<start + 100).map { "\($0 % 41) m\($0 * 3)" }.joined(separator: " ")))
            steps.append(Step("SADD s " + (start..<start + 100).map { "m\($0 * 5)" }.joined(separator: " ")))
        }
        for keys in ["2 a b", "3 a b s", "2 s a"] {
            steps += [
                "ZUNION \(keys) WITHSCORES", "ZINTER \(keys) WITHSCORES", "ZDIFF \(keys) WITHSCORES",
                "ZINTERCARD \(keys)",
                "ZINTERCARD \(keys) LIMIT 10", "ZUNIONSTORE d \(keys)", "ZRANGE d 0 -1 WITHSCORES",
                "ZINTERSTORE d \(keys)",
                "OBJECT ENCODING d", "ZDIFFSTORE d \(keys)", "ZCARD d",
            ]
        }
        try compare(steps, versions: [2])
    }
}
