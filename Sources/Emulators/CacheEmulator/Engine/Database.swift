import RESPWire

/// The time of a keyspace: set before every batch of commands, so that all of it sees one instant.
final class KeyspaceClock {
    /// Milliseconds since 1970.
    @exclusivity(unchecked) var now: Int64 = 0 {
        didSet { look() }
    }
    /// Entries say how often they are used, not when.
    var countsUses = false { didSet { look() } }
    /// What a new entry says of its use: the time in seconds, as far as there is room for it, or a `Frequency`.
    @exclusivity(unchecked) private(set) var access: UInt32 = 0

    @inline(__always) private func look() {
        access =
            countsUses
            ? Frequency.minutes(now) << 8 | Frequency.initial : UInt32(truncatingIfNeeded: now / 1000) & 0xff_ffff
    }
}

/// One numbered database of a keyspace: keys with their values.
///
/// It knows types only as far as memory needs; what commands mean is in `Commands/`. Confined to its loop.
final class Database {
    let memory: Memory
    let number: Int
    @exclusivity(unchecked) private(set) var table: Table
    /// Keys that have an expiry.
    @exclusivity(unchecked) private(set) var expiringCount = 0
    /// Where in the directory the search for what is due goes on.
    private var expiryPlace = 0
    private let clock: KeyspaceClock
    /// Called with each key that expired, before it is taken out.
    var keyExpired: ((Bytes) -> Void)?
    /// Called, while somebody waits for keys of this database, with each key that comes into it, and with each stream
    /// before it is gone.
    @exclusivity(unchecked) var keyIsReady: ((Entry) -> Void)?
    /// How many wait for keys of this database.
    @exclusivity(unchecked) var awaitedCount = 0
    /// Called with each key that was not here before, where somebody asks for that.
    @exclusivity(unchecked) var keyAdded: ((Bytes) -> Void)?

    /// Empty, or with what an image of the memory's origin holds.
    init(number: Int, memory: Memory, clock: KeyspaceClock, from part: KeyspaceImage.Part? = nil) {
        self.number = number
        self.memory = memory
        self.clock = clock
        table = part?.table ?? Table.make(in: memory)
        expiringCount = part?.expiring ?? 0
    }

    /// The memory has begun anew: what was here is not to be freed.
    func beginAnew(from part: KeyspaceImage.Part?) {
        table = part?.table ?? Table.make(in: memory)
        expiringCount = part?.expiring ?? 0
    }

    /// Time as the commands see it: milliseconds since 1970.
    @inline(__always) var now: Int64 { clock.now }

    var count: Int { table.count }

    @inline(__always) func hash(_ key: Bytes) -> UInt64 { keyHash(key, seed: memory.seed) }

    // MARK: keys

    /// The entry of a key; one whose time is over is taken out and not found.
    @inline(__always) func find(_ key: Bytes, _ hash: UInt64) -> Entry? {
        guard let entry = table.find(key, hash) else { return nil }
        if entry.hasExpiry, entry.expiry <= now {
            expire(entry, hash)
            return nil
        }
        return entry
    }

    /// Adds an entry whose key is not here.
    @inline(__always) func insert(_ entry: Entry, _ hash: UInt64) {
        insertSilently(entry, hash)
        if let keyAdded { keyAdded(entry.key) }
        if awaitedCount > 0 { keyIsReady?(entry) }
    }

    @inline(__always) private func insertSilently(_ entry: Entry, _ hash: UInt64) {
        table = table.owned(in: memory)
        // One that has had another name says of its use what it did.
        if entry.access == 0 { entry.setAccess(clock.access) }
        table.insert(entry, hash, in: memory)
        if entry.hasExpiry { expiringCount &+= 1 }
    }

    /// Takes an entry out and frees it with its value.
    func remove(_ entry: Entry, _ hash: UInt64) {
        unlink(entry, hash)
        freeValue(entry)
        entry.free(in: memory)
    }

    /// Takes an entry out and leaves it to the caller, who frees its block.
    func unlink(_ entry: Entry, _ hash: UInt64) {
        if awaitedCount > 0, entry.type == .stream { keyIsReady?(entry) }
        if entry.hasExpiry { expiringCount -= 1 }
        table = table.owned(in: memory)
        table.remove(entry, hash, in: memory)
    }

    /// Puts `entry` into the place of `old`, whose value it has taken over or which had none of its own; `old`'s block
    /// is freed.
    @inline(__always) func replace(_ old: Entry, with entry: Entry, _ hash: UInt64) {
        if old.hasExpiry { expiringCount &-= 1 }
        if entry.hasExpiry { expiringCount &+= 1 }
        table = table.owned(in: memory)
        table.replace(old, with: entry, hash, in: memory)
        old.free(in: memory)
    }

    /// The entry in a block that may be written: itself, or a copy in its place when a snapshot shares it.
    @inline(__always) func owned(_ entry: Entry, _ hash: UInt64) -> Entry {
        let owned = memory.isShared(entry.epoch) ? copied(entry, hash) : entry
        if !clock.countsUses { owned.setAccess(clock.access) }
        return owned
    }

    private func copied(_ entry: Entry, _ hash: UInt64) -> Entry {
        let copy = entry.remade(
            valueLength: entry.valueLength, expiry: entry.hasExpiry ? entry.expiry : nil, in: memory)
        replace(entry, with: copy, hash)
        return copy
    }

    /// Gives a key an expiry, or takes it away; returns the entry, which may have moved.
    @discardableResult
    func setExpiry(_ expiry: Int64?, of entry: Entry, _ hash: UInt64) -> Entry {
        if let expiry, entry.hasExpiry {
            let owned = owned(entry, hash)
            owned.setExpiry(expiry)
            table.noteExpiry(expiry, hash, in: memory)
            return owned
        }
        guard expiry != nil || entry.hasExpiry else { return entry }
        let changed = entry.remade(valueLength: entry.valueLength, expiry: expiry, in: memory)
        replace(entry, with: changed, hash)
        return changed
    }

    private func expire(_ entry: Entry, _ hash: UInt64) {
        keyExpired?(entry.key)
        remove(entry, hash)
    }

    /// Takes out keys whose time is over, in segments that may have some, until `budget` entries, or as many segments, have
    /// been looked at. Returns false when it stopped for that: the next call goes on there. What a table that grows or
    /// shrinks meanwhile hides from one pass, the next one finds.
    func expireDue(budget: Int) -> Bool {
        var place = expiryPlace
        expiryPlace = 0
        guard expiringCount > 0 else { return true }
        var (rest, looks) = (budget, budget)
        var due: [(Entry, UInt64)] = []
        let depth = table.depth
        while place < table.directoryCount {
            guard rest > 0, looks > 0 else {
                expiryPlace = place
                return false
            }
            let segment = Segment(block: table.directory[place])
            let span = 1 << Int(depth - segment.depth)
            place = place & ~(span - 1) + span
            looks -= 1
            guard segment.nextExpiry <= now else { continue }
            rest -= segment.capacity
            var next = Segment.never
            due.removeAll(keepingCapacity: true)
            for index in 0..<segment.capacity where segment.slots[index] != 0 {
                let entry = Segment.entry(segment.slots[index])
                guard entry.hasExpiry else { continue }
                if entry.expiry <= now { due.append((entry, hash(entry.key))) } else { next = min(next, entry.expiry) }
            }
            if let (_, hash) = due.first {
                // Others who share the segment still have what is due.
                table = table.owned(in: memory)
                table.ownedSegment(hash, in: memory).nextExpiry = next
            } else {
                // A hint, not contents, and as true for whoever shares the segment: written in place.
                segment.nextExpiry = next
            }
            for (entry, hash) in due { expire(entry, hash) }
            guard table.depth == depth else { return false }  // it has shrunk: places are others now
        }
        return true
    }

    // MARK: values

    /// Frees what an entry's value owns outside the entry's block.
    func freeValue(_ entry: Entry) {
        entry.freeValue(in: memory)
    }

    /// Takes out everything.
    func removeAll() {
        let old = table
        table = Table.make(in: memory)
        expiringCount = 0
        memory.discard(old, ofKeys: true)
    }

    /// Exchanges contents with another database of the keyspace.
    func swapContents(with other: Database) {
        swap(&table, &other.table)
        swap(&expiringCount, &other.expiringCount)
    }
}

extension Entry {
    /// Frees what the value owns outside the entry's block, a large one a part at a time.
    func freeValue(in memory: Memory) {
        switch type {
        case .string: break
        case .list: memory.discard(ListValue(block: pointer))
        case .stream: StreamValue(block: pointer).free(in: memory)
        case .set: SetValue(self, memory).free()
        case .hash: HashValue(self, memory).free()
        case .sortedSet: SortedSet(self, memory).free()
        }
    }
}

// MARK: strings

extension Database {
    /// How a string is stored.
    enum StringEncoding {
        /// As its bytes.
        static let bytes: UInt8 = 0
        /// As a number of 8 bytes.
        static let integer: UInt8 = 1
        /// As its bytes, grown in place at some time; only OBJECT ENCODING tells the difference.
        static let grown: UInt8 = 2
    }

    /// A new entry of a string, as a number where it is one in canonical form and may be stored as one.
    @inline(__always)
    func makeString(_ key: Bytes, _ value: Bytes, expiry: Int64?, isNumber: Bool = true) -> Entry {
        if isNumber, value.count <= 20, let integer = value.integer { return makeInteger(key, integer, expiry: expiry) }
        let entry = Entry.make(
            key: key, valueLength: value.count, type: .string, encoding: StringEncoding.bytes, expiry: expiry,
            in: memory)
        entry.valueStart.copyMemory(from: value.start, byteCount: value.count)
        return entry
    }

    @inline(__always) func makeInteger(_ key: Bytes, _ value: Int64, expiry: Int64?) -> Entry {
        let entry = Entry.make(
            key: key, valueLength: 8, type: .string, encoding: StringEncoding.integer, expiry: expiry, in: memory)
        entry.integer = value
        return entry
    }

    /// Sets a key to a string, whatever it was; in place where the block allows.
    @inline(__always)
    func setString(_ key: Bytes, _ hash: UInt64, _ value: Bytes, expiry: Int64?, isNumber: Bool = true) {
        guard let old = find(key, hash) else {
            return insert(makeString(key, value, expiry: expiry, isNumber: isNumber), hash)
        }
        if old.type == .string, old.encoding != StringEncoding.integer, !old.hasExpiry, expiry == nil,
            !memory.isShared(old.epoch), old.hasRoom(forValue: value.count), value.count > 20
        {
            old.valueStart.copyMemory(from: value.start, byteCount: value.count)
            old.setValueLength(value.count)
            old.setEncoding(StringEncoding.bytes)
            if !clock.countsUses { old.setAccess(clock.access) }
            return
        }
        if old.type != .string {
            if awaitedCount > 0, old.type == .stream { keyIsReady?(old) }
            freeValue(old)
        }
        let entry = makeString(key, value, expiry: expiry, isNumber: isNumber)
        // As in Redis a key that is set anew has been used as often as before.
        entry.setAccess(clock.countsUses ? old.access : clock.access)
        replace(old, with: entry, hash)
    }

    /// Makes the string of `entry` `length` bytes long, zeros behind what it has; returns the entry, whose value is
    /// bytes and may be written.
    func resizeString(_ entry: Entry, _ hash: UInt64, to length: Int) -> Entry {
        var entry = owned(entry, hash)
        if entry.encoding == StringEncoding.integer {
            let value = entry.integer
            var digits = [UInt8](repeating: 0, count: Decimal.maxLength)
            let count = digits.withUnsafeMutableBufferPointer {
                Decimal.write(value, to: $0.baseAddress.unsafelyUnwrapped)
            }
            let made = entry.remade(valueLength: count, expiry: entry.hasExpiry ? entry.expiry : nil, in: memory)
            made.valueStart.copyMemory(from: digits, byteCount: count)
            replace(entry, with: made, hash)
            entry = made
        }
        let old = entry.valueLength
        if !entry.hasRoom(forValue: length) {
            let made = entry.remade(valueLength: length, expiry: entry.hasExpiry ? entry.expiry : nil, in: memory)
            replace(entry, with: made, hash)
            entry = made
        }
        entry.setValueLength(length)
        entry.setEncoding(StringEncoding.grown)
        if length > old {
            (entry.valueStart + old).initializeMemory(as: UInt8.self, repeating: 0, count: length - old)
        }
        return entry
    }

    /// Calls `body` with the bytes of a string.
    @inline(__always)
    func withString<Result>(_ entry: Entry, _ body: (Bytes) -> Result) -> Result {
        guard entry.encoding == StringEncoding.integer else { return body(entry.value) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
            let start = digits.baseAddress.unsafelyUnwrapped
            return body(Bytes(UnsafePointer(start), Decimal.write(entry.integer, to: start)))
        }
    }
}

// MARK: larger values

extension Database {
    /// A new, empty value of a type that has members; it must not stay empty, but for a stream.
    func make(_ type: ValueType, _ key: Bytes, _ hash: UInt64) -> Entry {
        let entry = makeDetached(type, key)
        insert(entry, hash)
        return entry
    }

    /// The same, not in the table: for `put` or `discard` once it is filled.
    func makeDetached(_ type: ValueType, _ key: Bytes) -> Entry {
        let entry = Entry.make(key: key, valueLength: 8, type: type, encoding: 0, expiry: nil, in: memory)
        switch type {
        case .list: entry.pointer = ListValue.make(in: memory).block
        case .set: SetValue.makeEmpty(in: entry, memory)
        case .hash: HashValue.makeEmpty(in: entry, memory)
        case .sortedSet: SortedSet.makeEmpty(in: entry, memory)
        case .stream: entry.pointer = StreamValue.make(in: memory).block
        case .string: preconditionFailure("only types with members are made empty")
        }
        return entry
    }

    /// Adds a detached entry in the place of whatever has its key. As in Redis, one that takes a place wakes nobody who
    /// waits for the key: only one that was not there does.
    func put(_ entry: Entry, _ hash: UInt64) {
        guard let old = find(entry.key, hash) else { return insert(entry, hash) }
        remove(old, hash)
        insertSilently(entry, hash)
    }

    /// Frees a detached entry with its value.
    func discard(_ entry: Entry) {
        freeValue(entry)
        entry.free(in: memory)
    }

    /// The list of an entry, to be read.
    @inline(__always) func list(_ entry: Entry) -> ListValue { ListValue(block: entry.pointer) }

    /// The list of an entry, to be written; the entry may have moved.
    @inline(__always) func ownedList(_ entry: inout Entry, _ hash: UInt64) -> ListValue {
        entry = owned(entry, hash)
        let list = ListValue(block: entry.pointer).owned(in: memory)
        entry.pointer = list.block
        return list
    }

    /// The sorted set of an entry, to be read.
    @inline(__always) func sortedSet(_ entry: Entry) -> SortedSet { SortedSet(entry, memory) }

    /// The sorted set of an entry, to be written; its entry may be another one than before.
    @inline(__always) func ownedSortedSet(_ entry: Entry, _ hash: UInt64) -> SortedSet {
        SortedSet(owned(entry, hash), memory)
    }
}
