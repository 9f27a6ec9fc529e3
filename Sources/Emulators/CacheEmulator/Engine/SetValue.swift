import RESPWire

/// The set of an entry: sorted integers while it is small and has nothing else, otherwise a table.
struct SetValue {
    let entry: Entry
    private let memory: Memory

    /// How a set is stored.
    private enum Encoding {
        static let table: UInt8 = 0
        static let integers: UInt8 = 1
    }

    /// To be written, the entry must be owned.
    init(_ entry: Entry, _ memory: Memory) {
        self.entry = entry
        self.memory = memory
    }

    static func makeEmpty(in entry: Entry, _ memory: Memory) {
        entry.setEncoding(Encoding.integers)
        entry.pointer = IntegerSet.make(in: memory).block
    }

    var hasIntegers: Bool { entry.encoding == Encoding.integers }
    private var integers: IntegerSet { IntegerSet(block: entry.pointer) }
    private var table: Table { Table(block: entry.pointer) }

    var count: Int { hasIntegers ? integers.count : table.count }

    func free() {
        if hasIntegers { integers.free(in: memory) } else { memory.discard(table) }
    }

    func contains(_ member: Bytes) -> Bool {
        guard hasIntegers else { return table.find(member, keyHash(member, seed: memory.seed)) != nil }
        guard let value = member.integer else { return false }
        return integers.contains(value)
    }

    /// Adds a member; false when it is here.
    func insert(_ member: Bytes) -> Bool {
        if hasIntegers {
            if let value = member.integer {
                if integers.contains(value) { return false }
                if integers.count < memory.packing.integers {
                    entry.pointer = integers.owned(in: memory).inserting(value, in: memory).block
                    return true
                }
            }
            becomeTable()
        }
        let hash = keyHash(member, seed: memory.seed)
        if table.find(member, hash) != nil { return false }
        let table = table.owned(in: memory)
        entry.pointer = table.block
        insert(member, hash, into: table)
        return true
    }

    /// Takes a member out; false when it is not here.
    func remove(_ member: Bytes) -> Bool {
        if hasIntegers {
            guard let value = member.integer, integers.contains(value) else { return false }
            let owned = integers.owned(in: memory)
            entry.pointer = owned.block
            return owned.remove(value)
        }
        let hash = keyHash(member, seed: memory.seed)
        guard let old = table.find(member, hash) else { return false }
        let table = table.owned(in: memory)
        entry.pointer = table.block
        table.remove(old, hash, in: memory)
        old.free(in: memory)
        return true
    }

    /// Calls `body` with every member until it returns false; it must not change the set.
    func visit(while body: (Bytes) -> Bool) {
        if hasIntegers {
            for index in 0..<integers.count {
                guard withDigits(integers[index], body) else { return }
            }
            return
        }
        var goesOn = true
        table.forEach { entry in
            if goesOn { goesOn = body(entry.key) }
        }
    }

    func forEach(_ body: (Bytes) -> Void) {
        visit {
            body($0)
            return true
        }
    }

    /// As `Table.scan`; a set of integers is visited whole.
    func scan(from cursor: UInt64, wanted: Int, _ visit: (Bytes) -> Void) -> UInt64 {
        guard hasIntegers else { return table.scan(from: cursor, wanted: wanted) { visit($0.key) } }
        forEach(visit)
        return 0
    }

    /// Calls `body` with a member drawn at random; the set is not empty.
    func random<Result>(using generator: inout some RandomNumberGenerator, _ body: (Bytes) -> Result) -> Result {
        guard hasIntegers else { return body(table.random(using: &generator).key) }
        return withDigits(integers[Int(generator.next(upperBound: UInt64(integers.count)))], body)
    }

    private func withDigits<Result>(_ value: Int64, _ body: (Bytes) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
            let start = digits.baseAddress.unsafelyUnwrapped
            return body(Bytes(UnsafePointer(start), Decimal.write(value, to: start)))
        }
    }

    private func insert(_ member: Bytes, _ hash: UInt64, into table: Table) {
        let made = Entry.make(key: member, valueLength: 0, type: .string, encoding: 0, expiry: nil, in: memory)
        table.insert(made, hash, in: memory)
    }

    /// From now on a table; it is none yet.
    func becomeTable() {
        let old = integers
        let table = Table.make(in: memory)
        forEach { insert($0, keyHash($0, seed: memory.seed), into: table) }
        old.free(in: memory)
        entry.setEncoding(Encoding.table)
        entry.pointer = table.block
    }
}
