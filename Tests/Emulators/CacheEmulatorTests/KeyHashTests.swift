import RESPWire
import Testing

@testable import CacheEmulator

struct KeyHashTests {
    private func hash(_ key: [UInt8], seed: UInt64 = 42) -> UInt64 { key.withBytes { keyHash($0, seed: seed) } }

    @Test func `every bit of a key and of the seed matters`() {
        for count in [1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 100] {
            let key = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let hash = hash(key)
            #expect(hash == self.hash(key))
            #expect(hash != self.hash(key, seed: 43))
            for place in 0..<count {
                for bit in 0..<8 {
                    var other = key
                    other[place] ^= 1 << UInt8(bit)
                    #expect(self.hash(other) != hash, "byte \(place), bit \(bit) of \(count)")
                }
            }
            #expect(self.hash(key + [0]) != hash)
        }
    }

    @Test func `similar keys spread over directory and segment`() {
        // 64,000 keys over 256 places: 250 each; 6.5 standard deviations are 103.
        for bits in [{ $0 >> 56 }, { $0 & 255 }] as [(UInt64) -> UInt64] {
            var counts: [UInt64: Int] = [:]
            for number in 0..<64_000 {
                let hash = Array("key:\(number)".utf8).withBytes { keyHash($0, seed: 99) }
                counts[bits(hash), default: 0] += 1
            }
            #expect(counts.count == 256)
            #expect(counts.values.allSatisfy { (147...353).contains($0) })
        }
    }
}
