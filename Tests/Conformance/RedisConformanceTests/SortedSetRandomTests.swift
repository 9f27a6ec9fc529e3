import TestKit
import Testing

@Suite(.comparedWithRedis)
struct SortedSetRandomTests {
    @Test func `random commands on a few small sorted sets`() throws {
        try compareRandomly { random in
            SortedSetSteps(members: 14, keys: ["z", "y", "x", "w"]).next(&random)
        }
    }

    @Test func `random commands on large sorted sets`() throws {
        var commands = 0
        try compareRandomly { random in
            commands += 1
            let steps = SortedSetSteps(members: 900, keys: ["z", "y"])
            // Many members first, and again now and then, so that sets stay large.
            guard commands % 300 < 6 else { return steps.next(&random) }
            let pairs = (0..<150).map { _ in steps.pair(&random) }.joined(separator: " ")
            return Step("ZADD \(random.pick(steps.keys)) \(pairs)")
        }
    }

    @Test func `random ranges of members that all have one score`() throws {
        try compareRandomly { random in
            let letters = ["a", "b", "aa", "ab", "ba", "\"\"", "\"a\\x00\"", "c", "\"\\xff\""]
            let key = random.pick(["z", "y"])
            let other = random.pick(["z", "y", "x"])
            let low = random.pick(["-", "+", "[", "(", "["])
            let high = random.pick(["+", "-", "(", "["])
            let from = low == "[" || low == "(" ? low + random.pick(["a", "b", "aa", "ab", "c", ""]) : low
            let to = high == "[" || high == "(" ? high + random.pick(["a", "b", "ba", "ab", "c", ""]) : high
            let limit = random.maybe("LIMIT \(random.below(6) - 1) \(random.below(6) - 1)")
            switch random.below(10) {
            case 0...3: return Step("ZADD \(key) 0 \(random.pick(letters)) 0 \(random.pick(letters))")
            case 4: return Step("ZLEXCOUNT \(key) \(from) \(to)")
            case 5: return Step("ZRANGEBYLEX \(key) \(from) \(to)\(limit)")
            case 6: return Step("ZREVRANGEBYLEX \(key) \(to) \(from)\(limit)")
            case 7: return Step("ZRANGESTORE \(other) \(key) \(from) \(to) BYLEX\(limit)")
            case 8: return Step("ZREMRANGEBYLEX \(key) \(from) \(to)")
            default: return Step("ZRANGE \(key) \(to) \(from) BYLEX REV\(limit)")
            }
        }
    }
}

/// Random steps on sorted sets whose members are drawn from so many.
private struct SortedSetSteps {
    let members: Int
    let keys: [String]

    func member(_ random: inout SeededRandom) -> String { "m\(random.below(members))" }

    func score(_ random: inout SeededRandom) -> String {
        switch random.below(12) {
        case 0: return random.pick(["inf", "-inf", "0", "-0", "1e17", "1e-7", "123456789012345678"])
        case 1, 2: return "\(Double.random(in: -50...50, using: &random))"
        case 3: return "\(Int.random(in: -1_000_000...1_000_000, using: &random))"
        case 4: return "\(Double(random.below(100)) / 10)"
        default: return "\(Int.random(in: -10...10, using: &random))"
        }
    }

    func pair(_ random: inout SeededRandom) -> String { "\(score(&random)) \(member(&random))" }

    private func bound(_ random: inout SeededRandom) -> String {
        random.pick(["", "", "("]) + random.pick(["-inf", "inf", score(&random), score(&random), score(&random)])
    }

    private func rank(_ random: inout SeededRandom) -> Int {
        Int.random(in: -members / 2...members / 2, using: &random)
    }

    private func limit(_ random: inout SeededRandom) -> String {
        random.maybe("LIMIT \(Int.random(in: -1...6, using: &random)) \(Int.random(in: -1...9, using: &random))")
    }

    func next(_ random: inout SeededRandom) -> Step {
        let key = random.pick(keys)
        let other = random.pick(keys)
        let bounds = "\(bound(&random)) \(bound(&random))"
        let direction = random.maybe("REV")
        let withScores = random.maybe("WITHSCORES")
        let count = random.maybe("COUNT \(random.below(5))")
        switch random.below(36) {
        case 0...5: return Step("ZADD \(key) \(options(&random)) \(pair(&random))\(random.maybe(pair(&random)))")
        case 6, 7: return Step("ZINCRBY \(key) \(score(&random)) \(member(&random))")
        case 8, 9: return Step("ZREM \(key) \(member(&random)) \(member(&random))")
        case 10: return Step("ZCARD \(key)")
        case 11: return Step("ZMSCORE \(key) \(member(&random)) \(member(&random))")
        case 12: return Step("ZRANK \(key) \(member(&random))")
        case 13: return Step("ZREVRANK \(key) \(member(&random))")
        case 14: return Step("ZSCORE \(key) \(member(&random))")
        case 15: return Step("ZCOUNT \(key) \(bounds)")
        case 16: return Step("ZRANGE \(key) \(rank(&random)) \(rank(&random))\(direction)\(withScores)")
        case 17: return Step("ZRANGEBYSCORE \(key) \(bounds)\(limit(&random))\(withScores)")
        case 18: return Step("ZREVRANGEBYSCORE \(key) \(bounds)\(limit(&random))")
        case 19: return Step("ZRANGE \(key) \(bounds) BYSCORE\(direction)\(limit(&random))")
        case 20: return Step("ZRANGESTORE \(other) \(key) \(bounds) BYSCORE\(direction)\(limit(&random))")
        case 21 where random.oneIn(2): return Step("ZREMRANGEBYRANK \(key) \(rank(&random)) \(rank(&random))")
        case 22 where random.oneIn(2): return Step("ZREMRANGEBYSCORE \(key) \(bounds)")
        case 23: return Step("ZPOPMIN \(key)\(random.maybe("\(random.below(5))"))")
        case 24: return Step("ZPOPMAX \(key)\(random.maybe("\(random.below(5))"))")
        case 25: return Step("ZMPOP 2 \(key) \(other) \(random.pick(["MIN", "MAX"]))\(count)")
        case 26...28: return algebra(&random, stores: false)
        case 29: return algebra(&random, stores: true)
        case 30: return Step("ZINTERCARD 2 \(key) \(other)\(random.maybe("LIMIT \(random.below(6))"))")
        case 31 where random.oneIn(4): return Step("DEL \(key)")
        case 32 where random.oneIn(4): return Step("SADD s \(member(&random)) \(member(&random)) \(random.below(50))")
        case 33: return Step("OBJECT ENCODING \(key)")
        case 34: return .sorted("ZSCAN \(key) 0 COUNT 100000\(random.maybe("MATCH m*1*"))")
        default: return Step("ZRANGE \(key) 0 -1 WITHSCORES")
        }
    }

    private func options(_ random: inout SeededRandom) -> String {
        let options = ["NX", "XX", "GT", "LT", "CH", "INCR", "XX GT CH", "LT CH", "NX INCR", "GT INCR"]
        return random.oneIn(2) ? "" : random.pick(options)
    }

    private func algebra(_ random: inout SeededRandom, stores: Bool) -> Step {
        let operation = random.pick(["ZUNION", "ZINTER", "ZDIFF"])
        let count = random.below(3) + 1
        let inputs = (0..<count).map { _ in random.pick(keys + ["s", "none"]) }.joined(separator: " ")
        let command = stores ? "\(operation)STORE \(random.pick(keys))" : operation
        var line = "\(command) \(count) \(inputs)"
        if operation != "ZDIFF" {
            let choice = ["1", "-1", "2", "0.5", "0", "inf"]
            let weights = (0..<count).map { _ in random.pick(choice) }.joined(separator: " ")
            line += random.maybe("WEIGHTS \(weights)") + random.maybe("AGGREGATE \(random.pick(["SUM", "MIN", "MAX"]))")
        }
        return Step(stores ? line : line + random.maybe("WITHSCORES"))
    }
}
