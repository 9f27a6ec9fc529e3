import RDBWire

extension RDBValue {
    /// With members and fields in an order that depends on nothing but themselves.
    var normalized: RDBValue {
        switch self {
        case .set(let members): .set(members.sorted { $0.lexicographicallyPrecedes($1) })
        case .hash(let fields): .hash(fields.sorted { $0.name.lexicographicallyPrecedes($1.name) })
        default: self
        }
    }
}

extension RedisServer {
    /// The value of a key as the commands of its type show it.
    func value(_ key: [UInt8]) throws -> RDBValue? {
        func ask(_ name: String, _ words: String...) throws -> RESPReply {
            try client.command([name.bytes, key] + words.map(\.bytes))
        }
        switch String(decoding: try ask("TYPE").bytes ?? [], as: UTF8.self) {
        case "string": return .string(try ask("GET").bytes ?? [])
        case "list": return .list(try ask("LRANGE", "0", "-1").strings)
        case "set": return RDBValue.set(try ask("SMEMBERS").strings).normalized
        case "hash":
            let words = try ask("HGETALL").strings
            let fields = stride(from: 0, to: words.count, by: 2).map { RDBField(name: words[$0], value: words[$0 + 1]) }
            return RDBValue.hash(fields).normalized
        case "zset":
            let words = try ask("ZRANGE", "0", "-1", "WITHSCORES").strings
            return .sortedSet(
                stride(from: 0, to: words.count, by: 2).map {
                    RDBMember(member: words[$0], score: Double(String(decoding: words[$0 + 1], as: UTF8.self)) ?? .nan)
                })
        case "stream":
            // Commands do not show all of a stream; its own DUMP does, of a type that other tests compare with them.
            return try RDBValue.decode(try DumpPayload.open(try ask("DUMP").bytes ?? []))
        default: return nil
        }
    }
}
