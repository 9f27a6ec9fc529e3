import EventLoop
import RDBWire
import RESPWire

/// What can be asked about the keys from outside. Nothing of it counts as an access.
extension CacheEmulator {
    /// The number of keys by database, of those that have some; those whose time is over and that nobody has found
    /// included.
    public var keyCounts: [Int: Int] {
        Dictionary(uniqueKeysWithValues: databases.filter { $0.count > 0 }.map { ($0.number, $0.count) })
    }

    public static var databaseNumbers: Range<Int> { 0..<databaseCount }

    /// Some more of a database's keys, about `wanted`, from `cursor` on, which begins at 0; the next cursor is 0 at the
    /// end. As SCAN, it hands out every key at least once that is there throughout.
    public func keys(in database: Int, from cursor: UInt64, wanted: Int) -> (keys: [[UInt8]], next: UInt64) {
        readClock()
        let now = clock.now
        var keys: [[UInt8]] = []
        let next = databases[database].table.scan(from: cursor, wanted: wanted) { entry in
            if !entry.hasExpiry || entry.expiry > now { keys.append(entry.key.array) }
        }
        return (keys, next)
    }

    /// Type and bytes of memory of some more keys, walked as by `keys`.
    public func weigh(
        in database: Int, from cursor: UInt64, wanted: Int
    ) -> (keys: [(type: String, bytes: Int)], next: UInt64) {
        readClock()
        let (now, database) = (clock.now, databases[database])
        var weighed: [(type: String, bytes: Int)] = []
        let next = database.table.scan(from: cursor, wanted: wanted) { entry in
            guard !entry.hasExpiry || entry.expiry > now else { return }
            weighed.append((entry.type.name.description, database.memoryUsage(of: entry)))
        }
        return (weighed, next)
    }

    /// Bytes in use by keys and values.
    public var usedMemory: Int { memory.used }

    /// What can be asked, in lower case, subcommands as `xgroup|create`.
    public static let commandNames: Set<String> = {
        var names: Set<String> = []
        for command in CommandTable.shared.commands where !command.flags.contains(.refused) {
            names.insert(command.name.description)
            for subcommand in command.subcommands { names.insert(subcommand.fullName) }
        }
        return names
    }()

    /// `RDBValue.digest` of a key, its end as `translated` says it; nil where there is none.
    public func digest(
        of key: [UInt8], in database: Int, translated: (Int64) -> Int64 = { $0 }
    ) -> UInt64? {
        readClock()
        let database = databases[database]
        let entry = key.withBytes { database.table.find($0, database.hash($0)) }
        guard let entry else { return nil }
        if entry.hasExpiry, entry.expiry <= clock.now { return nil }
        return database.value(of: entry).digest(expiry: entry.hasExpiry ? translated(entry.expiry) : nil)
    }
}
