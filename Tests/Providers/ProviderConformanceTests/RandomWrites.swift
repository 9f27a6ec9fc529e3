import TestKit

@testable import CacheEmulator

/// Random writes by every command that can change a key: on few keys, so that types clash, values end and come back.
struct RandomWrites {
    var random: SeededRandom
    private var names: [String]

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        names = Self.commands
    }

    /// Every row of the emulator's table that writes.
    static let commands = CommandTable.shared.commands
        .filter { $0.flags.contains(.write) && !$0.flags.contains(.refused) }
        .map { "\($0.name)" }.sorted()

    /// What is made up for a command; nil for one that is not known here, which the test that draws them reports.
    mutating func next() -> [String]? {
        let name = random.pick(names)
        guard let words = words(name) else { return nil }
        return [name] + words.split(separator: " ").map(String.init)
    }

    private mutating func key() -> String { "k\(random.below(12))" }
    private mutating func member() -> String { random.pick(["a", "b", "c", "1", "2", "-7", "longer-than-an-integer"]) }
    private mutating func members() -> String { (0...random.below(4)).map { _ in member() }.joined(separator: " ") }
    private mutating func number() -> String { random.pick(["1", "-3", "100", "0", "7.25"]) }
    private mutating func time() -> String { random.pick(["20", "60", "100000", "-1"]) }

    private mutating func words(_ name: String) -> String? {
        let (key, other) = (key(), key())
        let milliseconds = random.pick(["1", "30", "80", "500000"])
        switch name {
        case "set":
            let end = random.pick(["", " PX \(milliseconds)", " EX 100", " KEEPTTL", " PXAT 4102444800000"])
            return "\(key) \(member())\(end)\(random.pick(["", " NX", " XX", " GET"]))"
        case "setnx", "getset", "append": return "\(key) \(member())"
        case "setex": return "\(key) 100 \(member())"
        case "psetex": return "\(key) \(milliseconds) \(member())"
        case "getdel", "incr", "decr", "persist": return key
        case "getex": return key + random.pick(["", " PERSIST", " PX \(milliseconds)", " EXAT 4102444800"])
        case "mset", "msetnx": return "\(key) \(member()) \(other) \(member())"
        case "incrby", "decrby": return "\(key) \(random.below(50))"
        case "incrbyfloat": return "\(key) \(number())"
        case "setrange": return "\(key) \(random.below(20)) \(member())"
        case "setbit": return "\(key) \(random.below(90)) \(random.below(2))"
        case "bitop": return "\(random.pick(["AND", "OR", "XOR"])) \(key) \(other) \(self.key())"
        case "bitfield": return "\(key) INCRBY u8 \(random.below(20)) 3 SET i5 9 -2"
        case "restore", "restore-asking": return "\(key) 0 x"
        case "hset", "hmset": return "\(key) \(member()) \(member())"
        case "hsetnx": return "\(key) \(member()) \(member())"
        case "hdel": return "\(key) \(members())"
        case "hincrby": return "\(key) \(member()) \(random.below(9))"
        case "hincrbyfloat": return "\(key) \(member()) \(number())"
        case "del", "unlink": return "\(key) \(other)"
        case "rename", "renamenx": return "\(key) \(other)"
        case "copy": return "\(key) \(other)\(random.pick(["", " REPLACE", " DB 1 REPLACE"]))"
        case "move": return "\(key) 1"
        case "expire": return "\(key) \(random.pick(["100", "-1"]))\(random.pick(["", " NX", " GT"]))"
        case "pexpire": return "\(key) \(milliseconds)\(random.pick(["", " XX", " LT"]))"
        case "expireat": return "\(key) 4102444800"
        case "pexpireat": return "\(key) \(random.pick(["4102444800000", "1"]))"
        case "lpush", "rpush", "lpushx", "rpushx": return "\(key) \(members())"
        case "lset": return "\(key) \(random.below(3)) \(member())"
        case "linsert": return "\(key) BEFORE \(member()) \(member())"
        case "lrem": return "\(key) \(random.below(3) - 1) \(member())"
        case "ltrim": return "\(key) \(random.below(3)) \(random.pick(["-1", "4"]))"
        case "lpop", "rpop": return key + random.pick(["", " 2"])
        case "lmpop": return "2 \(key) \(other) LEFT COUNT 2"
        case "lmove": return "\(key) \(other) LEFT RIGHT"
        // What finds nothing waits no longer than a moment.
        case "blpop", "brpop", "bzpopmin", "bzpopmax": return "\(key) \(other) 0.001"
        case "blmove": return "\(key) \(other) LEFT RIGHT 0.001"
        case "brpoplpush": return "\(key) \(other) 0.001"
        case "blmpop": return "0.001 2 \(key) \(other) LEFT COUNT 2"
        case "bzmpop": return "0.001 2 \(key) \(other) MIN COUNT 2"
        case "rpoplpush": return "\(key) \(other)"
        case "flushdb", "flushall": return random.oneIn(40) ? "" : "bogus"
        case "swapdb": return "0 1"
        case "sinterstore", "sunionstore", "sdiffstore": return "\(key) \(other) \(self.key())"
        case "sadd", "srem": return "\(key) \(members())"
        case "smove": return "\(key) \(other) \(member())"
        case "spop": return key + random.pick(["", " 2", " 100"])
        case "zadd":
            let options = random.pick(["", "NX ", "XX ", "GT ", "INCR "])
            return "\(key) \(options)\(number()) \(member())"
        case "zincrby": return "\(key) \(number()) \(member())"
        case "zrem": return "\(key) \(members())"
        case "zpopmin", "zpopmax": return key + random.pick(["", " 2"])
        case "zmpop": return "2 \(key) \(other) MIN COUNT 2"
        case "zrangestore": return "\(key) \(other) 0 1"
        case "zinterstore", "zunionstore", "zdiffstore": return "\(key) 2 \(other) \(self.key())"
        case "zremrangebyrank": return "\(key) 0 0"
        case "zremrangebyscore": return "\(key) 1 7.25"
        case "xadd": return "\(key) \(random.pick(["", "MAXLEN 5 ", "NOMKSTREAM "]))* \(member()) \(member())"
        case "xdel", "xsetid": return "\(key) 4102444800000-1"
        case "xtrim": return "\(key) MAXLEN \(random.pick(["= 3", "~ 3"]))"
        case "xack": return "\(key) g 4102444800000-1"
        case "xclaim": return "\(key) g c 0 4102444800000-1"
        case "xautoclaim": return "\(key) g c 0 0"
        case "xreadgroup": return "GROUP g c STREAMS \(key) >"
        case "sort": return "\(other) \(random.pick(["", "ALPHA ", "BY nosort "]))STORE \(key)"
        case "pfadd": return "\(key) \(members())"
        case "pfmerge": return "\(key) \(other)"
        case "geoadd": return "\(key) \(random.below(100)) \(random.below(80)) \(member())"
        case "georadius": return "\(other) 10 10 9000 km STORE \(key)"
        case "georadiusbymember": return "\(other) \(member()) 9000 km STOREDIST \(key)"
        case "geosearchstore": return "\(key) \(other) FROMLONLAT 10 10 BYRADIUS 9000 km"
        // Only sets of one score have an order of members that every server agrees on.
        case "zremrangebylex": return "\(key) - +"
        default: return nil
        }
    }
}
