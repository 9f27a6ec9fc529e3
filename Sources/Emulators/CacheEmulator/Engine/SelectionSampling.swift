/// Takes so many of so many in one walk over all of them, every subset with the same chance (Knuth's algorithm S).
struct SelectionSampling {
    private var left: UInt64
    private var wanted: UInt64

    init(_ wanted: Int, of count: Int) {
        left = UInt64(count)
        self.wanted = UInt64(wanted)
    }

    /// Whether the next one of the walk is taken.
    mutating func takesNext(using generator: inout some RandomNumberGenerator) -> Bool {
        defer { left -= 1 }
        guard wanted > 0, generator.next(upperBound: left) < wanted else { return false }
        wanted -= 1
        return true
    }

    /// Drawing one by one until `wanted` differ is better than a walk when they are few of many.
    static func isBetterThanDrawing(_ wanted: Int, of count: Int) -> Bool {
        count <= 128 || wanted > count / 8
    }

    /// The most draws with repetition that one command may ask for: Redis would go on until its memory is full.
    static let mostDraws: Int64 = 1 << 22
}
