import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// The table against a Dictionary.
struct TableTests {
    /// A table of keys `key:N` with a number each, and what it should hold.
    private struct Model {
        let memory: Memory
        var table: Table
        var expected: [Int: Int64] = [:]

        init(seed: UInt64) {
            memory = Memory(seed: seed)
            table = Table.make(in: memory)
        }

        static func key(_ number: Int) -> [UInt8] { Array("key:\(number)".utf8) }

        func find(_ number: Int) -> Entry? {
            Self.key(number).withBytes { table.find($0, keyHash($0, seed: memory.seed)) }
        }

        mutating func set(_ number: Int, _ value: Int64) {
            Self.key(number).withBytes { key in
                let hash = keyHash(key, seed: memory.seed)
                let made = Entry.make(key: key, valueLength: 8, type: .string, encoding: 1, expiry: nil, in: memory)
                made.integer = value
                table = table.owned(in: memory)
                if let old = table.find(key, hash) {
                    table.replace(old, with: made, hash, in: memory)
                    old.free(in: memory)
                } else {
                    table.insert(made, hash, in: memory)
                }
            }
            expected[number] = value
        }

        mutating func remove(_ number: Int) {
            Self.key(number).withBytes { key in
                let hash = keyHash(key, seed: memory.seed)
                guard let old = table.find(key, hash) else { return }
                table = table.owned(in: memory)
                table.remove(old, hash, in: memory)
                old.free(in: memory)
            }
            expected[number] = nil
        }

        func check() {
            #expect(table.count == expected.count)
            var seen: [String: Int64] = [:]
            var visits = 0
            table.forEach { entry in
                visits += 1
                seen[entry.key.text] = entry.integer
            }
            #expect(visits == expected.count)
            #expect(seen == Dictionary(uniqueKeysWithValues: expected.map { ("key:\($0)", $1) }))
        }

        func free() {
            table.free(in: memory) { $0.free(in: memory) }
        }
    }

    @Test(arguments: 1...3) func `random inserts, removals and lookups are those of a dictionary`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var model = Model(seed: random.next())
        let empty = model.memory.arena.used
        // It grows far over many segments, then shrinks to almost nothing, twice.
        for phase in 0..<4 {
            for step in 0..<50_000 {
                let number = random.below(60_000)
                let removes = random.below(10) < (phase % 2 == 0 ? 2 : 9)
                if removes { model.remove(number) } else { model.set(number, Int64(step)) }
                let asked = random.below(60_000)
                if model.find(asked)?.integer != model.expected[asked] {
                    Issue.record("key \(asked) after step \(step) of phase \(phase)")
                }
            }
            model.check()
        }
        for number in model.expected.keys.sorted() { model.remove(number) }
        model.check()
        #expect(model.table.segmentCount == 1)
        #expect(model.memory.arena.used <= empty + 8192)
        model.free()
        #expect(model.memory.arena.used == 0)
    }

    @Test func `the directory grows and shrinks with the entries`() {
        var model = Model(seed: 7)
        for number in 0..<40_000 { model.set(number, 0) }
        #expect(model.table.segmentCount > 40_000 / 512)
        #expect(model.table.directoryCount >= model.table.segmentCount)
        model.table.forEachSegment {
            #expect(!$0.isFull || $0.capacityLog2 < Segment.largestLog2 || $0.count < $0.capacity)
        }
        for number in 0..<39_990 { model.remove(number) }
        #expect(model.table.segmentCount < 20)
        #expect(model.table.directoryCount <= 128)
        for number in 39_990..<40_000 { model.remove(number) }
        #expect(model.table.segmentCount <= 2)
        model.check()
        model.free()
        #expect(model.memory.arena.used == 0)
    }

    @Test(arguments: 1...8) func `a scan shows whatever stays, whatever comes and goes meanwhile`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var model = Model(seed: random.next())
        let staying = [30, 300, 3000, 12_000][Int(seed) % 4]
        for number in 0..<staying { model.set(number, 1) }
        var passing: [Int] = []
        var next = staying
        for round in 0..<6 {
            var shown: Set<Int> = []
            var cursor: UInt64 = 0
            var steps = 0
            repeat {
                cursor = model.table.scan(from: cursor, wanted: 1 + random.below(40)) { entry in
                    shown.insert(Int(entry.key.text.dropFirst(4)) ?? -1)
                }
                steps += 1
                // In turn much is added, much removed, or both, so that segments split and join under the cursor.
                if passing.count < (round % 3 == 1 ? 50 : 3 * staying + 1000) {
                    for _ in 0..<random.below(300) {
                        model.set(next, 2)
                        passing.append(next)
                        next += 1
                    }
                }
                if round % 3 != 0 || passing.count > 2 * staying {
                    for _ in 0..<min(random.below(400), passing.count) {
                        passing.swapAt(random.below(passing.count), passing.count - 1)
                        model.remove(passing.removeLast())
                    }
                }
            } while cursor != 0 && steps < 200_000
            #expect(steps < 200_000)
            #expect(Set(0..<staying).isSubset(of: shown))
        }
        model.check()
        model.free()
        #expect(model.memory.arena.used == 0)
    }

    @Test func `a scan of a table that does not change shows each entry once`() {
        var model = Model(seed: 3)
        for count in [0, 1, 7, 100, 513, 10_000] {
            while model.expected.count < count { model.set(model.expected.count, 0) }
            var shown: [String] = []
            var cursor: UInt64 = 0
            repeat {
                cursor = model.table.scan(from: cursor, wanted: 10) { shown.append($0.key.text) }
            } while cursor != 0
            #expect(shown.count == count)
            #expect(Set(shown).count == count)
        }
        model.free()
    }

    @Test func `any number is a cursor`() {
        var model = Model(seed: 3)
        for number in 0..<5000 { model.set(number, 0) }
        var random = SeededRandom(seed: 5)
        for cursor in [UInt64.max, 1 << 63, 511, 512] + (0..<2000).map({ _ in random.next() }) {
            _ = model.table.scan(from: cursor, wanted: 10) { _ in }
        }
        model.free()
    }

    @Test func `entries are drawn with the same chance`() {
        var model = Model(seed: 11)
        for number in 0..<600 { model.set(number, 0) }
        var random = SeededRandom(seed: 13)
        var counts: [String: Int] = [:]
        for _ in 0..<600_000 { counts[model.table.random(using: &random).key.text, default: 0] += 1 }
        // 1,000 each; 6.5 standard deviations are 206.
        #expect(counts.count == 600)
        #expect(counts.values.allSatisfy { (790...1210).contains($0) })
        model.free()
    }
}
