/// A generator that gives the same numbers for the same seed (SplitMix64), so that a failure can be repeated.
public struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// True once in `times`.
    public mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }

    /// One of some; the list is not empty.
    public mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
