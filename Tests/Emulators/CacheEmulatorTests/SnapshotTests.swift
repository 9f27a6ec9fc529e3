import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// What a snapshot sees must not change, whatever is written while it lives, and all memory must come back.
struct SnapshotTests {
    private struct Snapshot {
        let name: UInt32
        let table: Table
        let contents: [String: String]
    }

    @Test(arguments: 1...6) func `random writes leave every living snapshot as it was`(seed: UInt64) {
        let engine = EmulatorAtHand()
        let memory = engine.emulator.memory
        let database = engine.emulator.databases[0]
        let before = memory.arena.used
        var commands = RandomWrites(seed: seed)
        var living: [Snapshot] = []
        for round in 0..<30 {
            if round % 3 != 2 {
                living.append(
                    Snapshot(
                        name: memory.beginSnapshot(), table: database.table,
                        contents: contents(of: database.table, database)))
            }
            for _ in 0..<commands.below(120) { engine.run(commands.next()) }
            if living.count > commands.below(5) {
                let snapshot = living.remove(at: commands.below(living.count))
                #expect(contents(of: snapshot.table, database) == snapshot.contents)
                memory.endSnapshot(snapshot.name)
            }
        }
        #expect(database.count > 0)
        engine.run("FLUSHALL")
        for snapshot in living {
            #expect(contents(of: snapshot.table, database) == snapshot.contents)
            memory.endSnapshot(snapshot.name)
        }
        #expect(memory.arena.used == before)
    }

    @Test func `removing what was added gives all memory back`() {
        let engine = EmulatorAtHand()
        let before = engine.emulator.memory.arena.used
        for number in 0..<5000 {
            engine.run("RPUSH list element:\(number)")
            engine.run("ZADD set \(number % 1000) member:\(number)")
        }
        for number in 0..<5000 {
            engine.run(number % 3 == 0 ? "LPOP list" : "RPOP list")
            engine.run("ZREM set member:\((number * 7) % 5000)")
        }
        #expect(engine.run("EXISTS list set") == ":0\r\n")
        #expect(engine.emulator.memory.arena.used == before)
    }

    @Test func `flushing large values gives all memory back`() {
        let engine = EmulatorAtHand()
        let before = engine.emulator.memory.arena.used
        for number in 0..<2000 {
            engine.run("ZADD zset \(number) m\(number)")
            engine.run("SADD set m\(number)")
            engine.run("HSET hash m\(number) v")
            engine.run("XADD stream \(number + 1) f v")
            engine.run("XGROUP CREATE stream g\(number % 50) 0")
            engine.run("XREADGROUP GROUP g\(number % 50) c\(number) COUNT 2 STREAMS stream >")
            engine.run("SET key\(number) v")
        }
        engine.run("DEL zset set hash stream")
        engine.run("FLUSHALL")
        while !engine.emulator.memory.freeDiscarded(1000) {}
        #expect(engine.emulator.memory.arena.used == before)
    }

    @Test func `descending scores above a full leaf do not leave a leaf for each`() {
        let engine = EmulatorAtHand()
        for number in 0..<400 { engine.run("ZADD set -\(number) low:\(number)") }
        let before = engine.emulator.memory.arena.used
        for number in 0..<4000 { engine.run("ZADD set \(10_000 - number) member:\(number)") }
        #expect((engine.emulator.memory.arena.used - before) / 4000 < 120)
    }

    /// Every key with its value as text.
    private func contents(of table: Table, _ database: Database) -> [String: String] {
        var contents: [String: String] = [:]
        table.forEach { entry in
            var text = "\(entry.type) \(entry.hasExpiry ? "\(entry.expiry)" : "")"
            switch entry.type {
            case .string: text += database.withString(entry) { $0.text }
            case .list:
                let list = database.list(entry)
                list.forEach(from: 0, to: list.count) { text += " \($0.text)" }
            case .sortedSet:
                let set = database.sortedSet(entry)
                set.forEach { text += " \($0.text)=\($1)" }
            case .set:
                var members: [String] = []
                SetValue(entry, database.memory).forEach { members.append($0.text) }
                text += " \(members.sorted())"
            case .hash:
                var fields: [String] = []
                HashValue(entry, database.memory).forEach { fields.append("\($0.text)=\($1.text)") }
                text += " \(fields.sorted())"
            case .stream: text += "\(database.value(of: entry))"
            }
            contents[entry.key.text] = text
        }
        return contents
    }
}

/// Random commands that write every type.
private struct RandomWrites {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func pick(_ words: [String]) -> String { words[below(words.count)] }

    private mutating func word() -> String {
        below(12) == 0 ? String(repeating: pick(["x", "y"]), count: below(3000) + 1) : "w\(below(400))"
    }

    private mutating func words() -> String { (0..<below(40) + 1).map { _ in word() }.joined(separator: " ") }

    private var last = 0

    private mutating func xadd() -> String {
        last += below(3)
        let name = below(6) == 0 ? "other" : "field"
        return "XADD \(pick(["x1", "x2"])) \(last)-* \(name) \(word()) n \(below(1000))"
    }

    private mutating func pairs() -> String {
        (0..<below(40) + 1).map { _ in "\(below(90) - 45) \(word())" }.joined(separator: " ")
    }

    mutating func next() -> String {
        let list = pick(["l1", "l2", "l3"])
        let set = pick(["z1", "z2", "z3"])
        switch below(58) {
        case 0...2: return "\(pick(["LPUSH", "RPUSH"])) \(list) \(words())"
        case 3: return "\(pick(["LPOP", "RPOP"])) \(list) \(below(30))"
        case 4: return "LSET \(list) \(below(60) - 30) \(word())"
        case 5: return "LINSERT \(list) \(pick(["BEFORE", "AFTER"])) w\(below(400)) \(word())"
        case 6: return "LREM \(list) \(below(5) - 2) w\(below(400))"
        case 7: return "LTRIM \(list) \(below(6)) \(-1 - below(6))"
        case 8, 9:
            let ends = pick(["LEFT LEFT", "LEFT RIGHT", "RIGHT LEFT", "RIGHT RIGHT"])
            return "LMOVE \(list) \(pick(["l1", "l2", "l3"])) \(ends)"
        case 10: return "LMPOP 2 \(list) l1 LEFT COUNT \(below(9) + 1)"
        case 11...13: return "ZADD \(set) \(pairs())"
        case 14: return "ZINCRBY \(set) \(below(9) - 4) w\(below(400))"
        case 15: return "ZREM \(set) \(words())"
        case 16: return "ZREMRANGEBYRANK \(set) \(below(40)) \(below(60))"
        case 17: return "ZREMRANGEBYSCORE \(set) \(below(90) - 45) \(below(90) - 45)"
        case 18: return "\(pick(["ZPOPMIN", "ZPOPMAX"])) \(set) \(below(20))"
        case 19: return "\(pick(["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"])) \(set) 2 z1 z2"
        case 20: return "ZRANGESTORE \(set) \(pick(["z1", "z2"])) 0 \(below(200))"
        case 21: return "SADD s1 \(words())"
        case 22: return "SREM s1 \(words())"
        case 23: return "SADD s2 \(below(1000)) \(below(1000)) \(below(1000))"
        case 24: return "HSET h1 w\(below(300)) \(word())"
        case 25: return "HDEL h1 w\(below(300)) w\(below(300))"
        case 26: return "SET k\(below(300)) \(word())"
        case 27: return "APPEND k\(below(300)) \(word())"
        case 28: return "INCR n\(below(300))"
        case 29: return "DEL k\(below(300)) k\(below(300)) n\(below(300))"
        case 30: return "EXPIRE k\(below(300)) 1000"
        case 31: return "COPY \(pick([list, set, "s1", "s2", "h1", "h2"])) \(pick([list, set])) REPLACE"
        case 32: return below(6) == 0 ? "DEL \(pick([list, set, "s1", "s2", "h1", "h2"]))" : "PERSIST k\(below(300))"
        case 33: return "SPOP \(pick(["s1", "s2"])) \(below(20))"
        case 34: return "SMOVE s1 s2 w\(below(400))"
        case 35: return "\(pick(["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"])) \(pick(["s1", "s3"])) s1 s2"
        case 36: return "HSET h2 n\(below(20)) \(below(100)) w\(below(300)) \(word())"
        case 37: return "HINCRBY h2 n\(below(20)) 5"
        case 38: return "HINCRBYFLOAT h2 n\(below(20)) 1.5"
        case 39: return "HDEL h2 n\(below(20)) w\(below(300))"
        case 40: return "SETBIT k\(below(300)) \(below(9000)) \(below(2))"
        case 41: return "BITOP \(pick(["AND", "OR", "XOR"])) k\(below(300)) k\(below(300)) k\(below(300))"
        case 42: return "BITFIELD k\(below(300)) INCRBY u17 \(below(900)) 77"
        case 43...48: return xadd()
        case 49: return "XDEL \(pick(["x1", "x2"])) \(below(900)) \(below(900)) \(below(900)) \(below(900))"
        case 50: return "XTRIM \(pick(["x1", "x2"])) MAXLEN \(pick(["~", "="])) \(below(600))"
        case 51: return "XGROUP CREATE \(pick(["x1", "x2"])) \(pick(["g", "h"])) 0 MKSTREAM"
        case 52, 53:
            return
                "XREADGROUP GROUP \(pick(["g", "h"])) c\(below(9)) COUNT \(below(200) + 1) STREAMS \(pick(["x1", "x2"])) >"
        case 54:
            return "XACK \(pick(["x1", "x2"])) \(pick(["g", "h"])) "
                + (0..<60).map { _ in "\(below(900))" }.joined(separator: " ")
        case 55: return "XAUTOCLAIM \(pick(["x1", "x2"])) g c\(below(9)) 0 \(below(900)) COUNT 30"
        case 56:
            let gone = pick([
                "XGROUP DELCONSUMER x1 g c1", "XGROUP DESTROY x1 h", "DEL x3", "COPY x1 x3 REPLACE",
                "XREADGROUP GROUP g c1 COUNT 9 STREAMS x1 0",
            ])
            return below(3) == 0 ? gone : xadd()
        default: return "RENAME \(pick([list, set, "k\(below(300))"])) \(pick([list, set, "k\(below(300))"]))"
        }
    }
}
