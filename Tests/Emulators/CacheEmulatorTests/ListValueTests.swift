import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// Lists against an array.
struct ListValueTests {
    private func contents(_ list: ListValue, reversed: Bool = false) -> [[UInt8]] {
        var found: [[UInt8]] = []
        list.forEach(from: 0, to: list.count, reversed: reversed) { found.append($0.array) }
        return found
    }

    @Test(arguments: 1...4) func `random changes are those of an array`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let memory = Memory()
        let list = ListValue.make(in: memory)
        var expected: [[UInt8]] = []
        for step in 0..<6000 {
            let bytes = random.bytes()
            let grows = step % 3000 < 2000
            switch random.below(grows ? 8 : 11) {
            case 0...2:
                bytes.withBytes { list.append($0, in: memory) }
                expected.append(bytes)
            case 3, 4:
                bytes.withBytes { list.prepend($0, in: memory) }
                expected.insert(bytes, at: 0)
            case 5 where !expected.isEmpty:
                let index = random.below(expected.count)
                let behind = random.below(2) == 0
                let place = list.position(of: index)
                bytes.withBytes { list.insert($0, at: place, behind: behind, in: memory) }
                expected.insert(bytes, at: behind ? index + 1 : index)
            case 6 where !expected.isEmpty:
                let index = random.below(expected.count)
                bytes.withBytes { list.replace(at: list.position(of: index), with: $0, in: memory) }
                expected[index] = bytes
            case 7 where !expected.isEmpty:
                let index = random.below(expected.count)
                #expect(list.element(at: list.position(of: index)).array == expected[index])
            case 8 where !expected.isEmpty:
                var taken: [UInt8]?
                list.removeFirst(in: memory) { taken = $0.array }
                #expect(taken == expected.removeFirst())
            case 9 where !expected.isEmpty:
                var taken: [UInt8]?
                list.removeLast(in: memory) { taken = $0.array }
                #expect(taken == expected.removeLast())
            case 10 where !expected.isEmpty:
                let start = random.below(expected.count)
                let number = min(random.below(40), expected.count - start)
                list.remove(number, from: start, in: memory)
                expected.removeSubrange(start..<start + number)
            default: break
            }
            #expect(list.count == expected.count)
            if step % 500 == 0 { #expect(contents(list) == expected) }
        }
        #expect(contents(list) == expected)
        #expect(contents(list, reversed: true) == expected.reversed())
        while list.count > 0 { list.removeFirst(in: memory) { _ in } }
        list.free(in: memory)
        #expect(memory.arena.used == 0)
    }
}
