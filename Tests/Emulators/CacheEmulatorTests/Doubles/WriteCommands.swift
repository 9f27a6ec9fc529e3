import RDBWire
import TestKit

@testable import CacheEmulator

/// Random calls of every command that writes, on few keys of every type, many of them with an expiry.
struct WriteCommands {
    private var random: SeededRandom
    /// How far ahead a key's end is, in milliseconds.
    private let life: ClosedRange<Int>
    private let names: [String]

    /// What the table has.
    static let table = CommandTable.shared.commands.filter { command in
        // Functions belong to no key: `ScriptTests`.
        !command.flags.contains(.refused) && command.name.description != "function"
            && (command.flags.contains(.write) || command.subcommands.contains { $0.flags.contains(.write) })
    }.map(\.name.description)

    init(seed: UInt64, life: ClosedRange<Int>) {
        random = SeededRandom(seed: seed)
        self.life = life
        // What empties a database is rare, or there would never be much in one.
        names =
            Self.table.flatMap { name in
                name.hasPrefix("flush") ? [name] : Array(repeating: name, count: 100)
            } + Array(repeating: "expire", count: 400)
    }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    mutating func next() -> [[UInt8]] {
        let name = random.pick(names)
        if random.oneIn(40) { return ["SELECT", "\(random.below(3))"].map { Array($0.utf8) } }
        return arguments(of: name) ?? []
    }

    /// Nil for a command that is not known here.
    mutating func arguments(of name: String) -> [[UInt8]]? {
        if name == "restore" || name == "restore-asking" { return [Array(name.utf8)] + restore().dropFirst() }
        return words(of: name).map { ([name] + $0).map { Array($0.utf8) } }
    }

    /// The first letters of keys, by their types.
    static let types = ["s", "l", "t", "z", "h", "x"]

    // MARK: parts

    private mutating func key(_ type: String) -> String {
        let type = random.oneIn(12) ? random.pick(Self.types) : type
        return "\(type)\(random.below(5))"
    }

    private mutating func anyKey() -> String { key(random.pick(Self.types)) }
    private mutating func word() -> String {
        random.oneIn(15) ? String(repeating: "x", count: random.below(200) + 60) : "w\(random.below(30))"
    }
    private mutating func element() -> String { random.oneIn(2) ? "\(random.below(40))" : word() }
    private mutating func elements() -> [String] { (0...random.below(6)).map { _ in element() } }
    private mutating func number(_ bound: Int) -> String { "\(random.below(2 * bound) - bound)" }
    private mutating func float() -> String { random.pick(["1.5", "-0.25", "3", "1e3", "0.1"]) }
    private mutating func milliseconds() -> Int { Int.random(in: life, using: &random) }
    private mutating func optional(_ words: [String]) -> [String] { random.oneIn(2) ? words : [] }
    private mutating func lifetime() -> [String] {
        random.oneIn(2) ? ["PX", "\(milliseconds())"] : ["EX", "\(milliseconds() / 1000 + 1)"]
    }

    // Keys of their own, or little would be found: what is in other strings and sorted sets is none of these.
    private mutating func sketch() -> String { random.oneIn(12) ? anyKey() : "p\(random.below(5))" }
    private mutating func places() -> String { random.oneIn(12) ? anyKey() : "g\(random.below(5))" }
    private mutating func longitude() -> String { float() }

    private mutating func keys(_ type: String) -> [String] { (0...random.below(3)).map { _ in key(type) } }
    private mutating func pairs(_ first: (inout WriteCommands) -> String) -> [String] {
        (0...random.below(4)).flatMap { _ in [first(&self), element()] }
    }

    private mutating func restore() -> [[UInt8]] {
        let values: [RDBValue] = [
            .string(Array("restored".utf8)), .list([[1], [2, 3]]), .set([Array("a".utf8), Array("b".utf8)]),
            .hash([RDBField(name: [1], value: [2])]), .sortedSet([RDBMember(member: [1], score: 1.5)]),
            .stream(
                RDBStream(
                    entries: [RDBStream.Entry(id: RDBStream.ID(3, 1), fields: [RDBField(name: [1], value: [2])])],
                    lastID: RDBStream.ID(4, 0), entriesAdded: 5)),
        ]
        var encoder = RDBEncoder()
        let payload = DumpPayload.seal((try? encoder.encode(random.pick(values))) ?? [])
        let time = random.pick(["0", "\(milliseconds())", "1 ABSTTL"]).split(separator: " ").map { Array($0.utf8) }
        let options = time.dropFirst() + (random.oneIn(4) ? [] : [Array("REPLACE".utf8)])
        return [Array("RESTORE".utf8), Array(anyKey().utf8), time[0], payload] + options
    }

    // MARK: commands

    private mutating func words(of name: String) -> [String]? {
        switch name {
        case "flushdb", "flushall": []
        case "swapdb": ["\(random.below(3))", "\(random.below(3))"]
        case "del", "unlink": keys("s") + [anyKey()]
        case "rename", "renamenx": [anyKey(), anyKey()]
        case "copy": [anyKey(), anyKey()] + optional(["DB", "\(random.below(3))"]) + optional(["REPLACE"])
        case "move": [anyKey(), "\(random.below(3))"]
        case "pexpire": [anyKey(), "\(milliseconds())"] + optional([random.pick(["NX", "XX", "GT", "LT"])])
        case "expire": [anyKey(), "\(random.oneIn(20) ? -1 : milliseconds() / 1000 + 1)"]
        case "expireat": [anyKey(), random.pick(["1", "4102444800"])]
        case "pexpireat": [anyKey(), random.pick(["1", "4102444800123"])]
        case "persist", "getdel": [name == "getdel" ? key("s") : anyKey()]
        case "lpush", "rpush", "lpushx", "rpushx", "lpop", "rpop", "lmpop", "lmove", "rpoplpush", "lset", "linsert",
            "lrem", "ltrim", "blpop", "brpop", "blmove", "brpoplpush", "blmpop":
            list(name)
        case "sadd", "srem", "smove", "spop", "sinterstore", "sunionstore", "sdiffstore": set(name)
        case "zadd", "zincrby", "zrem", "zpopmin", "zpopmax", "zmpop", "zrangestore", "zremrangebyrank",
            "zremrangebyscore", "zremrangebylex", "zunionstore", "zinterstore", "zdiffstore", "bzpopmin", "bzpopmax",
            "bzmpop":
            sortedSet(name)
        case let stream where stream.hasPrefix("x"): self.stream(name)
        case "hset", "hmset": [key("h")] + pairs { $0.word() }
        case "hsetnx": [key("h"), word(), element()]
        case "hdel": [key("h")] + elements()
        case "hincrby": [key("h"), "n\(random.below(3))", number(50)]
        case "hincrbyfloat": [key("h"), "n\(random.below(3))", float()]
        case "sort": [key(random.pick(["l", "t", "z"])), "ALPHA"] + optional(["BY", "s*"]) + ["STORE", key("l")]
        case "pfadd": [sketch()] + elements()
        case "pfmerge": [sketch(), sketch(), sketch()]
        case "geoadd": [places()] + (0...random.below(3)).flatMap { _ in [longitude(), longitude(), element()] }
        case "geosearchstore":
            [places(), places(), "FROMLONLAT", longitude(), longitude(), "BYRADIUS", "900", "km"]
                + optional(["STOREDIST"])
        case "georadius": [places(), longitude(), longitude(), "900", "km", "STORE", places()]
        case "georadiusbymember": [places(), element(), "900", "km", "STOREDIST", places()]
        default: string(name)
        }
    }

    /// Small ones, and those that are drawn where the time stands still.
    private mutating func id() -> String {
        random.oneIn(3) ? "\(random.below(60))-\(random.below(3))" : "1700000000000-\(random.below(20))"
    }
    private mutating func group() -> String { random.pick(["g", "g", "h"]) }
    private mutating func consumer() -> String { random.pick(["a", "b", "c"]) }
    private mutating func trimming() -> [String] {
        [random.pick(["MAXLEN", "MINID"]), random.pick(["=", "~", "~"]), "\(random.below(40))"]
    }

    private mutating func stream(_ name: String) -> [String]? {
        switch name {
        case "xadd":
            return [key("x")] + optional(random.oneIn(3) ? ["NOMKSTREAM"] : []) + (random.oneIn(5) ? trimming() : [])
                + [random.pick(["*", "*", "5-*", id()])] + pairs { $0.word() }
        case "xdel": return [key("x"), id(), id(), id()]
        case "xtrim": return [key("x")] + trimming()
        case "xsetid":
            return [key("x"), "\(random.below(90) + 1_700_000_000_000)"]
                + optional(["ENTRIESADDED", "\(random.below(90))"])
        case "xgroup": return xgroup()
        case "xreadgroup":
            let count = ["COUNT", "\(random.below(4) + 1)"]
            return ["GROUP", group(), consumer()] + optional(count) + (random.oneIn(5) ? ["NOACK"] : [])
                + (random.oneIn(4) ? ["BLOCK", "0"] : [])
                + ["STREAMS", key("x"), random.pick([">", ">", "0"])]
        case "xack": return [key("x"), group()] + (0..<360).map { "\(1_700_000_000_000 + $0 / 4)-\($0 % 4)" }
        case "xclaim":
            return [key("x"), group(), consumer(), "0", id(), id(), id()] + optional(["FORCE"]) + optional(["JUSTID"])
                + (random.oneIn(4) ? ["LASTID", id()] : []) + optional(["IDLE", "\(random.below(9000))"])
        case "xautoclaim": return [key("x"), group(), consumer(), "0", "0"] + optional(["COUNT", "2"])
        default: return nil
        }
    }

    private mutating func xgroup() -> [String] {
        switch random.below(12) {
        case 0...5:
            return ["CREATE", key("x"), group(), random.pick(["0", "$", id()])] + optional(["MKSTREAM"])
                + (random.oneIn(5) ? ["ENTRIESREAD", "4"] : [])
        case 6, 7: return ["SETID", key("x"), group(), random.pick(["0", "$", id()])]
        case 8: return ["DESTROY", key("x"), group()]
        case 9, 10: return ["CREATECONSUMER", key("x"), group(), consumer()]
        default: return ["DELCONSUMER", key("x"), group(), consumer()]
        }
    }

    private mutating func string(_ name: String) -> [String]? {
        switch name {
        case "set":
            [key("s"), element()] + optional([random.pick(["NX", "XX"])]) + optional(["GET"])
                + (random.oneIn(3) ? ["KEEPTTL"] : optional(lifetime()))
        case "setnx", "getset", "append": [key("s"), element()]
        case "setex": [key("s"), "\(milliseconds() / 1000 + 1)", element()]
        case "psetex": [key("s"), "\(milliseconds())", element()]
        case "getex": [key("s")] + random.pick([[], ["PERSIST"], lifetime(), ["PXAT", "1"]])
        case "mset", "msetnx": pairs { $0.key("s") }
        case "incr", "decr": [key("s")]
        case "incrby", "decrby": [key("s"), number(1000)]
        case "incrbyfloat": [key("s"), float()]
        case "setrange": [key("s"), "\(random.below(30))", element()]
        case "setbit": [key("s"), "\(random.below(200))", "\(random.below(2))"]
        case "bitop": [random.pick(["AND", "OR", "XOR"]), key("s")] + keys("s")
        case "bitfield":
            [
                key("s"), "OVERFLOW", random.pick(["WRAP", "SAT", "FAIL"]), "INCRBY", "u5", "\(random.below(90))",
                number(40),
            ]
        default: nil
        }
    }

    private mutating func list(_ name: String) -> [String]? {
        let ends = ["LEFT", "RIGHT"]
        return switch name {
        case "lpush", "rpush", "lpushx", "rpushx": [key("l")] + elements()
        case "lpop", "rpop": [key("l")] + optional(["\(random.below(4))"])
        case "lmpop": ["2", key("l"), key("l"), random.pick(ends), "COUNT", "\(random.below(3) + 1)"]
        case "lmove": [key("l"), key("l"), random.pick(ends), random.pick(ends)]
        case "rpoplpush": [key("l"), key("l")]
        case "blpop", "brpop": keys("l") + ["0"]
        case "blmove": [key("l"), key("l"), random.pick(ends), random.pick(ends), "0"]
        case "brpoplpush": [key("l"), key("l"), "0"]
        case "blmpop": ["0", "2", key("l"), key("l"), random.pick(ends), "COUNT", "\(random.below(3) + 1)"]
        case "lset": [key("l"), number(4), element()]
        case "linsert": [key("l"), random.pick(["BEFORE", "AFTER"]), element(), element()]
        case "lrem": [key("l"), number(3), element()]
        case "ltrim": [key("l"), "\(random.below(3))", "\(-1 - random.below(3))"]
        default: nil
        }
    }

    private mutating func set(_ name: String) -> [String]? {
        switch name {
        case "sadd", "srem": [key("t")] + elements()
        case "smove": [key("t"), key("t"), element()]
        case "spop": [key("t")] + optional(["\(random.below(5))"])
        default: [key("t")] + keys("t")
        }
    }

    private mutating func sortedSet(_ name: String) -> [String]? {
        switch name {
        case "zadd":
            [key("z")] + optional([random.pick(["NX", "XX", "GT", "LT"])]) + pairs { $0.number(20) }
        case "zincrby": [key("z"), float(), element()]
        case "zrem": [key("z")] + elements()
        case "zpopmin", "zpopmax": [key("z")] + optional(["\(random.below(4))"])
        case "bzpopmin", "bzpopmax": keys("z") + ["0"]
        case "bzmpop": ["0", "2", key("z"), key("z"), random.pick(["MIN", "MAX"]), "COUNT", "\(random.below(3) + 1)"]
        case "zmpop": ["2", key("z"), key("z"), random.pick(["MIN", "MAX"]), "COUNT", "\(random.below(3) + 1)"]
        case "zrangestore":
            [key("z"), key("z")]
                + random.pick([["0", "\(random.below(9))"], ["-5", "5", "BYSCORE"], ["[w1", "[w2", "BYLEX"]])
        case "zremrangebyrank": [key("z"), "\(random.below(3))", "\(random.below(4))"]
        case "zremrangebyscore": [key("z"), number(20), number(20)]
        case "zremrangebylex": [key("z"), "[w1", "[w2"]
        default: [key("z"), "2", key("z"), key(random.pick(["z", "t"]))] + optional(["AGGREGATE", "MAX"])
        }
    }
}
