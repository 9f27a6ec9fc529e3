import RESPWire

/// A large sorted set: a table of members with their scores, and an ordered index of the same entries.
///
/// The header is a block of 24 bytes: epoch u32, unused u32, the table's address, the index's root.
struct SortedSetValue {
    let block: UnsafeMutableRawPointer

    private static let headerSize = 24

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) var table: Table {
        get { Table(block: block.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self)) }
        nonmutating set { block.storeBytes(of: newValue.block, toByteOffset: 8, as: UnsafeMutableRawPointer.self) }
    }

    @inline(__always) var index: OrderedIndex {
        get { OrderedIndex(root: block.load(fromByteOffset: 16, as: UnsafeMutableRawPointer.self)) }
        nonmutating set {
            block.storeBytes(of: newValue.root.block, toByteOffset: 16, as: UnsafeMutableRawPointer.self)
        }
    }

    @inline(__always) var count: Int { table.count }

    static func make(in memory: Memory) -> SortedSetValue {
        let set = SortedSetValue(block: memory.allocate(headerSize))
        set.block.storeBytes(of: memory.epoch, as: UInt32.self)
        set.table = Table.make(in: memory)
        set.index = OrderedIndex(in: memory)
        return set
    }

    /// This set, or a header of its own when a snapshot shares it; table and index are owned piece by piece.
    @inline(__always) func owned(in memory: Memory) -> SortedSetValue {
        guard memory.isShared(epoch) else { return self }
        let copy = SortedSetValue(block: memory.allocate(Self.headerSize))
        copy.block.copyMemory(from: block, byteCount: Self.headerSize)
        copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
        memory.free(block, Self.headerSize, epoch: epoch)
        return copy
    }

    func free(in memory: Memory) {
        memory.discard(index, count: count)
        memory.discard(table)
        memory.free(block, Self.headerSize, epoch: epoch)
    }

    @inline(__always) func score(of member: Bytes, _ hash: UInt64) -> Double? {
        table.find(member, hash)?.score
    }

    /// Adds a member that is not here; the set is owned.
    func insert(_ member: Bytes, _ hash: UInt64, score: Double, in memory: Memory) {
        let entry = Entry.make(key: member, valueLength: 8, type: .string, encoding: 0, expiry: nil, in: memory)
        entry.score = score
        table = table.owned(in: memory)
        table.insert(entry, hash, in: memory)
        var index = index
        index.insert(OrderedIndex.Item(score: score, member: entry), in: memory)
        self.index = index
    }

    /// Gives a member that is here another score; the set is owned.
    func setScore(_ score: Double, of entry: Entry, _ hash: UInt64, in memory: Memory) {
        var index = index
        index.remove(OrderedIndex.Item(score: entry.score, member: entry), in: memory)
        var changed = entry
        if memory.isShared(entry.epoch) {
            changed = entry.remade(valueLength: 8, expiry: nil, in: memory)
            table = table.owned(in: memory)
            table.replace(entry, with: changed, hash, in: memory)
            entry.free(in: memory)
        }
        changed.score = score
        index.insert(OrderedIndex.Item(score: score, member: changed), in: memory)
        self.index = index
    }

    /// Takes a member out that is here; the set is owned.
    func remove(_ entry: Entry, _ hash: UInt64, in memory: Memory) {
        var index = index
        index.remove(OrderedIndex.Item(score: entry.score, member: entry), in: memory)
        self.index = index
        table = table.owned(in: memory)
        table.remove(entry, hash, in: memory)
        entry.free(in: memory)
    }
}
