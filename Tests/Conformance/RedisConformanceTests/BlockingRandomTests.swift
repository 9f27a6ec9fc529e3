import TestKit
import Testing

@Suite(.comparedWithRedis)
struct BlockingRandomTests {
    @Test func `random histories of clients that wait for each other`() throws {
        for version in [2, 3] {
            let seed = RandomSequence.seed
            var random = SeededRandom(seed: seed &+ UInt64(version))
            let dialogue = try WaitingDialogue(
                version: version,
                driver: version == 2 ? LoopUnderTest.allCases[0] : LoopUnderTest.allCases.last ?? .epoll, isRandom: true
            )
            for number in 0..<RandomSequence.length {
                guard try !dialogue.run(step(&random)) else { continue }
                Issue.record(
                    "RESP\(version), BROKER_RANDOM_SEED=\(seed), step \(number)\n\(dialogue.transcript(last: 60))")
                break
            }
        }
    }

    private let keys = ["k1", "k2", "k3"]

    /// A and Z never wait; B to G do, mostly for ever.
    private func step(_ random: inout SeededRandom) -> WaitingStep {
        let waiter = random.pick(["B", "C", "D", "E", "F", "G"])
        let key = random.pick(keys)
        let other = random.pick(keys)
        let ends = random.pick(["LEFT RIGHT", "LEFT LEFT", "RIGHT LEFT", "RIGHT RIGHT"])
        let some = (0...random.below(3)).map { _ in random.pick(keys) }.joined(separator: " ")
        let count = random.maybe("COUNT \(random.below(3) + 1)")
        switch random.below(40) {
        case 0...2: return "\(waiter): BLPOP \(some) 0"
        case 3: return "\(waiter): BRPOP \(some) 0"
        case 4, 5: return "\(waiter): BLMOVE \(key) \(other) \(ends) 0"
        case 6: return "\(waiter): BRPOPLPUSH \(key) \(other) 0"
        case 7: return "\(waiter): BLMPOP 0 2 \(key) \(other) \(random.pick(["LEFT", "RIGHT"]))\(count)"
        case 8, 9: return "\(waiter): BZPOPMIN \(some) 0"
        case 10: return "\(waiter): BZPOPMAX \(some) 0"
        case 11: return "\(waiter): BZMPOP 0 2 \(key) \(other) \(random.pick(["MIN", "MAX"]))\(count)"
        case 12: return "A: CLIENT UNBLOCK {\(waiter)}\(random.maybe("ERROR"))"
        case 13: return random.oneIn(3) ? .gone(Character(waiter)) : "\(waiter): PING"
        case 14...17: return "A: RPUSH \(key) \(random.below(9)) \(random.below(9))"
        case 18, 19: return "A: LPUSH \(key) \(random.below(9))"
        case 20...22:
            return "A: ZADD \(key) \(random.below(9)) m\(random.below(5)) \(random.below(9)) m\(random.below(5))"
        case 23: return "A: DEL \(key) \(other)"
        case 24: return "A: SET \(key) v"
        case 25: return "A: RENAME \(key) \(other)"
        case 26: return "A: COPY \(key) \(other) REPLACE"
        case 27: return "A: LMOVE \(key) \(other) \(ends)"
        case 28: return "A: ZUNIONSTORE \(key) 1 \(other)"
        case 29: return "A: MOVE \(key) 1"
        case 30: return "A: SELECT \(random.below(2))"
        case 31: return "\(waiter): SELECT \(random.below(2))"
        case 32, 33: return "Z: MULTI"
        case 34: return "Z: \(random.pick(["RPUSH", "LPUSH"])) \(key) \(random.below(9))"
        case 35: return "Z: ZADD \(key) \(random.below(9)) m\(random.below(5))"
        case 36: return "Z: DEL \(key)"
        case 37, 38: return "Z: EXEC"
        default: return random.oneIn(3) ? "A: FLUSHALL" : "A: DBSIZE"
        }
    }
}
