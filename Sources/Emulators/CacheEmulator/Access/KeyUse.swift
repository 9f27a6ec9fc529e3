import RESPWire

/// What a command does with a key, as far as rules tell it apart: `%R~` and `%W~`.
struct KeyPermissions: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// The value is looked at or handed out, not only its type or length.
    static let read = KeyPermissions(rawValue: 1)
    /// It is inserted, changed or deleted.
    static let write = KeyPermissions(rawValue: 2)
    static let readWrite: KeyPermissions = [.read, .write]
    static let none: KeyPermissions = []
}

/// Some of a command's keys, and what it does with them: one key specification of Redis 7.0's COMMAND INFO.
struct KeyUse: Sendable {
    /// Nil where the specification says that it cannot be known.
    let places: KeySpecification?
    /// Whether the value is read or written, and whether what it holds is handed out or changed: in the words of COMMAND.
    let flags: StaticString
    let permissions: KeyPermissions
    /// Not of channels, which are told as keys are.
    let isOfKeys: Bool

    private init(_ places: KeySpecification?, _ flags: StaticString) {
        self.places = places
        self.flags = flags
        let words = flags.description.split(separator: " ")
        var permissions: KeyPermissions = []
        if words.contains("access") { permissions.insert(.read) }
        if words.contains(where: { ["insert", "update", "delete"].contains($0) }) { permissions.insert(.write) }
        self.permissions = permissions
        isOfKeys = !words.contains("not_key")
    }

    /// By the number of the command in the `CommandCatalogue`.
    static let byCommand: [[KeyUse]] = {
        var uses = CommandCatalogue.shared.names.map { _ in [KeyUse]() }
        for (use, names) in listed {
            for name in names.description.split(separator: " ") {
                if let number = CommandCatalogue.shared.number(ofRow: String(name)) { uses[number] = use }
            }
        }
        return uses
    }()

    // MARK: where

    private static func one(_ index: Int, _ flags: StaticString) -> KeyUse {
        KeyUse(KeySpecification(.index(index), .range(last: 0, step: 1, limit: 0)), flags)
    }

    private static func two(_ index: Int, _ flags: StaticString) -> KeyUse {
        KeyUse(KeySpecification(.index(index), .range(last: 1, step: 1, limit: 0)), flags)
    }

    private static func from(_ index: Int, to last: Int = -1, by step: Int = 1, _ flags: StaticString) -> KeyUse {
        KeyUse(KeySpecification(.index(index), .range(last: last, step: step, limit: 0)), flags)
    }

    /// The argument says how many keys stand behind it.
    private static func counted(at index: Int, _ flags: StaticString) -> KeyUse {
        KeyUse(KeySpecification(.index(index), .count(number: 0, first: 1, step: 1)), flags)
    }

    /// How much of what stands behind a word are keys.
    private enum Behind {
        case one, half, rest
    }

    private static func behind(
        _ word: String, from index: Int, taking most: Behind = .one, _ flags: StaticString
    ) -> KeyUse {
        let find = KeySpecification.Find.range(last: most == .one ? 0 : -1, step: 1, limit: most == .half ? 2 : 0)
        return KeyUse(KeySpecification(.keyword(Array(word.utf8), from: index), find), flags)
    }

    private static func unknown(_ flags: StaticString) -> KeyUse { KeyUse(nil, flags) }

    // MARK: which

    /// BITFIELD, SET and STORE among options: see `UsedKeys`.
    private static let listed: [([KeyUse], StaticString)] = [
        ([.behind("streams", from: 1, taking: .half, "RO access")], "xread"),
        ([.behind("streams", from: 4, taking: .half, "RO access")], "xreadgroup"),
        ([.counted(at: 1, "RO access")], "sintercard zdiff zinter zintercard zunion"),
        ([.counted(at: 1, "RW access delete")], "lmpop zmpop"),
        ([.counted(at: 2, "RO access")], "eval_ro evalsha_ro fcall_ro"),
        ([.counted(at: 2, "RW access delete")], "blmpop bzmpop"),
        ([.counted(at: 2, "RW access update")], "eval evalsha fcall"),
        ([.from(1, "RM delete")], "del unlink"),
        ([.from(1, "RO access")], "mget sdiff sinter sunion"),
        ([.from(1, "RO")], "exists touch watch"),
        ([.from(1, "RW access")], "pfcount"),
        ([.from(1, "not_key")], "ssubscribe sunsubscribe"),
        ([.from(1, by: 2, "OW insert")], "msetnx"),
        ([.from(1, by: 2, "OW update")], "mset"),
        ([.from(1, to: -2, "RW access delete")], "blpop brpop bzpopmax bzpopmin"),
        ([.one(1, "OW insert")], "setnx"),
        ([.one(1, "OW update"), .counted(at: 2, "RO access")], "zdiffstore zinterstore zunionstore"),
        ([.one(1, "OW update")], "psetex restore restore-asking setex"),
        ([.one(1, "OW update"), .one(2, "RO access")], "geosearchstore zrangestore"),
        ([.one(1, "OW update"), .from(2, "RO access")], "sdiffstore sunionstore"),
        (
            [.one(1, "RO access")],
            """
            bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro \
            geosearch get getbit getrange hget hgetall hkeys hmget hrandfield hscan hvals lindex lpos lrange \
            pexpiretime pttl smembers smismember srandmember sscan substr ttl xpending xrange xrevrange zcount \
            zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex \
            zrevrangebyscore zrevrank zscan zscore
            """
        ),
        ([.one(1, "RO access"), .one(2, "OW update")], "copy"),
        (
            [.one(1, "RO access"), .behind("store", from: 6, "OW update"), .behind("storedist", from: 6, "OW update")],
            "georadius"
        ),
        (
            [.one(1, "RO access"), .behind("store", from: 5, "OW update"), .behind("storedist", from: 5, "OW update")],
            "georadiusbymember"
        ),
        ([.one(1, "RO access"), .unknown("RO access")], "sort_ro"),
        ([.one(1, "RO access"), .unknown("RO access"), .unknown("OW update")], "sort"),
        ([.one(1, "RO")], "hexists hlen hstrlen llen scard sismember strlen type xlen zcard"),
        ([.one(1, "RW access delete"), .one(2, "RW insert")], "blmove brpoplpush lmove rpoplpush smove"),
        ([.one(1, "RW access delete"), .one(2, "OW update")], "rename"),
        ([.one(1, "RW access delete")], "getdel lpop rpop spop zpopmax zpopmin"),
        ([.one(1, "RW access delete"), .one(2, "OW insert")], "renamenx"),
        ([.one(1, "RW access insert"), .from(2, "RO access")], "pfmerge"),
        ([.one(1, "RW access update variable_flags")], "bitfield set"),
        (
            [.one(1, "RW access update")],
            "decr decrby getex getset hincrby hincrbyfloat incr incrby incrbyfloat move setbit zincrby"
        ),
        (
            [.one(1, "RW delete")],
            "hdel lrem ltrim srem xautoclaim xdel xtrim zrem zremrangebylex zremrangebyrank zremrangebyscore"
        ),
        ([.one(1, "RW insert")], "append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd"),
        (
            [.one(1, "RW update")],
            "expire expireat geoadd hmset hset lset persist pexpire pexpireat setrange xack xadd xclaim xsetid zadd"
        ),
        ([.one(1, "RW update"), .from(2, "RO access")], "sinterstore"),
        ([.one(1, "not_key")], "spublish"),
        ([.one(2, "OW update"), .from(3, "RO access")], "bitop"),
        ([.one(2, "RO access")], "xinfo|consumers xinfo|groups xinfo|stream"),
        ([.one(2, "RO")], "memory|usage object|encoding object|freq object|idletime object|refcount"),
        ([.one(2, "RW access")], "pfdebug"),
        ([.one(2, "RW delete")], "xgroup|delconsumer xgroup|destroy"),
        ([.one(2, "RW insert")], "xgroup|create xgroup|createconsumer"),
        ([.one(2, "RW update")], "xgroup|setid"),
        (
            [.one(3, "RW access delete"), .behind("keys", from: -2, taking: .rest, "RW access delete incomplete")],
            "migrate"
        ),
        ([.two(1, "RO access")], "lcs"),
    ]
}
