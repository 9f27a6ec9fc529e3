import RESPWire

/// What a command does with each of its keys, in the words of COMMAND GETKEYSANDFLAGS: whether the value is read or written
/// (`RO`, `RW`, `OW`, `RM`), and whether what it holds is handed out or changed. The facts are those of COMMAND INFO of
/// Redis 7.0.
enum KeyFlags {
    private static let reads: StaticString = "RO access"
    private static let overwrites: StaticString = "OW update"

    /// For keys at these places, in their order.
    static func of(
        _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ places: [Int]
    ) -> [[Substring]] {
        let command = row.pointee
        let (first, others) = byCommand[command.fullName] ?? (reads, reads)
        let store = command.keys.storeFrom > 0 ? command.keys.storePlace(arguments, count) : nil
        return places.enumerated().map { number, place in
            let flags: StaticString
            if place == store {
                flags = overwrites
            } else if number > 0 {
                flags = others
            } else {
                flags = narrowed(first, command, arguments, count)
            }
            return flags.description.split(separator: " ")
        }
    }

    /// SET reads only with GET, and BITFIELD writes only where it says so.
    private static func narrowed(
        _ flags: StaticString, _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> StaticString {
        guard let number = command.catalogueNumber else { return flags }
        guard ["set", "bitfield"].contains(command.name.description) else { return flags }
        let use = withUnsafePointer(to: command) { command in
            var keys = UsedKeys(number, command, arguments, count)
            return keys.keys.first?.permissions
        }
        switch use {
        case KeyPermissions.write: return overwrites
        case KeyPermissions.read: return reads
        default: return flags
        }
    }

    /// Of the first key, and of the others.
    private static let byCommand: [String: (StaticString, StaticString)] = {
        var flags: [String: (StaticString, StaticString)] = [:]
        for (first, others, names) in listed {
            for name in names.description.split(separator: " ") { flags[String(name)] = (first, others) }
        }
        return flags
    }()

    /// What is not listed only reads.
    private static let listed: [(StaticString, StaticString, StaticString)] = [
        ("OW insert", "OW insert", "msetnx setnx"),
        (overwrites, overwrites, "mset psetex restore setex"),
        (
            overwrites, reads,
            """
            bitop geosearchstore sdiffstore sunionstore zdiffstore zinterstore zrangestore zunionstore
            """
        ),
        ("RM delete", "RM delete", "del unlink"),
        (
            "RO", "RO",
            """
            exists hexists hlen hstrlen llen memory|usage object|encoding object|freq object|idletime object|refcount \
            scard sismember strlen touch type watch xlen zcard
            """
        ),
        (reads, overwrites, "copy"),
        ("RW access", "RW access", "pfcount pfdebug"),
        (
            "RW access delete", "RW access delete",
            "blmpop blpop brpop bzmpop bzpopmax bzpopmin getdel lmpop lpop migrate rpop spop zmpop zpopmax zpopmin"
        ),
        ("RW access delete", "OW insert", "renamenx"),
        ("RW access delete", overwrites, "rename"),
        ("RW access delete", "RW insert", "blmove brpoplpush lmove rpoplpush smove"),
        ("RW access insert", reads, "pfmerge"),
        (
            "RW access update", "RW access update",
            """
            bitfield decr decrby eval evalsha fcall getex getset hincrby hincrbyfloat incr incrby incrbyfloat move set \
            setbit zincrby
            """
        ),
        (
            "RW delete", "RW delete",
            """
            hdel lrem ltrim srem xautoclaim xdel xgroup|delconsumer xgroup|destroy xtrim zrem zremrangebylex \
            zremrangebyrank zremrangebyscore
            """
        ),
        (
            "RW insert", "RW insert",
            "append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd xgroup|create xgroup|createconsumer"
        ),
        (
            "RW update", "RW update",
            """
            expire expireat geoadd hmset hset lset persist pexpire pexpireat setrange xack xadd xclaim xgroup|setid \
            xsetid zadd
            """
        ),
        ("RW update", reads, "sinterstore"),
    ]
}
