import RESPWire

/// A category of commands, in the order in which Redis 7.0 goes through them.
enum CommandCategory: String, CaseIterable {
    case keyspace, read, write, set
    case sortedSet = "sortedset"
    case list, hash, string, bitmap
    case hyperLogLog = "hyperloglog"
    case geo, stream, pubsub, admin, fast, slow, blocking, dangerous, connection, transaction, scripting

    /// A name without regard to case.
    init?(_ name: [UInt8]) {
        self.init(rawValue: String(decoding: name.map { Bytes.folded($0) }, as: UTF8.self))
    }
}

/// A set of commands and subcommands, by their numbers in the `CommandCatalogue`.
struct CommandSet: Equatable {
    private var bits = SIMD8<UInt64>()

    static let capacity = 512

    func contains(_ id: Int) -> Bool { bits[id >> 6] >> UInt64(id & 63) & 1 == 1 }

    mutating func insert(_ id: Int) { bits[id >> 6] |= 1 << UInt64(id & 63) }

    mutating func remove(_ id: Int) { bits[id >> 6] &= ~(1 << UInt64(id & 63)) }

    func isSubset(of other: CommandSet) -> Bool { subtracting(other) == CommandSet() }

    func subtracting(_ other: CommandSet) -> CommandSet {
        var result = self
        result.bits &= ~other.bits
        return result
    }

    func intersection(_ other: CommandSet) -> CommandSet {
        var result = self
        result.bits &= other.bits
        return result
    }

    var count: Int { bits.indices.reduce(0) { $0 + bits[$1].nonzeroBitCount } }
}
