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

    /// With one of the function's own numbers in its place a factor could be zero, whatever the rest of the key is.
    @Test(arguments: [0xe703_7ed1_a0b4_28db, 0xa076_1d64_78bd_642f, 0x8ebc_6af0_9c88_c6e3, 0x9e37_79b9_7f4a_7c15, 0])
    func `no key can take the rest of itself out of the hash`(number: UInt64) {
        let word = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        for seed in [0x0123_4567_89ab_cdef, 0xd1b5_4a32_d192_ed03, 0x6a09_e667_f3bc_c908] as [UInt64] {
            for length in [16, 24, 32, 48] {
                for place in stride(from: 0, to: length, by: 8) {
                    let hashes = (0..<200).map { counter in
                        var key = [UInt8](repeating: UInt8(counter), count: length)
                        key.replaceSubrange(place..<place + 8, with: word)
                        return hash(key, seed: seed)
                    }
                    #expect(Set(hashes).count == 200, "length \(length), place \(place)")
                }
            }
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
