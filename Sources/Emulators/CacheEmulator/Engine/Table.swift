import RESPWire

/// A hash table of entries that grows without a stall and is copied on write.
///
/// Extendible hashing: a directory, indexed by the leading bits of a hash, names segments of at most 512 slots. A full
/// segment is split in two by its next bit; nothing else moves. What a snapshot shares (header, directory, segments,
/// entries) is copied one piece at a time as it is written. The header is a block of 32 bytes:
///
///     0  epoch      u32  of the header and its directory
///     4  depth      u8   the directory has 2^depth places
///     8  count      Int
///    16  directory  address
///    24  segments   Int
struct Table {
    let block: UnsafeMutableRawPointer

    static let headerSize = 32

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) var depth: UInt8 {
        get { block.load(fromByteOffset: 4, as: UInt8.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 4, as: UInt8.self) }
    }

    @inline(__always) var count: Int {
        get { block.load(fromByteOffset: 8, as: Int.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 8, as: Int.self) }
    }

    @inline(__always) var directory: UnsafeMutablePointer<UnsafeMutableRawPointer> {
        get {
            block.load(fromByteOffset: 16, as: UnsafeMutableRawPointer.self)
                .assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        }
        nonmutating set {
            block.storeBytes(
                of: UnsafeMutableRawPointer(newValue), toByteOffset: 16, as: UnsafeMutableRawPointer.self)
        }
    }

    var segmentCount: Int {
        get { block.load(fromByteOffset: 24, as: Int.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 24, as: Int.self) }
    }

    @inline(__always) var directoryCount: Int { 1 &<< Int(depth) }

    /// An empty table of one segment.
    static func make(in memory: Memory) -> Table {
        let table = Table(block: memory.allocate(headerSize))
        table.block.storeBytes(of: memory.epoch, as: UInt32.self)
        table.depth = 0
        table.count = 0
        table.directory = memory.allocate(8).assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        table.directory[0] = Segment.make(capacityLog2: Segment.smallestLog2, depth: 0, in: memory).block
        table.segmentCount = 1
        return table
    }

    // MARK: reading

    /// The leading `depth` bits of a hash.
    @inline(__always) func place(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: (hash &>> 1) &>> (63 &- UInt64(depth)))
    }

    @inline(__always) func segment(_ hash: UInt64) -> Segment {
        Segment(block: directory[place(hash)])
    }

    @inline(__always) func find(_ key: Bytes, _ hash: UInt64) -> Entry? {
        let segment = segment(hash)
        guard let index = segment.find(key, hash) else { return nil }
        return Segment.entry(segment.slots[index])
    }

    /// Calls `body` with every entry; it must not change the table.
    func forEach(_ body: (Entry) -> Void) {
        forEachSegment { segment in
            let slots = segment.slots
            for index in 0..<segment.capacity where slots[index] != 0 { body(Segment.entry(slots[index])) }
        }
    }

    /// Calls `body` with every segment, in the order of the hashes.
    func forEachSegment(_ body: (Segment) -> Void) {
        var place = 0
        while place < directoryCount {
            let segment = Segment(block: directory[place])
            place += 1 << Int(depth - segment.depth)  // before `body`, which may free the segment
            body(segment)
        }
    }

    // MARK: writing

    /// This table, or a copy of header and directory when a snapshot shares them: the caller keeps the result in the
    /// place of the old one.
    @inline(__always) func owned(in memory: Memory) -> Table {
        memory.isShared(epoch) ? copied(in: memory) : self
    }

    private func copied(in memory: Memory) -> Table {
        let copy = Table(block: memory.allocate(Self.headerSize))
        copy.block.copyMemory(from: block, byteCount: Self.headerSize)
        copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
        let size = 8 * directoryCount
        let places = memory.allocate(size)
        places.copyMemory(from: directory, byteCount: size)
        copy.directory = places.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        memory.free(UnsafeMutableRawPointer(directory), size, epoch: epoch)
        memory.free(block, Self.headerSize, epoch: epoch)
        return copy
    }

    /// The segment of a hash, ready to be written. The table is owned.
    @inline(__always) func ownedSegment(_ hash: UInt64, in memory: Memory) -> Segment {
        let segment = segment(hash)
        return memory.isShared(segment.epoch) ? own(segment, hash, in: memory) : segment
    }

    private func own(_ segment: Segment, _ hash: UInt64, in memory: Memory) -> Segment {
        let copy = segment.copied(in: memory)
        fill(hash, depth: segment.depth, with: copy)
        segment.free(in: memory)
        return copy
    }

    /// Adds an entry whose key is not here. The table is owned.
    @inline(__always) func insert(_ entry: Entry, _ hash: UInt64, in memory: Memory) {
        var segment = ownedSegment(hash, in: memory)
        while segment.isFull { segment = makeRoom(segment, hash, in: memory) }
        segment.place(Segment.slot(entry, hash))
        if entry.hasExpiry, entry.expiry < segment.nextExpiry { segment.nextExpiry = entry.expiry }
        count &+= 1
    }

    /// Puts `entry` into the place of `old`, an entry of the same key that is here; `old` is not freed. The table is
    /// owned.
    @inline(__always) func replace(_ old: Entry, with entry: Entry, _ hash: UInt64, in memory: Memory) {
        let segment = ownedSegment(hash, in: memory)
        segment.slots[segment.find(old, hash)] = Segment.slot(entry, hash)
        if entry.hasExpiry, entry.expiry < segment.nextExpiry { segment.nextExpiry = entry.expiry }
    }

    /// Takes an entry out that is here; it is not freed. The table is owned.
    @inline(__always) func remove(_ entry: Entry, _ hash: UInt64, in memory: Memory) {
        let segment = ownedSegment(hash, in: memory)
        segment.clear(segment.find(entry, hash))
        count &-= 1
        if segment.count &* 8 < segment.capacity { shrink(segment, hash, in: memory) }
    }

    /// An entry of this table has a new, earlier expiry: its segment is looked at in time. The table is owned.
    func noteExpiry(_ expiry: Int64, _ hash: UInt64, in memory: Memory) {
        let segment = ownedSegment(hash, in: memory)
        if expiry < segment.nextExpiry { segment.nextExpiry = expiry }
    }

    /// Frees the table and, through `freeEntry`, all its entries.
    func free(in memory: Memory, freeEntry: (Entry) -> Void) {
        forEachSegment { segment in
            let slots = segment.slots
            for index in 0..<segment.capacity where slots[index] != 0 { freeEntry(Segment.entry(slots[index])) }
            segment.free(in: memory)
        }
        freeDirectory(in: memory)
    }

    /// Frees what is left when all segments are freed.
    func freeDirectory(in memory: Memory) {
        memory.free(UnsafeMutableRawPointer(directory), 8 * directoryCount, epoch: epoch)
        memory.free(block, Self.headerSize, epoch: epoch)
    }

    // MARK: growing and shrinking

    /// Names `segment` in all places of the directory that hashes beginning as `hash` (by `depth` bits) have.
    private func fill(_ hash: UInt64, depth bits: UInt8, with segment: Segment) {
        let span = 1 << Int(depth - bits)
        let first = place(hash) & ~(span - 1)
        for place in first..<first + span { directory[place] = segment.block }
    }

    private func makeRoom(_ segment: Segment, _ hash: UInt64, in memory: Memory) -> Segment {
        if segment.capacityLog2 < Segment.largestLog2 {
            return resize(segment, hash, to: segment.capacityLog2 + 1, in: memory)
        }
        if segment.depth == depth { doubleDirectory(in: memory) }
        let bit = UInt64(1) << (63 - UInt64(segment.depth))
        let low = Segment.make(capacityLog2: Segment.largestLog2, depth: segment.depth + 1, in: memory)
        let high = Segment.make(capacityLog2: Segment.largestLog2, depth: segment.depth + 1, in: memory)
        let slots = segment.slots
        for index in 0..<segment.capacity where slots[index] != 0 {
            let isHigh = keyHash(Segment.entry(slots[index]).key, seed: memory.seed) & bit != 0
            (isHigh ? high : low).place(slots[index])
        }
        low.nextExpiry = segment.nextExpiry
        high.nextExpiry = segment.nextExpiry
        fill(hash & ~bit, depth: segment.depth + 1, with: low)
        fill(hash | bit, depth: segment.depth + 1, with: high)
        segmentCount += 1
        segment.free(in: memory)
        return hash & bit != 0 ? high : low
    }

    private func resize(_ segment: Segment, _ hash: UInt64, to log2: UInt8, in memory: Memory) -> Segment {
        let resized = Segment.make(capacityLog2: log2, depth: segment.depth, in: memory)
        let slots = segment.slots
        for index in 0..<segment.capacity where slots[index] != 0 { resized.place(slots[index]) }
        resized.nextExpiry = segment.nextExpiry
        fill(hash, depth: segment.depth, with: resized)
        segment.free(in: memory)
        return resized
    }

    private func doubleDirectory(in memory: Memory) {
        let old = directory
        let size = 8 * directoryCount
        let places = memory.allocate(size * 2).assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        for place in 0..<directoryCount {
            places[place * 2] = old[place]
            places[place * 2 + 1] = old[place]
        }
        directory = places
        depth += 1
        memory.free(UnsafeMutableRawPointer(old), size, epoch: epoch)
    }

    /// A segment an eighth full is made smaller, or joined with its buddy when both fit into half a segment.
    private func shrink(_ segment: Segment, _ hash: UInt64, in memory: Memory) {
        if segment.depth == 0 {
            guard segment.capacityLog2 > Segment.smallestLog2 else { return }
            _ = resize(segment, hash, to: segment.capacityLog2 - 1, in: memory)
            return
        }
        let bit = UInt64(1) << (64 - UInt64(segment.depth))
        let buddy = self.segment(hash ^ bit)
        guard buddy.depth == segment.depth, buddy.count + segment.count <= segment.capacity / 4 else { return }
        let joined = Segment.make(capacityLog2: segment.capacityLog2, depth: segment.depth - 1, in: memory)
        for part in [segment, buddy] {
            let slots = part.slots
            for index in 0..<part.capacity where slots[index] != 0 { joined.place(slots[index]) }
        }
        joined.nextExpiry = min(segment.nextExpiry, buddy.nextExpiry)
        fill(hash, depth: segment.depth - 1, with: joined)
        segmentCount -= 1
        segment.free(in: memory)
        buddy.free(in: memory)
        if segmentCount * 4 <= directoryCount { halveDirectory(in: memory) }
        if joined.count * 8 < joined.capacity { shrink(joined, hash, in: memory) }
    }

    private func halveDirectory(in memory: Memory) {
        var deepest: UInt8 = 0
        forEachSegment { deepest = max(deepest, $0.depth) }
        guard deepest < depth else { return }
        let old = directory
        let size = 8 * directoryCount
        let step = 1 << Int(depth - deepest)
        let places = memory.allocate(8 << Int(deepest)).assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        for place in 0..<(1 << Int(deepest)) { places[place] = old[place * step] }
        directory = places
        depth = deepest
        memory.free(UnsafeMutableRawPointer(old), size, epoch: epoch)
    }
}
