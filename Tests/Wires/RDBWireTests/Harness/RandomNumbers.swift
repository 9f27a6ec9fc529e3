/// Numbers that look random and depend on nothing but the seed.
struct RandomNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// True once in `times`.
    mutating func once(in times: Int) -> Bool { number(1...times) == 1 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }

    /// An integer of any width, often at the bounds of one.
    mutating func integer() -> Int64 {
        let bits = UInt64(number(1...63))
        let value = Int64(bitPattern: next() >> bits)
        switch number(0...5) {
        case 0: return (1 << Int64(bits - 1)) &- 1
        case 1: return -(1 << Int64(bits - 1))
        case 2: return -value
        default: return value
        }
    }

    /// Bytes of which some are integers, some random, some compressible.
    mutating func bytes(_ count: Int) -> [UInt8] {
        switch number(0...3) {
        case 0: return Array(Array(String(integer()).utf8).prefix(max(count, 1)))
        case 1: return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
        case 2:
            let piece = (0...number(0...40)).map { _ in UInt8(truncatingIfNeeded: next()) }
            return (0..<count).map { piece[$0 % piece.count] }
        default:
            let words = ["alpha", "beta", "gamma", "delta", " ", "\r\n", "0123456789"]
            var bytes: [UInt8] = []
            while bytes.count < count { bytes += Array(pick(words).utf8) }
            return Array(bytes.prefix(count))
        }
    }

    /// Mostly short, sometimes long.
    mutating func length() -> Int {
        switch number(0...19) {
        case 0: 0
        case 1...12: number(1...30)
        case 13...15: number(60...70)
        case 16...17: number(100...300)
        case 18: pick([4095, 4096, 8100, 8183, 8184, 8185, 8192, 16383, 16384, 20_000])
        default: number(300...5000)
        }
    }
}
