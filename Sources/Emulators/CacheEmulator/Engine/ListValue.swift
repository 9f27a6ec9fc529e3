import RESPWire

/// A list: a deque of packed chunks of up to 4 KiB. The header is a block of 40 bytes:
///
///     0  epoch     u32  of the header and the deque
///     4  first     u32  place of the first chunk in the deque
///     8  count     Int  elements
///    16  chunks    Int
///    24  deque     address of `places` chunk addresses
///    32  places    Int
struct ListValue {
    let block: UnsafeMutableRawPointer

    static let headerSize = 40
    /// What a chunk holds before another one is begun.
    private static let chunkRoom = 4096 - Packed.headerSize
    private static let smallestRoom = 64 - Packed.headerSize

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) private var first: Int {
        get { Int(block.load(fromByteOffset: 4, as: UInt32.self)) }
        nonmutating set { block.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 4, as: UInt32.self) }
    }

    @inline(__always) var count: Int {
        get { block.load(fromByteOffset: 8, as: Int.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 8, as: Int.self) }
    }

    @inline(__always) private(set) var chunkCount: Int {
        get { block.load(fromByteOffset: 16, as: Int.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 16, as: Int.self) }
    }

    @inline(__always) private var deque: UnsafeMutablePointer<UnsafeMutableRawPointer> {
        block.load(fromByteOffset: 24, as: UnsafeMutableRawPointer.self)
            .assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    }

    private func setDeque(_ new: UnsafeMutableRawPointer, places: Int) {
        block.storeBytes(of: new, toByteOffset: 24, as: UnsafeMutableRawPointer.self)
        block.storeBytes(of: places, toByteOffset: 32, as: Int.self)
    }

    @inline(__always) private var places: Int { block.load(fromByteOffset: 32, as: Int.self) }

    static func make(in memory: Memory) -> ListValue {
        let list = ListValue(block: memory.allocate(headerSize))
        list.block.initializeMemory(as: UInt8.self, repeating: 0, count: headerSize)
        list.block.storeBytes(of: memory.epoch, as: UInt32.self)
        list.setDeque(memory.allocate(16), places: 2)
        return list
    }

    @inline(__always) func owned(in memory: Memory) -> ListValue {
        memory.isShared(epoch) ? copied(in: memory) : self
    }

    private func copied(in memory: Memory) -> ListValue {
        let copy = ListValue(block: memory.allocate(Self.headerSize))
        copy.block.copyMemory(from: block, byteCount: Self.headerSize)
        copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
        let list = memory.allocate(places * 8)
        list.copyMemory(from: deque, byteCount: places * 8)
        copy.setDeque(list, places: places)
        memory.free(UnsafeMutableRawPointer(deque), places * 8, epoch: epoch)
        memory.free(block, Self.headerSize, epoch: epoch)
        return copy
    }

    func free(in memory: Memory) {
        for index in 0..<chunkCount { chunk(index).free(in: memory) }
        freeDeque(in: memory)
    }

    /// Frees what is left when all chunks are freed.
    func freeDeque(in memory: Memory) {
        memory.free(UnsafeMutableRawPointer(deque), places * 8, epoch: epoch)
        memory.free(block, Self.headerSize, epoch: epoch)
    }

    // MARK: the deque of chunks

    @inline(__always) func chunk(_ index: Int) -> Packed {
        Packed(block: deque[(first &+ index) & (places &- 1)])
    }

    @inline(__always) private func setChunk(_ index: Int, _ chunk: Packed) {
        deque[(first &+ index) & (places &- 1)] = chunk.block
    }

    /// The chunk, ready to be written; the list is owned.
    @inline(__always) private func ownedChunk(_ index: Int, in memory: Memory) -> Packed {
        let chunk = chunk(index)
        guard memory.isShared(chunk.epoch) else { return chunk }
        let copy = chunk.owned(in: memory)
        setChunk(index, copy)
        return copy
    }

    private func insertChunk(_ chunk: Packed, at index: Int, in memory: Memory) {
        if chunkCount == places { setPlaces(places * 2, in: memory) }
        if index == 0 {
            first = (first + places - 1) & (places - 1)
        } else {
            var place = chunkCount
            while place > index {
                setChunk(place, self.chunk(place - 1))
                place -= 1
            }
        }
        chunkCount += 1
        setChunk(index, chunk)
    }

    /// Takes out and frees `number` chunks from `index` on.
    private func removeChunks(_ number: Int, at index: Int, in memory: Memory) {
        guard number > 0 else { return }
        for place in index..<index + number { chunk(place).free(in: memory) }
        if index == 0 {
            first = (first + number) & (places - 1)
        } else {
            for place in index..<chunkCount - number { setChunk(place, chunk(place + number)) }
        }
        chunkCount -= number
        var wanted = places
        while wanted > 8, chunkCount * 4 <= wanted { wanted /= 2 }
        if wanted < places { setPlaces(wanted, in: memory) }
    }

    /// Moves the deque to a block with another number of places, a power of two.
    private func setPlaces(_ number: Int, in memory: Memory) {
        let block = memory.allocate(number * 8)
        let list = block.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        for index in 0..<chunkCount { list[index] = chunk(index).block }
        memory.free(UnsafeMutableRawPointer(deque), places * 8, epoch: epoch)
        first = 0
        setDeque(block, places: number)
    }

    // MARK: ends

    /// Adds an element behind the last; the list is owned.
    func append(_ bytes: Bytes, in memory: Memory) {
        count &+= 1
        if chunkCount > 0 {
            let last = ownedChunk(chunkCount - 1, in: memory)
            if last.appendIfRoom(bytes) { return }
            if let grown = grow(last, for: bytes, roomInFront: false, in: memory) {
                _ = grown.appendIfRoom(bytes)
                return setChunk(chunkCount - 1, grown)
            }
        }
        let chunk = Packed.make(room: freshRoom(bytes), in: memory)
        _ = chunk.appendIfRoom(bytes)
        insertChunk(chunk, at: chunkCount, in: memory)
    }

    /// Adds an element before the first; the list is owned.
    func prepend(_ bytes: Bytes, in memory: Memory) {
        count &+= 1
        if chunkCount > 0 {
            let chunk = ownedChunk(0, in: memory)
            if chunk.prependIfRoom(bytes) { return }
            if let grown = grow(chunk, for: bytes, roomInFront: true, in: memory) {
                _ = grown.prependIfRoom(bytes)
                return setChunk(0, grown)
            }
        }
        let chunk = Packed.make(room: freshRoom(bytes), free: .inFront, in: memory)
        _ = chunk.prependIfRoom(bytes)
        insertChunk(chunk, at: 0, in: memory)
    }

    /// A list's first chunk begins small; later ones are made whole.
    private func freshRoom(_ bytes: Bytes) -> Int {
        max(Packed.elementSize(bytes.count), chunkCount == 0 ? Self.smallestRoom : Self.chunkRoom)
    }

    /// The chunk with free room for at least `bytes` at one end, or nil when another chunk is to be begun: when it is
    /// as large as it gets and sliding its elements would gain little.
    private func grow(_ chunk: Packed, for bytes: Bytes, roomInFront: Bool, in memory: Memory) -> Packed? {
        let needed = chunk.length + Packed.elementSize(bytes.count)
        let isWhole = chunk.capacity >= Self.chunkRoom + Packed.headerSize
        guard needed <= (isWhole ? Self.chunkRoom * 3 / 4 : Self.chunkRoom) else { return nil }
        // Room left at the other end shows that both ends are used: then it is shared.
        let isOtherUsed = roomInFront ? chunk.tail < chunk.capacity : chunk.head > Packed.headerSize
        let room = min(max(needed, chunk.length * 2), Self.chunkRoom)
        if isOtherUsed, room - chunk.length > 3 * (needed - chunk.length) {
            return chunk.moved(room: room, free: .halved, in: memory)
        }
        return chunk.moved(room: room, free: roomInFront ? .inFront : .behind, in: memory)
    }

    /// Takes the first element out after `body` has seen it; the list is owned and not empty.
    func removeFirst(in memory: Memory, _ body: (Bytes) -> Void) {
        let chunk = ownedChunk(0, in: memory)
        let (bytes, next) = chunk.element(at: chunk.head)
        body(bytes)
        chunk.remove(from: chunk.head, to: next, elements: 1)
        count &-= 1
        if chunk.count == 0 { removeChunks(1, at: 0, in: memory) }
    }

    /// Takes the last element out after `body` has seen it; the list is owned and not empty.
    func removeLast(in memory: Memory, _ body: (Bytes) -> Void) {
        let chunk = ownedChunk(chunkCount - 1, in: memory)
        let start = chunk.start(before: chunk.tail)
        body(chunk.element(at: start).0)
        chunk.tail = start
        chunk.count &-= 1
        count &-= 1
        if chunk.count == 0 { removeChunks(1, at: chunkCount - 1, in: memory) }
    }

    // MARK: by place

    /// Puts other bytes in the place of an element; the list is owned.
    func replace(at position: Position, with bytes: Bytes, in memory: Memory) {
        let index = position.offset - chunk(position.chunk).head
        let owned = ownedChunk(position.chunk, in: memory)
        let (chunk, _) = owned.replacing(at: owned.head + index, with: bytes, in: memory)
        setChunk(position.chunk, chunk)
        split(position.chunk, in: memory)
    }

    /// Puts an element before the one at `position`, or behind it; the list is owned.
    func insert(_ bytes: Bytes, at position: Position, behind: Bool, in memory: Memory) {
        let index = position.offset - chunk(position.chunk).head
        let owned = ownedChunk(position.chunk, in: memory)
        let before = owned.head + index
        let offset = behind ? owned.element(at: before).next : before
        setChunk(position.chunk, owned.inserting(bytes, at: offset, in: memory).0)
        count += 1
        split(position.chunk, in: memory)
    }

    /// Takes out `number` elements from number `start` on, all of which exist; the list is owned.
    func remove(_ number: Int, from start: Int, in memory: Memory) {
        guard number > 0 else { return }
        var (index, inside) = chunkHolding(start)
        count &-= number
        var rest = number
        if inside > 0 {
            let some = min(rest, chunk(index).count - inside)
            removeElements(some, from: inside, ofChunk: index, in: memory)
            rest -= some
            index += 1
        }
        var whole = 0
        while rest > 0, chunk(index + whole).count <= rest {
            rest -= chunk(index + whole).count
            whole += 1
        }
        removeChunks(whole, at: index, in: memory)
        if rest > 0 { removeElements(rest, from: 0, ofChunk: index, in: memory) }
    }

    private func removeElements(_ number: Int, from inside: Int, ofChunk index: Int, in memory: Memory) {
        let chunk = ownedChunk(index, in: memory)
        chunk.remove(from: chunk.offset(of: inside), to: chunk.offset(of: inside + number), elements: number)
    }

    /// Takes out the elements that equal `bytes`, `most` at the most, beginning at either end; the list is owned.
    /// Returns how many there were.
    func removeAll(equalTo bytes: Bytes, most: Int, reversed: Bool, in memory: Memory) -> Int {
        var removed = 0
        var index = reversed ? chunkCount - 1 : 0
        while removed < most, index >= 0, index < chunkCount {
            let some = removeAll(equalTo: bytes, most: most - removed, reversed: reversed, ofChunk: index, in: memory)
            removed += some
            if chunk(index).count == 0 {
                removeChunks(1, at: index, in: memory)
                if reversed { index -= 1 }
            } else {
                index += reversed ? -1 : 1
            }
        }
        count &-= removed
        return removed
    }

    private func removeAll(
        equalTo bytes: Bytes, most: Int, reversed: Bool, ofChunk index: Int, in memory: Memory
    ) -> Int {
        var chunk = chunk(index)
        var removed = 0
        var offset = reversed ? chunk.tail : chunk.head
        while removed < most, reversed ? offset > chunk.head : offset < chunk.tail {
            if reversed { offset = chunk.start(before: offset) }
            let (element, next) = chunk.element(at: offset)
            guard element == bytes else {
                if !reversed { offset = next }
                continue
            }
            let size = next - offset
            let place = offset - chunk.head
            chunk = ownedChunk(index, in: memory)
            offset = chunk.head + place
            let wasFirst = place == 0
            chunk.remove(from: offset, to: offset + size, elements: 1)
            removed += 1
            if wasFirst { offset = chunk.head }
        }
        return removed
    }

    /// A chunk that an insertion made too large becomes two.
    private func split(_ index: Int, in memory: Memory) {
        let chunk = chunk(index)
        guard chunk.length > Self.chunkRoom, chunk.count > 1 else { return }
        let half = chunk.offset(of: chunk.count / 2)
        let moved = chunk.count - chunk.count / 2
        let second = Packed.make(room: max(chunk.tail - half, Self.chunkRoom), in: memory)
        (second.block + second.head).copyMemory(from: chunk.block + half, byteCount: chunk.tail - half)
        second.tail = second.head + chunk.tail - half
        second.count = moved
        chunk.tail = half
        chunk.count -= moved
        insertChunk(second, at: index + 1, in: memory)
    }
}
