import RESPWire

/// A part of a table: an open-addressed array of up to 512 slots, with a header of 16 bytes:
///
///     0  epoch         u32
///     4  count         u16
///     6  capacity log2 u8
///     7  depth         u8   how many leading bits of a hash all entries here have in common
///     8  next expiry   i64  no entry here expires before it; `never` when none expires
///
/// A slot is 0 or an entry's address with the low 16 bits of its hash above it. The low 9 bits of those name the home
/// slot (their high part in a smaller segment), so that moving entries about needs no look at the entries.
struct Segment {
    let block: UnsafeMutableRawPointer

    static let headerSize = 16
    static let smallestLog2: UInt8 = 3
    static let largestLog2: UInt8 = 9
    static let never = Int64.max
    private static let addressMask: UInt64 = (1 << 48) - 1

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) var count: Int {
        get { Int(block.load(fromByteOffset: 4, as: UInt16.self)) }
        nonmutating set { block.storeBytes(of: UInt16(truncatingIfNeeded: newValue), toByteOffset: 4, as: UInt16.self) }
    }

    @inline(__always) var capacityLog2: UInt8 { block.load(fromByteOffset: 6, as: UInt8.self) }
    @inline(__always) var capacity: Int { 1 &<< Int(capacityLog2) }
    @inline(__always) var mask: Int { capacity &- 1 }

    @inline(__always) var depth: UInt8 {
        get { block.load(fromByteOffset: 7, as: UInt8.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 7, as: UInt8.self) }
    }

    @inline(__always) var nextExpiry: Int64 {
        get { block.load(fromByteOffset: 8, as: Int64.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 8, as: Int64.self) }
    }

    @inline(__always) var slots: UnsafeMutablePointer<UInt64> {
        (block + Self.headerSize).assumingMemoryBound(to: UInt64.self)
    }

    @inline(__always) var size: Int { Self.headerSize &+ (8 &<< Int(capacityLog2)) }

    /// At four fifths full it grows or is split.
    @inline(__always) var isFull: Bool { count &* 5 >= capacity &* 4 }

    static func make(capacityLog2: UInt8, depth: UInt8, in memory: Memory) -> Segment {
        let size = headerSize + (8 << Int(capacityLog2))
        let segment = Segment(block: memory.allocate(size))
        segment.block.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        segment.block.storeBytes(of: memory.epoch, as: UInt32.self)
        segment.block.storeBytes(of: capacityLog2, toByteOffset: 6, as: UInt8.self)
        segment.depth = depth
        segment.nextExpiry = never
        return segment
    }

    func copied(in memory: Memory) -> Segment {
        let copy = Segment(block: memory.allocate(size))
        copy.block.copyMemory(from: block, byteCount: size)
        copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
        return copy
    }

    func free(in memory: Memory) {
        memory.free(block, size, epoch: epoch)
    }

    // MARK: slots

    @inline(__always) static func slot(_ entry: Entry, _ hash: UInt64) -> UInt64 {
        hash << 48 | UInt64(UInt(bitPattern: entry.block))
    }

    @inline(__always) static func entry(_ slot: UInt64) -> Entry {
        Entry(UnsafeMutableRawPointer(bitPattern: UInt(slot & addressMask)).unsafelyUnwrapped)
    }

    /// The home of a hash's or a slot's 16 bits.
    @inline(__always) func home(_ bits: UInt64) -> Int {
        Int(truncatingIfNeeded: bits & 511) &>> Int(Self.largestLog2 &- capacityLog2)
    }

    /// The index of the slot that holds `key`, or nil.
    @inline(__always) func find(_ key: Bytes, _ hash: UInt64) -> Int? {
        let slots = slots
        let mask = mask
        let tag = hash & 0xffff
        var index = home(hash)
        while true {
            let slot = slots[index]
            if slot == 0 { return nil }
            if slot >> 48 == tag, Self.entry(slot).key == key { return index }
            index = (index &+ 1) & mask
        }
    }

    /// The entry that a key of this hash has, most likely, without a look at it.
    @inline(__always) func likely(_ hash: UInt64) -> Entry? {
        let slots = slots
        var index = home(hash)
        while slots[index] != 0, slots[index] >> 48 != hash & 0xffff { index = (index &+ 1) & mask }
        return slots[index] == 0 ? nil : Self.entry(slots[index])
    }

    /// The index of the slot that holds this very entry, which is here.
    func find(_ entry: Entry, _ hash: UInt64) -> Int {
        let wanted = Self.slot(entry, hash)
        var index = home(hash)
        while slots[index] != wanted { index = (index &+ 1) & mask }
        return index
    }

    /// Puts a slot that is not here into the first free place from its home on.
    @inline(__always) func place(_ slot: UInt64) {
        let slots = slots
        let mask = mask
        var index = home(slot >> 48)
        while slots[index] != 0 { index = (index &+ 1) & mask }
        slots[index] = slot
        count &+= 1
    }

    /// Empties a slot and moves those behind it that had been displaced past it.
    func clear(_ index: Int) {
        let slots = slots
        let mask = mask
        var hole = index
        var next = (hole &+ 1) & mask
        while slots[next] != 0 {
            let home = home(slots[next] >> 48)
            // `next` may move into the hole unless its home lies behind the hole (cyclically).
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = 0
        count &-= 1
    }
}
