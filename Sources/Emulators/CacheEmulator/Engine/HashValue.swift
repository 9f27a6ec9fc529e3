import RESPWire

/// The hash of an entry: packed (field, value, field, value … in order of arrival) while it is small, then a table.
struct HashValue {
    let entry: Entry
    private let memory: Memory

    /// How a hash is stored.
    private enum Encoding {
        static let table: UInt8 = 0
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
    private var table: Table { Table(block: entry.pointer) }

    var count: Int { isPacked ? packed.count / 2 : table.count }

    func free() {
        if isPacked { packed.free(in: memory) } else { memory.discard(table) }
    }

    func value(of field: Bytes) -> Bytes? {
        guard isPacked else { return table.find(field, keyHash(field, seed: memory.seed))?.value }
        guard let found = find(field) else { return nil }
        return packed.element(at: found.value).0
    }

    /// Where a field, its value and the field behind begin in the packed form.
    private func find(_ field: Bytes) -> (field: Int, value: Int, next: Int)? {
        let packed = packed
        var offset = packed.head
        while offset < packed.tail {
            let (name, value) = packed.element(at: offset)
            let next = packed.element(at: value).next
            if name == field { return (offset, value, next) }
            offset = next
        }
        return nil
    }

    /// Sets a field; true when it is new. Neither argument may be bytes of this hash.
    func set(_ field: Bytes, _ value: Bytes) -> Bool {
        if isPacked {
            let most = memory.packing.hashBytes
            let isLong = packed.length &+ field.count &+ value.count > PackingLimits.mostPacked
            if field.count > most || value.count > most || isLong { becomeTable() }
        }
        guard isPacked else { return setInTable(field, value) }
        let owned = packed.owned(in: memory)
        entry.pointer = owned.block
        if let found = find(field) {
            entry.pointer = owned.replacing(at: found.value, with: value, in: memory).0.block
            // The limit may be a lower one than when the fields came.
            if count > memory.packing.hashFields { becomeTable() }
            return false
        }
        if count >= memory.packing.hashFields {
            becomeTable()
            return setInTable(field, value)
        }
        entry.pointer = owned.appending(field, in: memory).appending(value, in: memory).block
        return true
    }

    private func setInTable(_ field: Bytes, _ value: Bytes) -> Bool {
        let hash = keyHash(field, seed: memory.seed)
        let table = table.owned(in: memory)
        entry.pointer = table.block
        let old = table.find(field, hash)
        if let old, !memory.isShared(old.epoch), old.hasRoom(forValue: value.count) {
            old.setValueLength(value.count)
            old.valueStart.copyMemory(from: value.start, byteCount: value.count)
            return false
        }
        let made = Entry.make(
            key: field, valueLength: value.count, type: .string, encoding: 0, expiry: nil, in: memory)
        made.valueStart.copyMemory(from: value.start, byteCount: value.count)
        guard let old else {
            table.insert(made, hash, in: memory)
            return true
        }
        table.replace(old, with: made, hash, in: memory)
        old.free(in: memory)
        return false
    }

    /// Takes a field out; false when it is not here.
    func remove(_ field: Bytes) -> Bool {
        if isPacked {
            let owned = packed.owned(in: memory)
            entry.pointer = owned.block
            guard let found = find(field) else { return false }
            owned.remove(from: found.field, to: found.next, elements: 2)
            return true
        }
        let hash = keyHash(field, seed: memory.seed)
        let table = table.owned(in: memory)
        entry.pointer = table.block
        guard let old = table.find(field, hash) else { return false }
        table.remove(old, hash, in: memory)
        old.free(in: memory)
        return true
    }

    /// Calls `body` with every field and value; it must not change the hash.
    func forEach(_ body: (Bytes, Bytes) -> Void) {
        guard isPacked else { return table.forEach { body($0.key, $0.value) } }
        let packed = packed
        var offset = packed.head
        while offset < packed.tail {
            let (field, value) = packed.element(at: offset)
            let (bytes, next) = packed.element(at: value)
            body(field, bytes)
            offset = next
        }
    }

    /// As `Table.scan`; a packed hash is visited whole.
    func scan(from cursor: UInt64, wanted: Int, _ visit: (Bytes, Bytes) -> Void) -> UInt64 {
        guard isPacked else { return table.scan(from: cursor, wanted: wanted) { visit($0.key, $0.value) } }
        forEach(visit)
        return 0
    }

    /// A field drawn at random; the hash is not empty.
    func random(using generator: inout some RandomNumberGenerator) -> (Bytes, Bytes) {
        guard isPacked else {
            let entry = table.random(using: &generator)
            return (entry.key, entry.value)
        }
        let packed = packed
        let offset = packed.offset(of: 2 * Int(generator.next(upperBound: UInt64(count))))
        let (field, value) = packed.element(at: offset)
        return (field, packed.element(at: value).0)
    }

    /// From now on a table; it is none yet.
    func becomeTable() {
        let old = packed
        let table = Table.make(in: memory)
        forEach { field, value in
            let made = Entry.make(
                key: field, valueLength: value.count, type: .string, encoding: 0, expiry: nil, in: memory)
            made.valueStart.copyMemory(from: value.start, byteCount: value.count)
            table.insert(made, keyHash(field, seed: memory.seed), in: memory)
        }
        old.free(in: memory)
        entry.setEncoding(Encoding.table)
        entry.pointer = table.block
    }
}
