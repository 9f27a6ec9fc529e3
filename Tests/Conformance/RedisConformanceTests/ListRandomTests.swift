import TestKit
import Testing

@Suite(.comparedWithRedis)
struct ListRandomTests {
    @Test func `random commands on a few short lists`() throws {
        try compareRandomly { random in
            step(&random, longest: 12, keys: ["l", "m", "n", "o", "s"])
        }
    }

    @Test func `random commands on lists of many chunks`() throws {
        var commands = 0
        try compareRandomly { random in
            commands += 1
            // Long pushes first, and again now and then, so that lists stay long.
            if commands % 300 < 20 {
                let command = random.pick(["RPUSH l", "LPUSH l", "RPUSH m", "LPUSH m"])
                let elements = (0..<random.below(400)).map { _ in element(&random, longest: 200) }
                return Step("\(command) x \(elements.joined(separator: " "))")
            }
            return step(&random, longest: 6000, keys: ["l", "m"])
        }
    }

    private func element(_ random: inout SeededRandom, longest: Int) -> String {
        switch random.below(10) {
        case 0: return String(Int.random(in: -300...300, using: &random))
        case 1: return random.pick(["\"\"", "0", "-1", "007", "9223372036854775807", "\"a b\"", "\"\\x00\\xff\""])
        case 2 where longest > 100 && random.oneIn(4):
            return String(repeating: random.pick(["p", "q"]), count: random.below(longest))
        case 2, 3: return String(repeating: random.pick(["v", "w"]), count: random.below(min(longest, 150)) + 1)
        default: return random.pick(["a", "b", "c", "d", "e"])
        }
    }

    private func index(_ random: inout SeededRandom) -> Int {
        random.oneIn(5) ? Int.random(in: -500...500, using: &random) : Int.random(in: -8...8, using: &random)
    }

    private func step(_ random: inout SeededRandom, longest: Int, keys: [String]) -> Step {
        let key = random.pick(keys)
        let other = random.pick(keys)
        let end = random.pick(["LEFT", "RIGHT", "left", "right"])
        let otherEnd = random.pick(["LEFT", "RIGHT"])
        let value = element(&random, longest: longest)
        let side = random.pick(["L", "R"])
        switch random.below(30) {
        case 0...4:
            let more = (0..<random.below(4)).map { _ in " " + element(&random, longest: longest) }.joined()
            return Step("\(side)PUSH \(key) \(value)\(more)")
        case 5: return Step("\(side)PUSHX \(key) \(value)")
        case 6, 7: return Step("\(side)POP \(key)")
        case 8: return Step("\(side)POP \(key) \(random.below(5))")
        case 9: return Step("LLEN \(key)")
        case 10, 11: return Step("LRANGE \(key) \(index(&random)) \(index(&random))")
        case 12: return Step("LINDEX \(key) \(index(&random))")
        case 13, 14: return Step("LSET \(key) \(index(&random)) \(value)")
        case 15...17:
            return Step("LINSERT \(key) \(random.pick(["BEFORE", "AFTER"])) \(element(&random, longest: 10)) \(value)")
        case 18: return Step("LREM \(key) \(Int.random(in: -3...3, using: &random)) \(value)")
        case 19 where random.oneIn(3): return Step("LTRIM \(key) \(index(&random)) \(index(&random))")
        case 20:
            let rank = random.maybe("RANK \(random.pick([-2, -1, 1, 2, 3]))")
            let count = random.maybe("COUNT \(random.below(4))")
            return Step("LPOS \(key) \(value)\(rank)\(count)\(random.maybe("MAXLEN \(random.below(9))"))")
        case 21...23: return Step("LMOVE \(key) \(other) \(end) \(otherEnd)")
        case 24: return Step("RPOPLPUSH \(key) \(other)")
        case 25: return Step("LMPOP 2 \(key) \(other) \(end)\(random.maybe("COUNT \(random.below(4))"))")
        case 26 where random.oneIn(4): return Step("DEL \(key)")
        case 27 where random.oneIn(8): return Step("SET \(random.pick(keys)) v")
        case 28: return Step("COPY \(key) \(other) REPLACE")
        default: return Step("LRANGE \(key) 0 -1")
        }
    }
}
