import RESPWire

/// How much memory keys and values may take, and what goes where they take more.
struct MemoryLimit {
    enum Policy: String {
        case none = "noeviction"
        case allLeastRecent = "allkeys-lru"
        case allRandom = "allkeys-random"
        case allLeastFrequent = "allkeys-lfu"
        case expiringLeastFrequent = "volatile-lfu"
        case expiringLeastRecent = "volatile-lru"
        case expiringRandom = "volatile-random"
        case expiringSoonest = "volatile-ttl"

        var isOfExpiring: Bool { rawValue.hasPrefix("volatile") }
        var isByFrequency: Bool { self == .allLeastFrequent || self == .expiringLeastFrequent }
    }

    /// 0 for none.
    var bytes = 0
    var policy = Policy.none
    /// How many keys are compared for one that goes.
    var samples = 5
    var frequency = Frequency()

    init() {}

    init(_ configuration: Configuration) {
        func value(_ name: StaticString) -> String {
            configuration.index(of: Bytes(name)).map { configuration.parameters[$0].value } ?? ""
        }
        bytes = Int(value("maxmemory")) ?? 0
        policy = Policy(rawValue: value("maxmemory-policy")) ?? .none
        frequency = Frequency(
            factor: configuration.number("lfu-log-factor"), decay: configuration.number("lfu-decay-time"))
        samples = min(Int(value("maxmemory-samples")) ?? 5, 64)
    }
}

extension CacheEmulator {
    /// How much memory keys and values may take, 0 for any, and the name of the policy by which they go; a name that is none
    /// changes nothing.
    public var memoryLimit: (bytes: Int, policy: String) {
        get { (limit.bytes, limit.policy.rawValue) }
        set {
            configuration.set("maxmemory", to: "\(newValue.bytes)")
            if MemoryLimit.Policy(rawValue: newValue.policy) != nil {
                configuration.set("maxmemory-policy", to: newValue.policy)
            }
            limitMemory()
        }
    }

    /// By what is configured.
    func limitMemory() {
        limit = MemoryLimit(configuration)
        clock.countsUses = limit.policy.isByFrequency
        look()
        // Nobody looks any more, and nothing is missing.
        if limit.bytes == 0 { isOutOfMemory = false }
    }

    /// How long one command is held up at most: what is still too much then goes with the next ones.
    private static let evictionTime = Duration.microseconds(500)
    private static let evictionsPerLook = 4

    /// Whether a command has to be refused for want of memory, now that as many keys as needed were taken out. As in Redis
    /// any command makes room, and inside MULTI any is refused that would be queued.
    @inline(never)
    func lacksMemory(for command: Command, _ client: CacheClient) -> Bool {
        isOutOfMemory = !monitored("eviction-cycle") { makeRoom() }
        guard isOutOfMemory else { return false }
        if command.flags.contains(.denyOOM) { return true }
        guard let transaction = client.transaction else { return false }
        guard command.name.description == "exec" else { return !command.flags.contains(.immediate) }
        return transaction.queue.contains { table.commands[$0.command].flags.contains(.denyOOM) }
    }

    /// Takes out keys until the limit is kept; false where there are none that may go.
    private func makeRoom() -> Bool {
        guard memory.inUse > limit.bytes else { return true }
        guard limit.policy != .none || !memory.discarded.isEmpty else { return false }
        let deadline = ContinuousClock.now + Self.evictionTime
        var evicted = 0
        while memory.inUse > limit.bytes {
            // What is gone already counts until it is freed.
            if !memory.discarded.isEmpty {
                _ = memory.freeDiscarded(256)
                if ContinuousClock.now >= deadline { return true }
                continue
            }
            guard limit.policy != .none, let (database, entry) = candidate() else { return false }
            monitored("eviction-del") { evict(entry, of: database) }
            evicted += 1
            if evicted % Self.evictionsPerLook == 0, ContinuousClock.now >= deadline { return true }
        }
        return true
    }

    private func evict(_ entry: Entry, of database: Database) {
        let key = entry.key
        statistics.evictedKeys &+= 1
        keyChanged(key, in: database, isOwn: false)
        effects?.emit(in: database.number, ["DEL", .bytes(key)])
        notify(.evicted, "evicted", key, in: database)
        database.remove(entry, database.hash(key))
    }

    /// The best of some that are drawn from each database.
    private func candidate() -> (Database, Entry)? {
        var best: (database: Database, entry: Entry, weight: Int64)?
        for database in databases where limit.policy.isOfExpiring ? database.expiringCount > 0 : database.count > 0 {
            for _ in 0..<limit.samples {
                guard let entry = draw(from: database) else { break }
                let weight = weight(of: entry)
                if weight > best?.weight ?? .min { best = (database, entry, weight) }
                if limit.policy == .allRandom || limit.policy == .expiringRandom { break }
            }
        }
        return best.map { ($0.database, $0.entry) }
    }

    /// The larger, the sooner it goes.
    private func weight(of entry: Entry) -> Int64 {
        switch limit.policy {
        case .none: 0
        case .allRandom, .expiringRandom: .random(in: 0..<1 << 32, using: &random)
        case .allLeastRecent, .expiringLeastRecent: Int64((clock.access &- entry.access) & 0xff_ffff)
        case .allLeastFrequent, .expiringLeastFrequent: 255 - Int64(frequency(of: entry))
        case .expiringSoonest: -entry.expiry
        }
    }

    /// As OBJECT FREQ answers.
    func frequency(of entry: Entry) -> UInt32 { limit.frequency.counter(entry.access, at: clock.now) }

    @inline(never)
    func countUse(of entry: Entry) {
        entry.setAccess(limit.frequency.used(entry.access, at: clock.now, &random))
    }

    /// Of the keys of a command that writes; those that are read are counted where they are found.
    @inline(never)
    func countUses(
        _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient
    ) {
        guard command.name.description != "copy" else { return }
        let database = databases[client.database]
        for place in command.keys.places(arguments, count) ?? [] where place < count {
            if let entry = database.find(arguments[place], database.hash(arguments[place])) { countUse(of: entry) }
        }
    }

    private func draw(from database: Database) -> Entry? {
        guard limit.policy.isOfExpiring else { return database.table.random(using: &random) }
        for _ in 0..<32 {
            let entry = database.table.random(using: &random)
            if entry.hasExpiry { return entry }
        }
        // They are rare: from a random segment on, the next one.
        let table = database.table
        var place = Int.random(in: 0..<table.directoryCount, using: &random)
        for _ in 0..<table.directoryCount {
            let segment = Segment(block: table.directory[place])
            if segment.nextExpiry != Segment.never {
                for index in 0..<segment.capacity where segment.slots[index] != 0 {
                    let entry = Segment.entry(segment.slots[index])
                    if entry.hasExpiry { return entry }
                }
            }
            place = place + 1 == table.directoryCount ? 0 : place + 1
        }
        return nil
    }
}
