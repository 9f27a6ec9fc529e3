import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// Packed runs against an array.
struct PackedTests {
    private func contents(_ packed: Packed) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var offset = packed.head
        while offset < packed.tail {
            let (bytes, next) = packed.element(at: offset)
            found.append(bytes.array)
            offset = next
        }
        return found
    }

    private func reversed(_ packed: Packed) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var offset = packed.tail
        while offset > packed.head {
            offset = packed.start(before: offset)
            found.append(packed.element(at: offset).0.array)
        }
        return found
    }

    @Test(arguments: 1...4) func `random changes are those of an array`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let memory = Memory()
        var packed = Packed.make(room: 10, in: memory)
        var expected: [[UInt8]] = []
        for step in 0..<4000 {
            let bytes = random.bytes()
            let index = random.below(expected.count + 1)
            switch expected.count > 60 ? 5 : random.below(7) {
            case 0, 1:
                packed = bytes.withBytes { packed.appending($0, in: memory) }
                expected.append(bytes)
            case 2:
                if bytes.withBytes({ packed.prependIfRoom($0) }) { expected.insert(bytes, at: 0) }
            case 3:
                let (made, next) = bytes.withBytes { packed.inserting($0, at: packed.offset(of: index), in: memory) }
                packed = made
                expected.insert(bytes, at: index)
                #expect(next == packed.offset(of: index + 1))
            case 4 where index < expected.count:
                let (made, next) = bytes.withBytes {
                    packed.replacing(at: packed.offset(of: index), with: $0, in: memory)
                }
                packed = made
                expected[index] = bytes
                #expect(next == packed.offset(of: index + 1))
            case 5:
                let end = min(index + 1 + random.below(4), expected.count)
                guard index < end else { break }
                packed.remove(from: packed.offset(of: index), to: packed.offset(of: end), elements: end - index)
                expected.removeSubrange(index..<end)
            case 6 where step % 10 == 0:
                packed = packed.moved(
                    room: packed.length + random.below(200), free: random.below(2) == 0 ? .inFront : .behind, in: memory
                )
            default: break
            }
            #expect(packed.count == expected.count)
            #expect(packed.tail <= packed.capacity && packed.head >= Packed.headerSize)
        }
        #expect(contents(packed) == expected)
        #expect(reversed(packed) == expected.reversed())
        packed.free(in: memory)
        #expect(memory.arena.used == 0)
    }

    @Test(arguments: [0, 1, 63, 122, 123, 126, 127, 128, 129, 4000, 70_000])
    func `elements of every length are read from both ends`(_ count: Int) {
        let memory = Memory()
        let bytes = [UInt8](repeating: 7, count: count)
        var packed = Packed.make(room: 0, in: memory)
        for part in [[1], bytes, [2], bytes] { packed = part.withBytes { packed.appending($0, in: memory) } }
        #expect(contents(packed) == [[1], bytes, [2], bytes])
        #expect(reversed(packed) == [bytes, [2], bytes, [1]])
        packed.free(in: memory)
        #expect(memory.arena.used == 0)
    }
}
