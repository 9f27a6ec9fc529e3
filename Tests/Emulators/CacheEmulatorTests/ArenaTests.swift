import TestKit
import Testing

@testable import CacheEmulator

struct ArenaTests {
    private struct Block {
        var place: UnsafeMutableRawPointer
        var size: Int
        var mark: UInt8

        var isIntact: Bool {
            let bytes = UnsafeRawBufferPointer(start: place, count: size)
            return bytes.first == mark && bytes.last == mark && bytes[size / 2] == mark
        }
    }

    private func allocate(_ size: Int, _ arena: Arena, _ mark: UInt8) -> Block {
        let place = arena.allocate(size)
        #expect(UInt(bitPattern: place) % 16 == 0)
        place.initializeMemory(as: UInt8.self, repeating: mark, count: size)
        return Block(place: place, size: size, mark: mark)
    }

    @Test(arguments: 1...3) func `blocks do not overlap and their memory is accounted for`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let arena = Arena()
        var blocks: [Block] = []
        var used = 0
        for step in 0..<30_000 {
            if random.below(10) < (step / 5000 % 2 == 0 ? 7 : 3) || blocks.isEmpty {
                let size =
                    1
                    + random.below(
                        [40, 300, 3000, 40_000, 200_000][random.below(100) < 95 ? random.below(3) : 3 + random.below(2)]
                    )
                blocks.append(allocate(size, arena, UInt8(truncatingIfNeeded: step)))
                used += SizeClasses.capacity(size)
            } else {
                blocks.swapAt(random.below(blocks.count), blocks.count - 1)
                let block = blocks.removeLast()
                if !block.isIntact { Issue.record("a block of \(block.size) bytes was overwritten") }
                arena.free(block.place, block.size)
                used -= SizeClasses.capacity(block.size)
            }
            if arena.used != used { Issue.record("\(arena.used) bytes are in use, not \(used)") }
        }
        #expect(blocks.allSatisfy { $0.isIntact })
        for block in blocks { arena.free(block.place, block.size) }
        #expect(arena.used == 0)
    }

    @Test func `memory of one class serves the others`() {
        let arena = Arena()
        for size in [16, 48, 100, 1000, 1100, 5000, 20_000] {
            let blocks = (0..<(4 << 20) / size).map { _ in allocate(size, arena, 1) }
            for block in blocks { arena.free(block.place, block.size) }
        }
        #expect(arena.used == 0)
        // 4 MiB were needed at a time; what each class keeps for itself comes on top.
        #expect(arena.held < 12 << 20)
    }

    @Test func `what is freed goes back to the system, but for a page of a slab and some slabs`() {
        let arena = Arena()
        let blocks = (0..<64_000).map { _ in allocate(1000, arena, 1) }
        let full = arena.held
        var told = 0
        arena.excessBegan = { told += 1 }
        for block in blocks { arena.free(block.place, block.size) }
        #expect(full >= 64 << 20)
        #expect(told == 1)
        #expect(arena.held == full, "nothing is given back before somebody has the time")
        #expect(!arena.releaseExcess(1))
        #expect(arena.held < full && arena.held > full - 64 << 10)
        while !arena.releaseExcess(8) {}
        #expect(arena.held < full / 2)
        arena.releaseSlabs()
        #expect(arena.held < full / 3)
        // What was given back is used again, zeros or not.
        let again = (0..<64_000).map { _ in allocate(1000, arena, 2) }
        #expect(arena.held == full)
        for block in again { arena.free(block.place, block.size) }
        #expect(arena.used == 0)
    }

    @Test func `large blocks go back to the system`() {
        let arena = Arena()
        let before = arena.held
        let block = allocate(3 << 20, arena, 9)
        #expect(arena.held >= before + 3 << 20)
        arena.free(block.place, block.size)
        #expect(arena.held == before)
    }

    @Test func `every size has a class that holds it and wastes little`() {
        for size in 1...200_000 {
            let capacity = SizeClasses.capacity(size)
            #expect(capacity >= size)
            #expect(SizeClasses.capacity(capacity) == capacity)
            if size <= SizeClasses.largest { #expect(SizeClasses.sizes[SizeClasses.index(size)] == capacity) }
            if size > 64, size <= 4096 || size > SizeClasses.largest {
                #expect(capacity - size <= max(size / 8 + 16, 4096))
            }
        }
        #expect(SizeClasses.sizes == SizeClasses.sizes.sorted())
    }
}
