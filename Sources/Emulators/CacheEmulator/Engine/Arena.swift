/// The memory of one keyspace: blocks by size class out of 64 KiB slabs, larger ones from the system.
///
/// Nothing is shared between arenas, so that dropping one frees a whole keyspace at once and its size is known
/// exactly. A slab whose last block is freed serves any other class; beyond some such slabs their memory goes back to the
/// system, a few at a time, all of them but a page. Not thread-safe: an arena lives on one loop.
final class Arena {
    /// Stands at the front of every slab; slabs are aligned to their size, so a block's slab is found by masking.
    private struct Slab {
        var next: UnsafeMutablePointer<Slab>?
        var previous: UnsafeMutablePointer<Slab>?
        var free: UnsafeMutableRawPointer?
        /// Where blocks have never been handed out; memory behind it is untouched.
        var fresh: UnsafeMutableRawPointer
        var used: Int32
        var sizeClass: Int32
        var isListed: Bool
    }

    /// Stands in front of every block that is larger than a slab's largest.
    private struct Large {
        var next: UnsafeMutablePointer<Large>?
        var previous: UnsafeMutablePointer<Large>?
        var size: Int
        var unused: Int
    }

    /// Bytes in blocks that are in use, rounded up to their classes.
    @exclusivity(unchecked) private(set) var used = 0
    /// Bytes taken from the system, in addresses.
    private var reserved = 0
    /// Of those, what was given back and not touched since.
    private var released = 0
    /// Bytes that the system keeps for this arena.
    var held: Int { reserved - released }

    /// By class: the slabs that have room.
    private let open: UnsafeMutablePointer<UnsafeMutablePointer<Slab>?>
    /// Empty, with their memory.
    @exclusivity(unchecked) private var emptySlabs: UnsafeMutablePointer<Slab>?
    private var emptySlabCount = 0
    /// Empty, and their memory was given back but for a page.
    private var releasedSlabs: UnsafeMutablePointer<Slab>?
    /// So many are kept: what is freed and filled again by turns shall not ask the system each time.
    private static let mostEmptySlabs = 64
    /// Called when there are twice as many: `releaseExcess` is wanted.
    var excessBegan: (() -> Void)?
    /// Assumed of a page: it is a multiple of what the system has.
    private static let page = 16 << 10
    /// Blocks from this size on are mapped, each by itself.
    private static let mapped = 256 << 10
    private var chunks: [(UnsafeMutableRawPointer, Int)] = []
    private var chunkRest = 0
    private var chunkNext: UnsafeMutableRawPointer?
    private var large: UnsafeMutablePointer<Large>?

    init() {
        open = .allocate(capacity: SizeClasses.count)
        open.initialize(repeating: nil, count: SizeClasses.count)
    }

    deinit {
        _ = dismantle(.max)
        open.deallocate()
    }

    /// Takes over all that another arena has; that one is empty then. This one was not used yet.
    func takeOver(_ other: Arena) {
        for index in 0..<SizeClasses.count { swap(&open[index], &other.open[index]) }
        swap(&used, &other.used)
        swap(&reserved, &other.reserved)
        swap(&released, &other.released)
        swap(&emptySlabs, &other.emptySlabs)
        swap(&emptySlabCount, &other.emptySlabCount)
        swap(&releasedSlabs, &other.releasedSlabs)
        swap(&chunks, &other.chunks)
        swap(&chunkRest, &other.chunkRest)
        swap(&chunkNext, &other.chunkNext)
        swap(&large, &other.large)
    }

    /// Gives memory back to the system, about `most` bytes of it; false when there is more. No block may be used any more,
    /// and none be asked for.
    func dismantle(_ most: Int) -> Bool {
        var left = most
        while left > 0, let (chunk, size) = chunks.popLast() {
            let part = left < size ? (left + SizeClasses.slabSize - 1) & ~(SizeClasses.slabSize - 1) : size
            Pages.unmap(chunk + size - part, part)
            if part < size { chunks.append((chunk, size - part)) }
            left -= part
        }
        while left > 0, let block = large {
            large = block.pointee.next
            left -= block.pointee.size + Self.largeCost
            giveBack(block)
        }
        return chunks.isEmpty && large == nil
    }

    /// What giving back a large block is reckoned to take, as bytes of a chunk.
    private static let largeCost = 16 << 10

    /// A block of at least `size` bytes, aligned to 16; give it back with `free` and the same size (or any size of
    /// the same capacity).
    @inline(__always)
    func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard size <= SizeClasses.largest else { return allocateLarge(size) }
        let index = SizeClasses.index(size)
        if let slab = open[index], let block = slab.pointee.free {
            slab.pointee.free = block.load(as: UnsafeMutableRawPointer?.self)
            slab.pointee.used &+= 1
            used &+= SizeClasses.capacity(size)
            return block
        }
        return allocateFresh(index)
    }

    @inline(__always)
    func free(_ block: UnsafeMutableRawPointer, _ size: Int) {
        guard size <= SizeClasses.largest else { return freeLarge(block, size) }
        used &-= SizeClasses.capacity(size)
        let slab = slab(of: block)
        block.storeBytes(of: slab.pointee.free, as: UnsafeMutableRawPointer?.self)
        slab.pointee.free = block
        slab.pointee.used &-= 1
        if slab.pointee.used == 0 || !slab.pointee.isListed { freed(in: slab) }
    }

    @inline(__always) private func slab(of block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Slab> {
        let address = UInt(bitPattern: block) & ~UInt(SizeClasses.slabSize &- 1)
        return UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
    }

    private func allocateFresh(_ index: Int) -> UnsafeMutableRawPointer {
        let size = SizeClasses.sizes[index]
        used += size
        while let slab = open[index] {
            if let block = slab.pointee.free {
                slab.pointee.free = block.load(as: UnsafeMutableRawPointer?.self)
                slab.pointee.used += 1
                return block
            }
            let end = UnsafeMutableRawPointer(slab) + SizeClasses.slabSize
            if slab.pointee.fresh + size <= end {
                defer { slab.pointee.fresh += size }
                slab.pointee.used += 1
                return slab.pointee.fresh
            }
            unlist(slab)  // full
        }
        let slab = takeSlab(index)
        list(slab)
        defer { slab.pointee.fresh += size }
        slab.pointee.used = 1
        return slab.pointee.fresh
    }

    private func freed(in slab: UnsafeMutablePointer<Slab>) {
        if slab.pointee.used == 0 {
            // The last slab of a class stays, or one block allocated and freed in turn would move slabs about.
            let index = Int(slab.pointee.sizeClass)
            if slab.pointee.isListed, open[index] == slab, slab.pointee.next == nil { return }
            if slab.pointee.isListed { unlist(slab) }
            slab.pointee.next = emptySlabs
            emptySlabs = slab
            emptySlabCount += 1
            if emptySlabCount == 2 * Self.mostEmptySlabs { excessBegan?() }
        } else if !slab.pointee.isListed {
            list(slab)
        }
    }

    /// Gives the memory of `most` empty slabs back to the system, as long as there are more than are kept; false when
    /// there are still.
    func releaseExcess(_ most: Int) -> Bool {
        releaseSlabs(min(most, emptySlabCount - Self.mostEmptySlabs))
        return emptySlabCount <= Self.mostEmptySlabs
    }

    /// Gives the memory of `most` empty slabs back to the system, or of all.
    func releaseSlabs(_ most: Int = .max) {
        var left = most
        while left > 0, let slab = emptySlabs {
            left -= 1
            emptySlabs = slab.pointee.next
            emptySlabCount -= 1
            slab.pointee.next = releasedSlabs
            releasedSlabs = slab
            Pages.release(UnsafeMutableRawPointer(slab) + Self.page, SizeClasses.slabSize - Self.page)
            released += SizeClasses.slabSize - Self.page
        }
    }

    private func list(_ slab: UnsafeMutablePointer<Slab>) {
        let index = Int(slab.pointee.sizeClass)
        slab.pointee.isListed = true
        slab.pointee.previous = nil
        slab.pointee.next = open[index]
        open[index]?.pointee.previous = slab
        open[index] = slab
    }

    private func unlist(_ slab: UnsafeMutablePointer<Slab>) {
        slab.pointee.isListed = false
        if let previous = slab.pointee.previous {
            previous.pointee.next = slab.pointee.next
        } else {
            open[Int(slab.pointee.sizeClass)] = slab.pointee.next
        }
        slab.pointee.next?.pointee.previous = slab.pointee.previous
    }

    private func takeSlab(_ index: Int) -> UnsafeMutablePointer<Slab> {
        let memory: UnsafeMutableRawPointer
        if let empty = emptySlabs {
            emptySlabs = empty.pointee.next
            emptySlabCount -= 1
            memory = UnsafeMutableRawPointer(empty)
        } else if let empty = releasedSlabs {
            releasedSlabs = empty.pointee.next
            released -= SizeClasses.slabSize - Self.page
            memory = UnsafeMutableRawPointer(empty)
        } else {
            memory = takeMemory()
        }
        let slab = memory.bindMemory(to: Slab.self, capacity: 1)
        slab.initialize(
            to: Slab(
                next: nil, previous: nil, free: nil, fresh: memory + SizeClasses.slabHeader, used: 0,
                sizeClass: Int32(index), isListed: false))
        return slab
    }

    /// The next slab of the current chunk. Chunks grow from 256 KiB to 16 MiB: a small keyspace stays small, and
    /// memory that is not touched costs nothing.
    private func takeMemory() -> UnsafeMutableRawPointer {
        if chunkRest == 0 {
            let size = min(max(reserved & ~(SizeClasses.slabSize - 1), 4 * SizeClasses.slabSize), 16 << 20)
            let chunk = Pages.map(size, alignment: SizeClasses.slabSize)
            chunks.append((chunk, size))
            reserved += size
            chunkNext = chunk
            chunkRest = size / SizeClasses.slabSize
        }
        let memory = chunkNext.unsafelyUnwrapped
        chunkNext = memory + SizeClasses.slabSize
        chunkRest -= 1
        return memory
    }

    private func allocateLarge(_ size: Int) -> UnsafeMutableRawPointer {
        let capacity = SizeClasses.capacity(size)
        let whole = Self.whole(capacity)
        let memory =
            whole >= Self.mapped
            ? Pages.map(whole, alignment: Self.page) : UnsafeMutableRawPointer.allocate(byteCount: whole, alignment: 16)
        let header = memory.bindMemory(to: Large.self, capacity: 1)
        header.initialize(to: Large(next: large, previous: nil, size: capacity, unused: 0))
        large?.pointee.previous = header
        large = header
        used += capacity
        reserved += capacity
        return UnsafeMutableRawPointer(header + 1)
    }

    private func freeLarge(_ block: UnsafeMutableRawPointer, _ size: Int) {
        let header = block.assumingMemoryBound(to: Large.self) - 1
        let capacity = header.pointee.size
        assert(capacity == SizeClasses.capacity(size), "a block is freed with another size")
        if let previous = header.pointee.previous {
            previous.pointee.next = header.pointee.next
        } else {
            large = header.pointee.next
        }
        header.pointee.next?.pointee.previous = header.pointee.previous
        used -= capacity
        reserved -= capacity
        giveBack(header)
    }

    /// What a large block takes with its header.
    private static func whole(_ capacity: Int) -> Int {
        let size = capacity + MemoryLayout<Large>.size
        return size < mapped ? size : (size + page - 1) & ~(page - 1)
    }

    private func giveBack(_ block: UnsafeMutablePointer<Large>) {
        let whole = Self.whole(block.pointee.size)
        if whole >= Self.mapped {
            Pages.unmap(UnsafeMutableRawPointer(block), whole)
        } else {
            UnsafeMutableRawPointer(block).deallocate()
        }
    }
}

extension Arena {
    /// MEMORY MALLOC-STATS: its blocks by size.
    var report: String {
        var lines = [
            "Arena of one cache: \(used) bytes in use of \(held) taken from the system",
            "\(chunks.count) chunks of slabs of \(SizeClasses.slabSize) bytes; \(unusedSlabCount) slabs empty",
            "slabs with room, by size of their blocks:",
        ]
        for index in 0..<SizeClasses.count {
            var (slabs, blocks) = (0, 0)
            var slab = open[index]
            while let found = slab {
                slabs += 1
                blocks += Int(found.pointee.used)
                slab = found.pointee.next
            }
            if slabs > 0 { lines.append("  \(SizeClasses.sizes[index]): \(slabs) slabs, \(blocks) blocks in use") }
        }
        var (blocks, bytes) = (0, 0)
        var block = large
        while let found = block {
            blocks += 1
            bytes += found.pointee.size
            block = found.pointee.next
        }
        lines.append("larger blocks: \(blocks), \(bytes) bytes")
        return lines.joined(separator: "\n") + "\n"
    }

    private var unusedSlabCount: Int {
        var count = chunkRest + emptySlabCount
        var slab = releasedSlabs
        while let found = slab {
            count += 1
            slab = found.pointee.next
        }
        return count
    }
}
