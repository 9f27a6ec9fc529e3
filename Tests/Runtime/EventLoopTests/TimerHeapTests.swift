import EventLoop
import TestKit
import Testing

@Suite struct TimerHeapTests {
    @Test func `timers come out by deadline, and in the order of adding where that is the same`() {
        var heap = TimerHeap()
        var out: [Int] = []
        let deadlines: [UInt64] = [5, 1, 9, 5, 0, 7, 5, 1]
        for (index, deadline) in deadlines.enumerated() { _ = heap.add(deadline: deadline) { out.append(index) } }
        #expect(heap.nextDeadline() == 0)
        while let work = heap.popDue(now: .max) { work() }
        #expect(out == [4, 1, 7, 0, 3, 6, 5, 2])
        #expect(heap.nextDeadline() == nil)
    }

    @Test func `nothing is due before its deadline`() {
        var heap = TimerHeap()
        _ = heap.add(deadline: 10) {}
        #expect(heap.popDue(now: 9) == nil)
        #expect(heap.popDue(now: 10) != nil)
        #expect(heap.popDue(now: 10) == nil)
    }

    @Test func `a cancelled timer is neither due nor the next`() {
        var heap = TimerHeap()
        let first = heap.add(deadline: 1) { Issue.record("cancelled") }
        let second = heap.add(deadline: 2) {}
        heap.cancel(first)
        heap.cancel(first)
        #expect(heap.nextDeadline() == 2)
        #expect(heap.popDue(now: 1) == nil)
        #expect(heap.popDue(now: 2) != nil)
        heap.cancel(second)
        #expect(heap.nextDeadline() == nil)
    }

    @Test func `timers newer than the given one wait`() {
        var heap = TimerHeap()
        _ = heap.add(deadline: 1) {}
        let newest = heap.lastID
        _ = heap.add(deadline: 1) {}
        #expect(heap.popDue(now: 1, newest: newest) != nil)
        #expect(heap.popDue(now: 1, newest: newest) == nil)
        #expect(heap.popDue(now: 1) != nil)
    }

    @Test func `any mix of adding, cancelling and taking agrees with a sorted list`() {
        var random = SeededRandom(seed: 42)
        var heap = TimerHeap()
        var model: [(deadline: UInt64, id: UInt64)] = []
        var taken: UInt64 = 0
        for _ in 0..<4_000 {
            switch random.next() % 4 {
            case 0, 1:
                let deadline = random.next() % 1000
                var id: UInt64 = 0
                let next = heap.lastID + 1
                id = heap.add(deadline: deadline) { taken = next }.id
                model.append((deadline, id))
            case 2 where !model.isEmpty:
                let index = Int(random.next() % UInt64(model.count))
                heap.cancel(TimerToken(id: model.remove(at: index).id))
            default:
                let now = random.next() % 1000
                let expected = model.filter { $0.deadline <= now }.min { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
                let work = heap.popDue(now: now)
                #expect((work == nil) == (expected == nil))
                guard let work, let expected else { continue }
                work()
                #expect(taken == expected.id)
                model.removeAll { $0.id == expected.id }
            }
            #expect(heap.nextDeadline() == model.map(\.deadline).min())
        }
    }
}
