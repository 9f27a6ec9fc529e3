import TestKit
import Testing

@Suite(.comparedWithRedis)
struct StreamRandomTests {
    @Test func `random commands on a few short streams with groups`() throws {
        try compareRandomly { random in
            step(&random, keys: ["s", "t", "u"], ids: 40, longest: 12)
        }
    }

    @Test func `random commands on streams of many nodes`() throws {
        var commands = 0
        try compareRandomly { random in
            commands += 1
            // More is added than taken away, so that streams stay long.
            if commands % 400 < 250 {
                let name = random.oneIn(8) ? "other" : "field"
                return Step("XADD \(random.pick(["s", "t"])) \(commands / 3)-* \(name) \(value(&random, longest: 300))")
            }
            return step(&random, keys: ["s", "t"], ids: max(commands / 3, 2), longest: 300)
        }
    }

    private func value(_ random: inout SeededRandom, longest: Int) -> String {
        switch random.below(6) {
        case 0: return String(Int.random(in: -70_000...70_000, using: &random))
        case 1: return random.pick(["\"\"", "0", "-1", "007", "9223372036854775807", "\"a b\"", "\"\\x00\\xff\""])
        case 2: return String(repeating: random.pick(["v", "w"]), count: random.below(longest) + 1)
        default: return random.pick(["a", "b", "c"])
        }
    }

    private func id(_ random: inout SeededRandom, _ ids: Int) -> String {
        let milliseconds = random.below(ids)
        switch random.below(12) {
        case 0...4: return "\(milliseconds)"
        case 5...9: return "\(milliseconds)-\(random.below(3))"
        case 10: return "\(milliseconds)-0"
        default: return random.pick(["0", "0-0", "0-1", "x", "-", "+", "5-", "18446744073709551615"])
        }
    }

    private func end(_ random: inout SeededRandom, _ ids: Int, _ otherwise: String) -> String {
        if random.oneIn(3) { return otherwise }
        return (random.oneIn(4) ? "(" : "") + id(&random, ids)
    }

    private func trimming(_ random: inout SeededRandom, _ ids: Int) -> String {
        let sign = random.pick(["", " =", " ~", " ~"])
        let limit = sign == " ~" ? random.maybe("LIMIT \(random.pick([0, 1, 5, 100, 150]))") : ""
        return random.oneIn(2)
            ? "MAXLEN\(sign) \(random.below(ids))\(limit)" : "MINID\(sign) \(id(&random, ids))\(limit)"
    }

    private func step(_ random: inout SeededRandom, keys: [String], ids: Int, longest: Int) -> Step {
        let key = random.pick(keys)
        let group = random.pick(["g", "g", "h", "i"])
        let consumer = random.pick(["a", "b", "c", "d"])
        let some = id(&random, ids)
        let count = random.maybe("COUNT \(random.below(6))")
        switch random.below(46) {
        case 0...5:
            let fields = (0...random.below(3)).map { _ in
                "\(random.pick(["f", "g", "h"])) \(value(&random, longest: longest))"
            }
            let options = random.oneIn(5) ? " " + trimming(&random, ids) : ""
            let given = random.oneIn(2) ? "\(random.below(ids))-*" : some
            return Step(
                "XADD \(key)\(random.oneIn(9) ? " NOMKSTREAM" : "")\(options) \(given) \(fields.joined(separator: " "))"
            )
        case 6: return Step("XRANGE \(key) \(end(&random, ids, "-")) \(end(&random, ids, "+"))\(count)")
        case 7: return Step("XREVRANGE \(key) \(end(&random, ids, "+")) \(end(&random, ids, "-"))\(count)")
        case 8...10: return Step("XDEL \(key) \(some) \(id(&random, ids)) \(id(&random, ids))")
        case 11 where random.oneIn(3): return Step("XTRIM \(key) \(trimming(&random, ids))")
        case 12 where random.oneIn(3):
            let added = random.maybe("ENTRIESADDED \(random.below(ids * 2))")
            return Step("XSETID \(key) \(some)\(added)\(random.oneIn(4) ? " MAXDELETEDID \(id(&random, ids))" : "")")
        case 13: return Step("XREAD\(count) STREAMS \(key) \(random.pick(keys)) \(some) \(id(&random, ids))")
        case 14...16:
            let read = random.oneIn(6) ? " ENTRIESREAD \(random.below(20) - 1)" : ""
            let start = random.pick(["0", "$", some])
            return Step("XGROUP CREATE \(key) \(group) \(start)\(random.maybe("MKSTREAM"))\(read)")
        case 17:
            return Step("XGROUP SETID \(key) \(group) \(random.pick(["0", "$", some]))\(random.maybe("ENTRIESREAD 3"))")
        case 18 where random.oneIn(3): return Step("XGROUP DESTROY \(key) \(group)")
        case 19: return Step("XGROUP CREATECONSUMER \(key) \(group) \(consumer)")
        case 20: return Step("XGROUP DELCONSUMER \(key) \(group) \(consumer)")
        case 21...25:
            return Step(
                "XREADGROUP GROUP \(group) \(consumer)\(count)\(random.oneIn(6) ? " NOACK" : "") STREAMS \(key) >")
        case 26:
            let other = random.pick(keys)
            return Step(
                "XREADGROUP GROUP \(group) \(consumer)\(count) STREAMS \(key) \(other) > \(random.pick([">", some]))")
        case 27, 28: return Step("XREADGROUP GROUP \(group) \(consumer)\(count) STREAMS \(key) \(some)")
        case 29, 30: return Step("XACK \(key) \(group) \(some) \(id(&random, ids)) \(id(&random, ids))")
        case 31: return Step("XPENDING \(key) \(group)")
        case 32:
            return .timeless(
                "XPENDING \(key) \(group) \(end(&random, ids, "-")) \(end(&random, ids, "+")) \(random.below(9))\(random.maybe(consumer))"
            )
        case 33: return .timeless("XPENDING \(key) \(group) IDLE 500000 - + 9")
        case 34...36:
            let options =
                (random.oneIn(3) ? random.pick([" IDLE 600000", " TIME 7000"]) : "") + random.maybe("FORCE")
                + random.maybe("JUSTID")
                + (random.oneIn(4) ? " RETRYCOUNT \(random.below(5))" : "")
                + (random.oneIn(6) ? " LASTID \(id(&random, ids))" : "")
            return Step(
                "XCLAIM \(key) \(group) \(consumer) \(random.pick([0, 0, 500_000])) \(some) \(id(&random, ids))\(options)"
            )
        case 37, 38:
            return Step(
                "XAUTOCLAIM \(key) \(group) \(consumer) \(random.pick([0, 500_000])) \(end(&random, ids, "-"))\(random.maybe("COUNT 2"))\(random.maybe("JUSTID"))"
            )
        case 39: return Step("XINFO STREAM \(key)")
        case 40: return .timeless("XINFO STREAM \(key) FULL\(random.oneIn(2) ? " COUNT \(random.below(4))" : "")")
        case 41: return Step("XINFO GROUPS \(key)")
        case 42: return .timeless("XINFO CONSUMERS \(key) \(group)")
        case 43: return Step("COPY \(key) \(random.pick(keys)) REPLACE")
        case 44 where random.oneIn(8): return Step("DEL \(key)")
        case 45 where random.oneIn(20): return Step("SET \(key) v")
        default: return .timeless("XINFO STREAM \(key) FULL COUNT 0")
        }
    }
}
