/// A small set of integers, sorted, in one block: epoch u32, capacity u32 (of the block), count u32, then Int64 each.
struct IntegerSet {
    let block: UnsafeMutableRawPointer

    private static let headerSize = 16

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }
    private var capacity: Int { Int(block.load(fromByteOffset: 4, as: UInt32.self)) }

    @inline(__always) private(set) var count: Int {
        get { Int(block.load(fromByteOffset: 8, as: UInt32.self)) }
        nonmutating set { block.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 8, as: UInt32.self) }
    }

    @inline(__always) private var values: UnsafeMutablePointer<Int64> {
        (block + Self.headerSize).assumingMemoryBound(to: Int64.self)
    }

    @inline(__always) subscript(index: Int) -> Int64 { values[index] }

    static func make(room: Int = 2, in memory: Memory) -> IntegerSet {
        let capacity = SizeClasses.capacity(headerSize + room * 8)
        let set = IntegerSet(block: memory.allocate(capacity))
        set.block.storeBytes(of: memory.epoch, as: UInt32.self)
        set.block.storeBytes(of: UInt32(capacity), toByteOffset: 4, as: UInt32.self)
        set.count = 0
        return set
    }

    func owned(in memory: Memory) -> IntegerSet {
        memory.isShared(epoch) ? moved(room: count, in: memory) : self
    }

    private func moved(room: Int, in memory: Memory) -> IntegerSet {
        let made = IntegerSet.make(room: room, in: memory)
        made.values.update(from: values, count: count)
        made.count = count
        free(in: memory)
        return made
    }

    func free(in memory: Memory) {
        memory.free(block, capacity, epoch: epoch)
    }

    func contains(_ value: Int64) -> Bool {
        let index = position(value)
        return index < count && values[index] == value
    }

    /// Adds a value that is not here; the set is owned.
    func inserting(_ value: Int64, in memory: Memory) -> IntegerSet {
        let fits = Self.headerSize + (count + 1) * 8 <= capacity
        let set = fits ? self : moved(room: count * 2, in: memory)
        let index = set.position(value)
        (set.values + index + 1).update(from: set.values + index, count: set.count - index)
        set.values[index] = value
        set.count += 1
        return set
    }

    /// Takes a value out if it is here; the set is owned.
    func remove(_ value: Int64) -> Bool {
        let index = position(value)
        guard index < count, values[index] == value else { return false }
        (values + index).update(from: values + index + 1, count: count - index - 1)
        count -= 1
        return true
    }

    /// The number of values below `value`.
    private func position(_ value: Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
