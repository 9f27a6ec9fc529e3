import RESPWire

/// What a command does: takes its arguments, acts, writes one reply.
typealias CommandBody = @Sendable (borrowing Call) -> Void

/// One row of the command table: what a command is called, takes and does.
///
/// Rows are made once and never freed, so that whoever runs a command holds no reference to it.
///
/// Safety of `@unchecked Sendable`: all of it is `Sendable` but the pointer to the subcommands' rows, which are written
/// before the row that holds it is handed out, and never again.
struct Command: @unchecked Sendable {
    let name: StaticString
    /// Number of arguments with the name; negative: at least that many.
    let arity: Int
    let flags: Flags
    let keys: Keys
    let body: CommandBody
    /// Rows of a container's subcommands; `body` runs where none is named.
    let subcommands: UnsafeBufferPointer<Command>
    /// Of a subcommand: what contains it.
    private(set) var container: StaticString?
    /// What rules of access know it by; nil for a command that Redis does not have.
    private(set) var catalogueNumber: Int?
    /// Takes no time by its nature, so that it is not timed (`SlowLog`).
    let isQuick: Bool
    /// Dense, of subcommands too: where it is counted (`CommandStatistics`).
    var number = 0
    /// Runs as it is where nothing is asked of its client (`CacheClient.isPlain`) and nobody looks on
    /// (`CacheEmulator.isPlain`).
    let isPlain: Bool
    /// EVAL, FCALL and their like.
    let runsScript: Bool

    /// `get`, `config|get`
    var fullName: String { container.map { "\($0)|\(name)" } ?? name.description }

    init(
        _ name: StaticString, _ arity: Int, _ flags: Flags, _ keys: Keys = .none, subcommands: [Command] = [],
        body: @escaping CommandBody
    ) {
        self.name = name
        self.arity = arity
        self.flags = flags
        self.keys = keys
        self.body = body
        catalogueNumber = CommandCatalogue.shared.number(ofRow: name.description)
        isQuick = flags.contains(.fast) || flags.contains(.front) || name.description == "set"
        runsScript = ["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"].contains(name.description)
        isPlain = isQuick && subcommands.isEmpty && flags.isDisjoint(with: [.front, .refused, .immediate])
        let rows = UnsafeMutableBufferPointer<Command>.allocate(capacity: subcommands.count)
        _ = rows.initialize(from: subcommands)
        for index in rows.indices {
            rows[index].container = name
            rows[index].catalogueNumber = CommandCatalogue.shared.number(ofRow: rows[index].fullName)
        }
        self.subcommands = UnsafeBufferPointer(rows)
    }

    /// It may change keys or is handed on to replicas: messages, too, though COMMAND does not say so of them, and PFCOUNT,
    /// which keeps its count.
    var isToldToReplicas: Bool {
        if !flags.isDisjoint(with: [.write, .mayReplicate]) { return true }
        switch name.description {
        case "publish", "spublish", "pfcount": return true
        default: return false
        }
    }

    /// What a command is, in the words of COMMAND.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt32

        static let write = Flags(rawValue: 1 << 0)
        static let readonly = Flags(rawValue: 1 << 1)
        static let denyOOM = Flags(rawValue: 1 << 2)
        static let admin = Flags(rawValue: 1 << 3)
        static let pubsub = Flags(rawValue: 1 << 4)
        static let noscript = Flags(rawValue: 1 << 5)
        static let loading = Flags(rawValue: 1 << 6)
        static let stale = Flags(rawValue: 1 << 7)
        static let fast = Flags(rawValue: 1 << 8)
        /// Works before the client has authenticated.
        static let noAuth = Flags(rawValue: 1 << 9)
        /// Refused inside MULTI.
        static let noMulti = Flags(rawValue: 1 << 10)
        static let movableKeys = Flags(rawValue: 1 << 11)
        static let skipMonitor = Flags(rawValue: 1 << 12)
        static let skipSlowlog = Flags(rawValue: 1 << 13)
        static let mayReplicate = Flags(rawValue: 1 << 14)
        static let noMandatoryKeys = Flags(rawValue: 1 << 15)
        static let allowBusy = Flags(rawValue: 1 << 16)
        static let noAsyncLoading = Flags(rawValue: 1 << 17)
        static let blocking = Flags(rawValue: 1 << 18)
        static let asking = Flags(rawValue: 1 << 19)

        // How this server treats it; COMMAND does not show these.

        /// Answered by whoever owns the connection, not by the keyspace.
        static let front = Flags(rawValue: 1 << 24)
        /// Runs at once inside MULTI instead of being queued.
        static let immediate = Flags(rawValue: 1 << 25)
        /// Allowed while a version-2 client is subscribed.
        static let whileSubscribed = Flags(rawValue: 1 << 26)
        /// Not for apps: it would stop the server, or touch its host.
        static let refused = Flags(rawValue: 1 << 27)
        /// Runs only where the server was told so: DEBUG by `CacheEmulator.allowsDebug`, what loads modules never.
        static let protected = Flags(rawValue: 1 << 29)
        /// Where one of its keys is missing it fails, or makes something else of another key (`Effects`).
        static let needsKeys = Flags(rawValue: 1 << 28)

        /// Behind the second, its arguments may be secrets: no log of commands shows them.
        static let redacted = Flags(rawValue: 1 << 31)

        /// The names that COMMAND shows, in the order of Redis.
        static let names: [(Flags, StaticString)] = [
            (.write, "write"), (.readonly, "readonly"), (.denyOOM, "denyoom"), (.admin, "admin"),
            (.pubsub, "pubsub"), (.noscript, "noscript"), (.blocking, "blocking"), (.loading, "loading"),
            (.stale, "stale"), (.skipMonitor, "skip_monitor"), (.skipSlowlog, "skip_slowlog"), (.asking, "asking"),
            (.fast, "fast"), (.noAuth, "no_auth"), (.mayReplicate, "may_replicate"),
            (.noMandatoryKeys, "no_mandatory_keys"), (.noAsyncLoading, "no_async_loading"), (.noMulti, "no_multi"),
            (.movableKeys, "movablekeys"), (.allowBusy, "allow_busy"),
        ]
    }

    /// Which arguments are keys: the first, the last (negative counts from the end), every `step`th between.
    struct Keys: Sendable {
        var first: Int
        var last: Int
        var step: Int
        /// The argument that says how many keys stand behind it; 0 for none. COMMAND shows only the others.
        var countAt = 0
        /// From which argument on the word STREAMS may stand, behind which half of the rest are keys; 0 for never. COMMAND
        /// does not show these either.
        var streamsFrom = 0
        /// From which argument on the word STORE (or STOREDIST) may stand, with a key behind it; 0 for never.
        var storeFrom = 0
        /// MIGRATE's one key, or where that is empty what stands behind the word KEYS.
        var areMigrated = false

        static let none = Keys(first: 0, last: 0, step: 0)
        static let first = Keys(first: 1, last: 1, step: 1)
        static let firstTwo = Keys(first: 1, last: 2, step: 1)
        static let all = Keys(first: 1, last: -1, step: 1)
        static let pairs = Keys(first: 1, last: -1, step: 2)
        static let allButFirst = Keys(first: 2, last: -1, step: 1)
        static let allButLast = Keys(first: 1, last: -2, step: 1)
        static let second = Keys(first: 2, last: 2, step: 1)

        static let migrated = Keys(first: 3, last: 3, step: 1, areMigrated: true)
        static func streams(from index: Int) -> Keys { Keys(first: 0, last: 0, step: 0, streamsFrom: index) }

        static func counted(at index: Int) -> Keys { Keys(first: 0, last: 0, step: 0, countAt: index) }
        /// The first, and one behind the word STORE where that is among the options.
        static func firstAndStore(from index: Int) -> Keys { Keys(first: 1, last: 1, step: 1, storeFrom: index) }
        /// A key to store to, then as many as argument 2 says.
        static let storeAndCounted = Keys(first: 1, last: 1, step: 1, countAt: 2)

        /// The places of the keys among `count` arguments; nil when the number of keys is none.
        func places(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [Int]? {
            if streamsFrom > 0 { return streamPlaces(arguments, count) }
            if areMigrated { return migratedPlaces(arguments, count) }
            var places: [Int] = []
            if first > 0 {
                places += stride(from: first, through: last < 0 ? count + last : last, by: step)
            }
            if storeFrom > 0, let store = storePlace(arguments, count) { places.append(store) }
            guard countAt > 0 else { return places }
            guard countAt < count, let number = arguments[countAt].integer, number > 0,
                number < Int64(count - countAt)
            else { return nil }
            return places + (countAt + 1...countAt + Int(number))
        }

        private func streamPlaces(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [Int]? {
            guard let word = (streamsFrom..<max(count, streamsFrom)).first(where: { arguments[$0].isWord("streams") })
            else { return nil }
            let number = (count - word - 1) / 2
            return number > 0 ? Array(word + 1...word + number) : nil
        }

        private func migratedPlaces(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [Int]? {
            var index = 6
            while index + 1 < count {
                if arguments[index].isWord("keys") { return arguments[3].count == 0 ? Array(index + 1..<count) : nil }
                index += arguments[index].isWord("auth2") ? 3 : arguments[index].isWord("auth") ? 2 : 1
            }
            return [3]
        }

        /// Of several the last one counts. What stands behind BY, GET and LIMIT is no option.
        func storePlace(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int? {
            var found: Int?
            var index = storeFrom
            while index + 1 < count {
                if arguments[index].isWord("store") || arguments[index].isWord("storedist") {
                    found = index + 1
                    index += 1
                } else if arguments[index].isWord("limit") {
                    index += 2
                } else if arguments[index].isWord("by") || arguments[index].isWord("get") {
                    index += 1
                }
                index += 1
            }
            return found
        }
    }
}
