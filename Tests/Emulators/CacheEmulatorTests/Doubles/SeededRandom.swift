/// A generator that gives the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// Some bytes, mostly few of them.
    mutating func bytes() -> [UInt8] {
        let bounds = [4, 20, 130, 300, 5000]
        let count = below(bounds[below(100) < 98 ? below(3) : 3 + below(2)])
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
