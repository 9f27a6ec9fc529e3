import TestKit
import Testing

@testable import QueueEmulator

@Suite struct IndexedHeapTests {
    private final class Member: HeapMember {
        var heapIndex = -1
        var key: UInt64 = 0
        let tie: UInt64

        init(_ tie: UInt64) {
            self.tie = tie
        }
    }

    @Test func `whatever is inserted, moved and removed, the smallest comes first`() {
        var generator = SeededRandom(seed: 11)
        var heap = IndexedHeap<Member>()
        let members = (0..<300).map { Member(UInt64($0)) }
        for _ in 0..<5000 {
            let member = members[Int.random(in: 0..<members.count, using: &generator)]
            switch (member.heapIndex >= 0, Int.random(in: 0..<3, using: &generator)) {
            case (true, 0): heap.remove(member)
            case (true, _):
                member.key = UInt64.random(in: 0..<50, using: &generator)
                heap.move(member, key: member.key, tie: member.tie)
            case (false, _):
                member.key = UInt64.random(in: 0..<50, using: &generator)
                heap.insert(member, key: member.key, tie: member.tie)
            }
            let inside = members.filter { $0.heapIndex >= 0 }
            #expect(heap.count == inside.count)
            #expect(heap.first === inside.min { ($0.key, $0.tie) < ($1.key, $1.tie) })
        }
    }

    @Test func `removing what is not in it does nothing`() {
        var heap = IndexedHeap<Member>()
        let member = Member(1)
        heap.remove(member)
        heap.insert(member, key: 5)
        heap.remove(member)
        heap.remove(member)
        #expect(heap.isEmpty)
        #expect(member.heapIndex == -1)
    }
}
