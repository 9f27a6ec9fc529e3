import TestKit
import Testing

@testable import CacheEmulator

/// Sets of integers against a Set.
struct IntegerSetTests {
    @Test(arguments: 1...3) func `random changes are those of a set, in order`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let memory = Memory()
        var set = IntegerSet.make(in: memory)
        var expected: Set<Int64> = []
        let edges: [Int64] = [.min, .max, 0, -1, 1]
        for _ in 0..<5000 {
            let value = random.below(10) == 0 ? edges[random.below(edges.count)] : Int64(random.below(600) - 300)
            if random.below(2) == 0 {
                #expect(set.contains(value) == expected.contains(value))
                if expected.insert(value).inserted { set = set.inserting(value, in: memory) }
            } else {
                #expect(set.remove(value) == (expected.remove(value) != nil))
            }
            #expect(set.count == expected.count)
        }
        #expect((0..<set.count).map { set[$0] } == expected.sorted())
        for value in expected { #expect(set.remove(value)) }
        #expect(set.count == 0)
        set.free(in: memory)
        #expect(memory.arena.used == 0)
    }
}
