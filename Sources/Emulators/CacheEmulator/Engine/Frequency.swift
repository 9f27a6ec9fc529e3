/// How often a key is used, in the 24 bits that else say when: minutes of the last look, and a counter of 8 bits that grows
/// with the logarithm of the uses and shrinks with time (the LFU policies of Redis 4 and later).
struct Frequency {
    /// Of a new key, so that it is not the first to go.
    static let initial: UInt32 = 5

    /// `lfu-log-factor`: the larger, the more uses it takes to count on.
    var factor = 10
    /// `lfu-decay-time`: minutes in which the counter shrinks by one; 0 for never.
    var decay = 1

    static func minutes(_ milliseconds: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: milliseconds / 60_000) & 0xffff
    }

    /// The counter as it is now.
    func counter(_ access: UInt32, at milliseconds: Int64) -> UInt32 {
        let counter = access & 0xff
        guard decay > 0 else { return counter }
        let passed = (Self.minutes(milliseconds) &- access >> 8) & 0xffff
        let periods = passed / UInt32(clamping: decay)
        return periods > counter ? 0 : counter - periods
    }

    /// The 24 bits behind one use more.
    func used(_ access: UInt32, at milliseconds: Int64, _ random: inout FastRandom) -> UInt32 {
        var counter = counter(access, at: milliseconds)
        if counter < 255 {
            let above = counter > Self.initial ? Double(counter - Self.initial) : 0
            if Double.random(in: 0..<1, using: &random) < 1 / (above * Double(factor) + 1) { counter += 1 }
        }
        return Self.minutes(milliseconds) << 8 | counter
    }
}
