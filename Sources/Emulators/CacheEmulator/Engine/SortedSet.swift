import RESPWire

/// The sorted set of an entry: packed (member, score in 8 bytes, … in order) while it is small, then table and index.
struct SortedSet {
    let entry: Entry
    private let memory: Memory
    /// Redis's packed form knows no negative zero, but the results of set algebra do until they are stored.
    var keepsNegativeZeros = false

    /// How a sorted set is stored.
    private enum Encoding {
        static let indexed: UInt8 = 0
        static let packed: UInt8 = 1
    }

    /// To be written, the entry must be owned.
    init(_ entry: Entry, _ memory: Memory) {
        self.entry = entry
        self.memory = memory
    }

    static func makeEmpty(in entry: Entry, _ memory: Memory) {
        entry.setEncoding(Encoding.packed)
        entry.pointer = Packed.make(room: 44, in: memory).block
    }

    var isPacked: Bool { entry.encoding == Encoding.packed }
    private var packed: Packed { Packed(block: entry.pointer) }
    private var indexed: SortedSetValue { SortedSetValue(block: entry.pointer) }

    var count: Int { isPacked ? packed.count / 2 : indexed.count }

    func free() {
        if isPacked { packed.free(in: memory) } else { indexed.free(in: memory) }
    }

    func score(of member: Bytes) -> Double? {
        guard isPacked else { return indexed.score(of: member, keyHash(member, seed: memory.seed)) }
        return find(member)?.score
    }

    private struct Found {
        var rank: Int
        var offset: Int
        var next: Int
        var score: Double
    }

    /// Makes negative zeros of the packed form positive.
    func dropNegativeZeros() {
        guard isPacked else { return }
        let packed = packed
        var offset = packed.head
        while offset < packed.tail {
            let value = packed.element(at: offset).next
            let (score, next) = packed.element(at: value)
            if Self.score(score) == 0 {
                UnsafeMutableRawPointer(mutating: score.start).storeBytes(of: 0.0, as: Double.self)
            }
            offset = next
        }
    }

    private func find(_ member: Bytes) -> Found? {
        let packed = packed
        var offset = packed.head
        var rank = 0
        while offset < packed.tail {
            let (bytes, value) = packed.element(at: offset)
            let (score, next) = packed.element(at: value)
            if bytes == member { return Found(rank: rank, offset: offset, next: next, score: Self.score(score)) }
            offset = next
            rank += 1
        }
        return nil
    }

    private static func score(_ bytes: Bytes) -> Double {
        UnsafeRawPointer(bytes.start).loadUnaligned(as: Double.self)
    }

    /// Adds a member that is not here.
    func insert(_ member: Bytes, score: Double) {
        if isPacked, exceedsLimits(with: member) { becomeIndexed() }
        guard isPacked else {
            let set = indexed.owned(in: memory)
            entry.pointer = set.block
            return set.insert(member, keyHash(member, seed: memory.seed), score: score, in: memory)
        }
        insertPacked(member, score: score)
    }

    private func exceedsLimits(with member: Bytes) -> Bool {
        let limits = memory.packing
        return count >= limits.sortedSetMembers || member.count > limits.sortedSetBytes
            || packed.length &+ member.count > PackingLimits.mostPacked
    }

    /// In the packed form, whatever the limits are: a member that was here stays in the form that it was in.
    private func insertPacked(_ member: Bytes, score: Double) {
        let packed = packed.owned(in: memory)
        let score = score == 0 && !keepsNegativeZeros ? 0 : score
        var offset = packed.head
        while offset < packed.tail {
            let (bytes, value) = packed.element(at: offset)
            let (other, next) = packed.element(at: value)
            let otherScore = Self.score(other)
            if score < otherScore || (score == otherScore && member < bytes) { break }
            offset = next
        }
        let (made, next) = packed.inserting(member, at: offset, in: memory)
        entry.pointer = withUnsafeBytes(of: score) { raw in
            guard let start = raw.baseAddress else { return made.block }
            return made.inserting(Bytes(raw: start, 8), at: next, in: memory).0.block
        }
    }

    /// What became of an addition, with the score that the member has now.
    enum Outcome {
        case added(Double)
        case updated(Double)
        case same(Double)
        /// A condition did not hold: nothing was changed.
        case refused
        /// The sum of infinities: nothing was changed.
        case notANumber
    }

    /// Adds a member, or gives it another score. `member` is not bytes of this set.
    @inline(__always) func put(_ member: Bytes, score: Double) -> Outcome {
        if isPacked {
            guard let found = find(member) else {
                insert(member, score: score)
                return .added(score)
            }
            if found.score == score { return .same(score) }
            remove(found)
            insertPacked(member, score: score)
            return .updated(score)
        }
        let hash = keyHash(member, seed: memory.seed)
        guard let old = indexed.table.find(member, hash) else {
            let set = indexed.owned(in: memory)
            entry.pointer = set.block
            set.insert(member, hash, score: score, in: memory)
            return .added(score)
        }
        if old.score == score { return .same(score) }
        let set = indexed.owned(in: memory)
        entry.pointer = set.block
        set.setScore(score, of: old, hash, in: memory)
        return .updated(score)
    }

    /// Gives a member that is here another score. `member` is not bytes of this set.
    func setScore(_ score: Double, of member: Bytes) {
        if isPacked {
            _ = remove(member)
            return insertPacked(member, score: score)
        }
        let hash = keyHash(member, seed: memory.seed)
        let set = indexed.owned(in: memory)
        entry.pointer = set.block
        guard let found = set.table.find(member, hash) else { return }
        set.setScore(score, of: found, hash, in: memory)
    }

    /// Takes a member out; false when it is not here.
    func remove(_ member: Bytes) -> Bool {
        if isPacked {
            guard let found = find(member) else { return false }
            remove(found)
            return true
        }
        let hash = keyHash(member, seed: memory.seed)
        let set = indexed.owned(in: memory)
        entry.pointer = set.block
        guard let found = set.table.find(member, hash) else { return false }
        set.remove(found, hash, in: memory)
        return true
    }

    /// Takes out a member of the packed form.
    private func remove(_ found: Found) {
        let head = packed.head
        let owned = packed.owned(in: memory)
        entry.pointer = owned.block
        let moved = owned.head - head
        owned.remove(from: found.offset + moved, to: found.next + moved, elements: 2)
    }

    /// The number of members before `member`, or nil when it is not here.
    func rank(of member: Bytes) -> Int? {
        if isPacked { return find(member)?.rank }
        guard let found = indexed.table.find(member, keyHash(member, seed: memory.seed)) else { return nil }
        return indexed.index.rank(of: OrderedIndex.Item(score: found.score, member: found))
    }

    /// How many members, from the first on, `isBefore` holds for; it holds for all up to some place, for none behind.
    func count(where isBefore: (Bytes, Double) -> Bool) -> Int {
        guard isPacked else { return indexed.index.count { isBefore($0.member.key, $0.score) } }
        let packed = packed
        var offset = packed.head
        var count = 0
        while offset < packed.tail {
            let (bytes, value) = packed.element(at: offset)
            let (score, next) = packed.element(at: value)
            guard isBefore(bytes, Self.score(score)) else { break }
            offset = next
            count += 1
        }
        return count
    }

    /// Calls `body` with the members of ranks `from..<to` and their scores; it must not change the set.
    func forEach(from: Int = 0, to: Int = .max, reversed: Bool = false, _ body: (Bytes, Double) -> Void) {
        visit(from: from, to: to, reversed: reversed) {
            body($0, $1)
            return true
        }
    }

    /// The same until `body` returns false.
    func visit(from: Int = 0, to: Int = .max, reversed: Bool = false, while body: (Bytes, Double) -> Bool) {
        let to = min(to, count)
        guard from < to else { return }
        guard isPacked else {
            return indexed.index.visit(from: from, to: to, reversed: reversed) { body($0.member.key, $0.score) }
        }
        let packed = packed
        if reversed {
            var offset = packed.offset(of: to * 2)
            for _ in from..<to {
                let value = packed.start(before: offset)
                offset = packed.start(before: value)
                guard body(packed.element(at: offset).0, Self.score(packed.element(at: value).0)) else { return }
            }
        } else {
            var offset = packed.offset(of: from * 2)
            for _ in from..<to {
                let (bytes, value) = packed.element(at: offset)
                let (score, next) = packed.element(at: value)
                guard body(bytes, Self.score(score)) else { return }
                offset = next
            }
        }
    }

    /// Takes out the members of ranks `from..<to`, which exist.
    func remove(from: Int, to: Int) {
        guard from < to else { return }
        if isPacked {
            let packed = packed.owned(in: memory)
            entry.pointer = packed.block
            let first = packed.offset(of: from * 2)
            return packed.remove(from: first, to: packed.offset(of: to * 2), elements: (to - from) * 2)
        }
        let set = indexed.owned(in: memory)
        entry.pointer = set.block
        for _ in from..<to {
            let member = set.index.item(at: from).member
            set.remove(member, keyHash(member.key, seed: memory.seed), in: memory)
        }
    }

    /// As `Table.scan`; a packed set is visited whole.
    func scan(from cursor: UInt64, wanted: Int, _ visit: (Bytes, Double) -> Void) -> UInt64 {
        guard isPacked else {
            return indexed.table.scan(from: cursor, wanted: wanted) { visit($0.key, $0.score) }
        }
        forEach(visit)
        return 0
    }

    /// Changes from the packed form, in which the set is, to the other.
    func becomeIndexed() {
        let old = packed
        let set = SortedSetValue.make(in: memory)
        forEach { member, score in
            set.insert(member, keyHash(member, seed: memory.seed), score: score, in: memory)
        }
        old.free(in: memory)
        entry.setEncoding(Encoding.indexed)
        entry.pointer = set.block
    }
}

extension RandomNumberGenerator {
    /// A number below `upperBound`, each with the same chance.
    mutating func next(upperBound: UInt64) -> UInt64 {
        UInt64.random(in: 0..<upperBound, using: &self)
    }
}
