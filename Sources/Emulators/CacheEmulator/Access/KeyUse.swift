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

/// Some of a command's keys, and what it does with them: the key specifications of Redis 7.0's COMMAND INFO.
struct KeyUse: Sendable {
    let places: KeySpecification
    let permissions: KeyPermissions

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

    private static func one(_ index: Int, _ permissions: KeyPermissions) -> KeyUse {
        KeyUse(
            places: KeySpecification(.index(index), .range(last: 0, step: 1, limit: 0)), permissions: permissions)
    }

    private static func two(_ index: Int, _ permissions: KeyPermissions) -> KeyUse {
        KeyUse(
            places: KeySpecification(.index(index), .range(last: 1, step: 1, limit: 0)), permissions: permissions)
    }

    private static func from(
        _ index: Int, to last: Int = -1, by step: Int = 1, _ permissions: KeyPermissions
    ) -> KeyUse {
        KeyUse(
            places: KeySpecification(.index(index), .range(last: last, step: step, limit: 0)),
            permissions: permissions)
    }

    /// The argument says how many keys stand behind it.
    private static func counted(at index: Int, _ permissions: KeyPermissions) -> KeyUse {
        KeyUse(
            places: KeySpecification(.index(index), .count(number: 0, first: 1, step: 1)), permissions: permissions)
    }

    private static func behind(
        _ word: String, from index: Int, half: Bool = false, _ permissions: KeyPermissions
    ) -> KeyUse {
        KeyUse(
            places: KeySpecification(
                .keyword(Array(word.utf8), from: index), .range(last: half ? -1 : 0, step: 1, limit: half ? 2 : 0)),
            permissions: permissions)
    }

    // MARK: which

    private static let listed: [([KeyUse], StaticString)] = [
        // BITFIELD, SET and STORE among options: see `UsedKeys`.
        ([.one(1, .read)], "sort sort_ro"), ([.one(1, .readWrite)], "bitfield set"),
        (
            [.one(1, .write)],
            """
            append expire expireat geoadd hdel hmset hset hsetnx linsert lpush lpushx lrem lset ltrim persist pexpire \
            pexpireat pfadd psetex restore restore-asking rpush rpushx sadd setex setnx setrange srem xack xadd \
            xautoclaim xclaim xdel xsetid xtrim zadd zrem zremrangebylex zremrangebyrank zremrangebyscore
            """
        ),
        (
            [.one(1, .read)],
            """
            bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro \
            geosearch get getbit getrange hget hgetall hkeys hmget hrandfield hscan hvals lindex lpos lrange \
            pexpiretime pttl smembers smismember srandmember sscan substr ttl xpending xrange xrevrange zcount \
            zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex \
            zrevrangebyscore zrevrank zscan zscore
            """
        ),
        ([.one(2, .write), .from(3, .read)], "bitop"),
        ([.one(1, .readWrite), .one(2, .write)], "blmove brpoplpush lmove rename renamenx rpoplpush smove"),
        ([.counted(at: 2, .readWrite)], "blmpop bzmpop eval evalsha fcall"),
        ([.from(1, to: -2, by: 1, .readWrite)], "blpop brpop bzpopmax bzpopmin"),
        ([.one(1, .read), .one(2, .write)], "copy"),
        (
            [.one(1, .readWrite)],
            """
            decr decrby getdel getex getset hincrby hincrbyfloat incr incrby incrbyfloat lpop move rpop setbit spop \
            zincrby zpopmax zpopmin
            """
        ),
        ([.from(1, .write)], "del unlink"),
        ([.counted(at: 2, .read)], "eval_ro evalsha_ro fcall_ro"),
        ([.from(1, .none)], "exists touch watch"),
        ([.one(1, .read), .behind("store", from: 6, .write), .behind("storedist", from: 6, .write)], "georadius"),
        (
            [.one(1, .read), .behind("store", from: 5, .write), .behind("storedist", from: 5, .write)],
            "georadiusbymember"
        ),
        ([.one(1, .write), .one(2, .read)], "geosearchstore zrangestore"),
        ([.one(1, .none)], "hexists hlen hstrlen llen scard sismember strlen type xlen zcard"),
        ([.two(1, .read)], "lcs"),
        ([.counted(at: 1, .readWrite)], "lmpop zmpop"),
        ([.one(2, .none)], "memory|usage object|encoding object|freq object|idletime object|refcount"),
        ([.from(1, .read)], "mget pfcount sdiff sinter sunion"),
        ([.from(1, to: -1, by: 2, .write)], "mset msetnx"),
        ([.one(2, .read)], "pfdebug xinfo|consumers xinfo|groups xinfo|stream"),
        ([.one(1, .readWrite), .from(2, .read)], "pfmerge"),
        ([.one(1, .write), .from(2, .read)], "sdiffstore sinterstore sunionstore"),
        ([.counted(at: 1, .read)], "sintercard zdiff zinter zintercard zunion"),
        ([.one(2, .write)], "xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid"),
        ([.behind("streams", from: 1, half: true, .read)], "xread"),
        ([.behind("streams", from: 4, half: true, .read)], "xreadgroup"),
        ([.one(1, .write), .counted(at: 2, .read)], "zdiffstore zinterstore zunionstore"),
    ]
}
