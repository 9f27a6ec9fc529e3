import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// The index of sorted sets against a sorted array.
struct OrderedIndexTests {
    private struct Pair: Comparable {
        var score: Double
        var name: String
        var entry: Entry

        var item: OrderedIndex.Item { OrderedIndex.Item(score: score, member: entry) }

        static func == (a: Pair, b: Pair) -> Bool { a.score == b.score && a.name == b.name }

        static func < (a: Pair, b: Pair) -> Bool {
            a.score != b.score ? a.score < b.score : Array(a.name.utf8).lexicographicallyPrecedes(Array(b.name.utf8))
        }
    }

    private func make(_ name: String, _ score: Double, in memory: Memory) -> Pair {
        Array(name.utf8).withBytes { key in
            let entry = Entry.make(key: key, valueLength: 8, type: .string, encoding: 0, expiry: nil, in: memory)
            entry.score = score
            return Pair(score: score, name: name, entry: entry)
        }
    }

    private func names(_ index: OrderedIndex, from: Int, to: Int, reversed: Bool = false) -> [String] {
        var found: [String] = []
        index.visit(from: from, to: to, reversed: reversed) {
            found.append($0.member.key.text)
            return true
        }
        return found
    }

    /// `scores`: of how many different scores; few make many members equal.
    @Test(arguments: [1, 3, 50, 1_000_000]) func `random changes are those of a sorted array`(_ scores: Int) {
        var random = SeededRandom(seed: UInt64(scores))
        let memory = Memory()
        var index = OrderedIndex(in: memory)
        let empty = memory.arena.used
        var expected: [Pair] = []
        for step in 0..<12_000 {
            let grows = step < 8000
            if random.below(10) < (grows ? 8 : 1) || expected.isEmpty {
                let pair = make("m\(step)", Double(random.below(scores)) - 2, in: memory)
                index.insert(pair.item, in: memory)
                expected.insert(pair, at: expected.partitioningIndex { pair < $0 })
            } else {
                let pair = expected.remove(at: random.below(expected.count))
                index.remove(pair.item, in: memory)
                pair.entry.free(in: memory)
            }
            guard step % 7 == 0, !expected.isEmpty else { continue }
            let rank = random.below(expected.count)
            #expect(index.rank(of: expected[rank].item) == rank)
            let bound = Double(random.below(scores)) - 2
            #expect(index.count(where: { $0.score < bound }) == expected.partitioningIndex { !($0.score < bound) })
            let from = random.below(expected.count)
            let to = min(from + random.below(100), expected.count)
            #expect(names(index, from: from, to: to) == expected[from..<to].map(\.name))
            #expect(names(index, from: from, to: to, reversed: true) == expected[from..<to].reversed().map(\.name))
        }
        #expect(names(index, from: 0, to: expected.count) == expected.map(\.name))
        expected.shuffle(using: &random)
        while let pair = expected.popLast() {
            index.remove(pair.item, in: memory)
            pair.entry.free(in: memory)
        }
        #expect(names(index, from: 0, to: 10).isEmpty)
        #expect(memory.arena.used == empty)
        index.free(in: memory)
        #expect(memory.arena.used == 0)
    }

    @Test(arguments: [true, false]) func `scores that only rise or fall fill the leaves`(_ rising: Bool) {
        let memory = Memory()
        var index = OrderedIndex(in: memory)
        let pairs = (0..<20_000).map { make("m\($0)", Double(rising ? $0 : -$0), in: memory) }
        let before = memory.arena.used
        for pair in pairs { index.insert(pair.item, in: memory) }
        // 16 bytes an item, and no more than two and a half times that.
        #expect((memory.arena.used - before) / pairs.count < 40)
        for (rank, pair) in pairs.enumerated() where rank % 97 == 0 {
            #expect(index.rank(of: pair.item) == (rising ? rank : pairs.count - 1 - rank))
        }
        index.free(in: memory)
        for pair in pairs { pair.entry.free(in: memory) }
        #expect(memory.arena.used == 0)
    }
}

extension Array {
    /// The number of elements before the first one that `isBehind` holds for; it holds for all that follow.
    fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
