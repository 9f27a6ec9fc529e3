import TestKit
import Testing

@testable import CacheEmulator

struct WaitingQueueTests {
    private final class Somebody {
        let number: Int

        init(_ number: Int) {
            self.number = number
        }
    }

    private static func all(_ queue: WaitingQueue<Somebody>) -> [Int] {
        var all: [Int] = []
        var last: UInt64?
        while let (ticket, somebody) = queue.next(after: last) {
            all.append(somebody.number)
            last = ticket
        }
        return all
    }

    @Test func `those who came first stand in front`() {
        var queue = WaitingQueue<Somebody>()
        #expect(queue.isEmpty && queue.first == nil && queue.next(after: nil) == nil)
        let tickets = (0..<5).map { queue.append(Somebody($0)) }
        #expect(Self.all(queue) == [0, 1, 2, 3, 4] && queue.count == 5)
        queue.remove(tickets[0])
        queue.remove(tickets[3])
        queue.remove(tickets[3])
        queue.remove(99)
        #expect(queue.first?.number == 1 && queue.count == 3)
        #expect(Self.all(queue) == [1, 2, 4])
        #expect(queue.next(after: tickets[2])?.element.number == 4)
        #expect(queue.next(after: tickets[4]) == nil)
    }

    @Test func `whoever leaves, the others keep their order`() {
        var random = SeededRandom(seed: 1)
        var queue = WaitingQueue<Somebody>()
        var expected: [(number: Int, ticket: UInt64)] = []
        for number in 0..<20_000 {
            if random.below(100) < (number / 5000 % 2 == 0 ? 70 : 35) {
                expected.append((number, queue.append(Somebody(number))))
            } else if !expected.isEmpty {
                let index = random.oneIn(2) ? 0 : random.below(expected.count)
                queue.remove(expected.remove(at: index).ticket)
            }
            #expect(queue.count == expected.count && queue.first?.number == expected.first?.number)
            if number % 500 == 0 { #expect(Self.all(queue) == expected.map(\.number)) }
        }
    }

    @Test func `many may come and go again`() {
        var queue = WaitingQueue<Somebody>()
        let tickets = (0..<100_000).map { queue.append(Somebody($0)) }
        for ticket in tickets.reversed() { queue.remove(ticket) }
        #expect(queue.isEmpty && queue.next(after: nil) == nil)
        _ = queue.append(Somebody(1))
        #expect(Self.all(queue) == [1])
    }
}
