import RESPWire

/// A run of byte strings in one block, for small collections and for the chunks of lists:
///
///     0  epoch     u32
///     4  capacity  u32  of the whole block
///     8  head      u32  where the first element begins
///    12  tail      u32  behind the last element
///    16  count     u32
///    20  …              free, elements, free
///
/// An element is its length (one byte below 128, else 0x80 and four bytes), its bytes, and the size of both again
/// (the same forms mirrored), so that it can be read from behind.
struct Packed {
    let block: UnsafeMutableRawPointer

    static let headerSize = 20

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) var capacity: Int { Int(block.load(fromByteOffset: 4, as: UInt32.self)) }

    @inline(__always) var head: Int {
        get { Int(block.load(fromByteOffset: 8, as: UInt32.self)) }
        nonmutating set { block.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 8, as: UInt32.self) }
    }

    @inline(__always) var tail: Int {
        get { Int(block.load(fromByteOffset: 12, as: UInt32.self)) }
        nonmutating set {
            block.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 12, as: UInt32.self)
        }
    }

    @inline(__always) var count: Int {
        get { Int(block.load(fromByteOffset: 16, as: UInt32.self)) }
        nonmutating set {
            block.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 16, as: UInt32.self)
        }
    }

    /// Bytes that the elements use.
    @inline(__always) var length: Int { tail &- head }

    /// Where the room stands that the elements do not need.
    enum FreeRoom {
        case behind
        case inFront
        case halved
    }

    /// An empty run with room for `room` bytes of elements.
    static func make(room: Int, free: FreeRoom = .behind, in memory: Memory) -> Packed {
        let capacity = SizeClasses.capacity(headerSize + room)
        let packed = Packed(block: memory.allocate(capacity))
        packed.block.storeBytes(of: memory.epoch, as: UInt32.self)
        packed.block.storeBytes(of: UInt32(capacity), toByteOffset: 4, as: UInt32.self)
        packed.place(length: 0, free: free)
        packed.count = 0
        return packed
    }

    /// The same elements in a block with room for `room` bytes of elements.
    func moved(room: Int, free: FreeRoom = .behind, in memory: Memory) -> Packed {
        let made = Packed.make(room: max(room, length), in: memory)
        made.place(length: length, free: free)
        made.count = count
        (made.block + made.head).copyMemory(from: block + head, byteCount: length)
        self.free(in: memory)
        return made
    }

    private func place(length: Int, free: FreeRoom) {
        let rest = capacity - Self.headerSize - length
        let front =
            switch free {
            case .behind: 0
            case .inFront: rest
            case .halved: rest / 2
            }
        head = Self.headerSize + front
        tail = head + length
    }

    @inline(__always) func owned(in memory: Memory) -> Packed {
        memory.isShared(epoch) ? moved(room: capacity - Self.headerSize, in: memory) : self
    }

    func free(in memory: Memory) {
        memory.free(block, capacity, epoch: epoch)
    }

    // MARK: elements

    /// The size of an element of `count` bytes.
    @inline(__always) static func elementSize(_ count: Int) -> Int {
        let front = count < 128 ? 1 &+ count : 5 &+ count
        return front &+ (front < 128 ? 1 : 5)
    }

    /// An element's bytes, and where the next one begins.
    @inline(__always) func element(at offset: Int) -> (Bytes, next: Int) {
        let first = block.load(fromByteOffset: offset, as: UInt8.self)
        if first < 128 {
            let count = Int(first)
            let front = 1 &+ count
            return (Bytes(raw: block + offset + 1, count), offset &+ front &+ (front < 128 ? 1 : 5))
        }
        let count = Int(block.loadUnaligned(fromByteOffset: offset &+ 1, as: UInt32.self))
        return (Bytes(raw: block + offset + 5, count), offset &+ 5 &+ count &+ 5)
    }

    /// Where the element that ends before `offset` begins.
    @inline(__always) func start(before offset: Int) -> Int {
        let last = block.load(fromByteOffset: offset &- 1, as: UInt8.self)
        if last < 128 { return offset &- 1 &- Int(last) }
        return offset &- 5 &- Int(block.loadUnaligned(fromByteOffset: offset &- 5, as: UInt32.self))
    }

    /// Where the element number `index` (0…count) begins; it walks from the nearer end.
    func offset(of index: Int) -> Int {
        if index <= count / 2 {
            var offset = head
            for _ in 0..<index { offset = element(at: offset).next }
            return offset
        }
        var offset = tail
        for _ in index..<count { offset = start(before: offset) }
        return offset
    }

    /// Writes an element at `offset`, where there is room for it.
    @inline(__always) private func write(_ bytes: Bytes, at offset: Int) {
        let count = bytes.count
        let place = block + offset
        let front: Int
        if count < 128 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: count), as: UInt8.self)
            (place + 1).copyMemory(from: bytes.start, byteCount: count)
            front = 1 &+ count
        } else {
            place.storeBytes(of: 0x80, as: UInt8.self)
            place.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 1, as: UInt32.self)
            (place + 5).copyMemory(from: bytes.start, byteCount: count)
            front = 5 &+ count
        }
        if front < 128 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: front), toByteOffset: front, as: UInt8.self)
        } else {
            place.storeBytes(of: UInt32(truncatingIfNeeded: front), toByteOffset: front, as: UInt32.self)
            place.storeBytes(of: 0x80, toByteOffset: front &+ 4, as: UInt8.self)
        }
    }

    /// Appends when there is room behind the last element.
    @inline(__always) func appendIfRoom(_ bytes: Bytes) -> Bool {
        let size = Self.elementSize(bytes.count)
        guard tail &+ size <= capacity else { return false }
        write(bytes, at: tail)
        tail &+= size
        count &+= 1
        return true
    }

    /// Prepends when there is room in front of the first element.
    @inline(__always) func prependIfRoom(_ bytes: Bytes) -> Bool {
        let size = Self.elementSize(bytes.count)
        guard head &- size >= Self.headerSize else { return false }
        head &-= size
        write(bytes, at: head)
        count &+= 1
        return true
    }

    /// Appends, in a larger block if need be; the run is owned.
    func appending(_ bytes: Bytes, in memory: Memory) -> Packed {
        if appendIfRoom(bytes) { return self }
        let grown = withRoom(for: Self.elementSize(bytes.count), in: memory)
        _ = grown.appendIfRoom(bytes)
        return grown
    }

    /// Puts an element before the one at `offset` (or behind the last); the run is owned. Returns the run and where
    /// the element behind the new one begins.
    func inserting(_ bytes: Bytes, at offset: Int, in memory: Memory) -> (Packed, next: Int) {
        let size = Self.elementSize(bytes.count)
        let index = offset - head
        let packed = tail + size <= capacity ? self : withRoom(for: size, in: memory)
        let place = packed.head + index
        (packed.block + place + size).copyMemory(from: packed.block + place, byteCount: packed.tail - place)
        packed.write(bytes, at: place)
        packed.tail += size
        packed.count += 1
        return (packed, place + size)
    }

    /// Puts other bytes in the place of the element at `offset`; the run is owned. Returns the run and where the
    /// element behind it begins.
    func replacing(at offset: Int, with bytes: Bytes, in memory: Memory) -> (Packed, next: Int) {
        let next = element(at: offset).next
        if next - offset == Self.elementSize(bytes.count) {
            write(bytes, at: offset)
            return (self, next)
        }
        // `bytes` is never an element of this run: it would move under the insertion.
        let wasFirst = offset == head
        remove(from: offset, to: next, elements: 1)
        return inserting(bytes, at: wasFirst ? head : offset, in: memory)
    }

    /// Takes out the elements between two offsets; the run is owned.
    func remove(from: Int, to: Int, elements: Int) {
        if from == head {
            head = to
        } else {
            (block + from).copyMemory(from: block + to, byteCount: tail - to)
            tail -= to - from
        }
        count -= elements
    }

    private func withRoom(for size: Int, in memory: Memory) -> Packed {
        let needed = length + size
        return moved(room: max(needed, min(needed * 2, needed + 1024)), in: memory)
    }
}
