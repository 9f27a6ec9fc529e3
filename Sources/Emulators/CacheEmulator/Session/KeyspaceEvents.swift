import RESPWire

/// Which events of keys are published, as `notify-keyspace-events` says it in letters.
struct KeyspaceEvents: OptionSet {
    let rawValue: UInt16

    static let generic = KeyspaceEvents(rawValue: 1 << 0)
    static let string = KeyspaceEvents(rawValue: 1 << 1)
    static let list = KeyspaceEvents(rawValue: 1 << 2)
    static let set = KeyspaceEvents(rawValue: 1 << 3)
    static let hash = KeyspaceEvents(rawValue: 1 << 4)
    static let sortedSet = KeyspaceEvents(rawValue: 1 << 5)
    static let stream = KeyspaceEvents(rawValue: 1 << 6)
    static let expired = KeyspaceEvents(rawValue: 1 << 7)
    static let evicted = KeyspaceEvents(rawValue: 1 << 8)
    /// There are no modules: it can be asked for, and nothing comes.
    static let module = KeyspaceEvents(rawValue: 1 << 9)
    /// A key that was read is not there.
    static let missed = KeyspaceEvents(rawValue: 1 << 10)
    static let new = KeyspaceEvents(rawValue: 1 << 11)
    /// Where they are published: on the key's channel, on the event's.
    static let byKey = KeyspaceEvents(rawValue: 1 << 12)
    static let byEvent = KeyspaceEvents(rawValue: 1 << 13)

    private static let letters: [Character: KeyspaceEvents] = [
        "g": .generic, "$": .string, "l": .list, "s": .set, "h": .hash, "z": .sortedSet, "t": .stream, "x": .expired,
        "e": .evicted, "d": .module, "m": .missed, "n": .new, "K": .byKey, "E": .byEvent,
        "A": [.generic, .string, .list, .set, .hash, .sortedSet, .stream, .expired, .evicted, .module],
    ]

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// What the parameter says; letters that mean nothing are not in it.
    init(letters: String) {
        self = letters.reduce(into: []) { events, letter in events.formUnion(Self.letters[letter] ?? []) }
    }
}

extension CacheEmulator {
    /// Which events are published, in the letters of `notify-keyspace-events`.
    public var keyspaceEvents: String {
        get { configuration["notify-keyspace-events"] }
        set {
            // Shown as a client's own would be; letters that mean nothing here are refused as they are there.
            guard case .taken(let letters) = Array(newValue.utf8).withBytes({ Configuration.Kind.events.check($0) })
            else { return }
            configuration.set("notify-keyspace-events", to: letters)
            publishEvents(KeyspaceEvents(letters: letters))
        }
    }

    /// From now on these events are published.
    func publishEvents(_ wanted: KeyspaceEvents) {
        // Without a channel nothing is heard, and nothing is looked at.
        events = wanted.isDisjoint(with: [.byKey, .byEvent]) ? [] : wanted
        for database in databases {
            guard events.contains(.new) else {
                database.keyAdded = nil
                continue
            }
            database.keyAdded = { [unowned self, unowned database] key in notify(.new, "new", key, in: database) }
        }
    }

    @inline(__always)
    func notify(_ kind: KeyspaceEvents, _ event: StaticString, _ key: Bytes, in database: Database) {
        if !events.isDisjoint(with: kind) { publish(event, of: key, in: database) }
    }

    @inline(never)
    private func publish(_ event: StaticString, of key: Bytes, in database: Database) {
        if events.contains(.byKey) {
            let channel = Array("__keyspace@\(database.number)__:".utf8) + key.array
            channel.withBytes { _ = channels.publish(Bytes(event), on: $0) }
        }
        if events.contains(.byEvent) {
            let channel = Array("__keyevent@\(database.number)__:\(event)".utf8)
            channel.withBytes { _ = channels.publish(key, on: $0) }
        }
    }
}

extension Call {
    /// An event of a key, for those who listen to events.
    @inline(__always) func notify(_ kind: KeyspaceEvents, _ event: StaticString, _ key: Bytes) {
        emulator.notify(kind, event, key, in: database)
    }

    /// A key was changed, and by what.
    @inline(__always) func changed(_ key: Bytes, _ kind: KeyspaceEvents, _ event: StaticString) {
        changed(key)
        notify(kind, event, key)
    }

    /// The last member of a key is gone, and the key with it.
    @inline(__always) func notifyRemoval(of key: Bytes) {
        notify(.generic, "del", key)
    }
}
