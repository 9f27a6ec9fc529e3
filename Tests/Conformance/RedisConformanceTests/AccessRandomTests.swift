import TestKit
import Testing

@Suite(.comparedWithRedis)
struct AccessRandomTests {
    @Test func `random rules give the rights that they give in Redis`() throws {
        try compareRandomly { random in
            let user = random.pick(["u", "v"])
            switch random.below(12) {
            case 0...5:
                let rules = (0..<random.below(4) + 1).map { _ in Self.rule(&random) }.joined(separator: " ")
                return Step("ACL SETUSER \(user) \(rules)")
            case 6, 7: return .rules("ACL GETUSER \(user)")
            case 8 where random.oneIn(4): return Step("ACL DELUSER \(user)")
            case 8: return Step("ACL SETUSER \(user) \(random.pick(["reset", "clearselectors", "-@all", "resetkeys"]))")
            default: return Step("ACL DRYRUN \(user) \(Self.command(&random))")
            }
        }
    }

    private static let names = [
        "get", "set", "mget", "del", "config", "config|get", "client|kill", "client", "acl", "acl|cat", "acl|setuser",
        "select", "select|0", "select|1", "publish", "subscribe", "object|freq", "object", "eval", "sort", "hset",
        "zadd", "xadd", "xread", "lpush", "sadd", "ping", "bogus", "config|bogus", "debug|sleep", "keys", "flushall",
        "memory|usage", "script|load", "cluster|info",
    ]
    private static let categories = [
        "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
        "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction",
        "scripting", "bogus",
    ]

    private static func rule(_ random: inout SeededRandom) -> String {
        switch random.below(16) {
        case 0...3: return random.pick(["+", "-", "+"]) + random.pick(names)
        case 4...7: return random.pick(["+@", "-@"]) + random.pick(categories)
        case 8: return random.pick(["+@all", "-@all", "allcommands", "nocommands"])
        case 9, 10: return random.pick(["~", "%R~", "%W~", "%RW~"]) + random.pick(["a", "b", "a*", "?", "*", "[ab]*"])
        case 11: return random.pick(["allkeys", "resetkeys", "allchannels", "resetchannels", "&*"])
        case 12: return "&" + random.pick(["c", "c*", "d?", "*x"])
        case 13: return random.pick([">p", "<p", ">q", "nopass", "resetpass", "on", "off", "sanitize-payload"])
        case 14 where random.oneIn(2):
            let inner = (0..<random.below(4)).map { _ in selectorRule(&random) }.joined(separator: " ")
            return random.oneIn(12) ? "(\(inner)" : "(\(inner))"
        default: return random.pick(["+@read", "+@write", "-@dangerous", "-@admin", "resetkeys", "resetchannels"])
        }
    }

    private static func selectorRule(_ random: inout SeededRandom) -> String {
        switch random.below(4) {
        case 0: return random.pick(["+", "-"]) + random.pick(names)
        case 1: return random.pick(["+@", "-@"]) + random.pick(categories)
        case 2: return random.pick(["~", "%R~", "%W~"]) + random.pick(["a", "b*", "*"])
        default: return random.pick(["&c", "&d*", "allkeys", "+@all", "on"])
        }
    }

    private static func command(_ random: inout SeededRandom) -> String {
        let key = random.pick(["a", "b", "ab", "c", "d"])
        let other = random.pick(["a", "b", "ab", "c", "d"])
        return random.pick([
            "get \(key)", "set \(key) v", "set \(key) v GET", "mget \(key) \(other)", "copy \(key) \(other)",
            "sort \(key) STORE \(other)", "publish \(key) m", "subscribe \(key) \(other)", "psubscribe \(key)*",
            "select 0", "select 1", "config get x", "acl cat", "acl setuser x", "client kill x", "object freq \(key)",
            "eval s 1 \(key)", "eval s 2 \(key) \(other)", "exists \(key)", "zunionstore \(key) 1 \(other)",
            "xread STREAMS \(key) \(other) 0 0", "bitfield \(key) GET u8 0", "ping", "auth x", "keys *",
            "rename \(key) \(other)", "lmove \(key) \(other) LEFT LEFT", "ssubscribe \(key)", "bogus", "get",
        ])
    }
}
