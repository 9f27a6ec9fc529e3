#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Breaks bytes in ways that a hostile or unlucky writer might.
enum Mutation {
    /// Numbers that break things, in the forms in which the format writes lengths.
    private static let hostile: [[UInt8]] = [
        [0x81, 0x10, 0, 0, 0, 0, 0, 0, 0], [0x81] + [UInt8](repeating: 0xff, count: 8), [0x80, 0xff, 0xff, 0xff, 0xff],
        [0x80, 0x7f, 0xff, 0xff, 0xff], [0x7f, 0xff], [0x3f], [0xc3, 0x05, 0x80, 0x1f, 0xff, 0xff, 0xff], [0xc0],
        [0xc2],
        [0xff, 0xff, 0xff, 0xff], [0xff, 0xff], [0, 0, 0, 0], [0xf0, 0xff, 0xff, 0xff, 0xff], [0xf4], [0xfe],
        [0xfe, 0xff, 0xff, 0xff, 0x7f], [0x80, 0, 0, 0, 0], [0xff], [0],
    ]

    static func broken(_ bytes: [UInt8], _ random: inout RandomNumbers) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.number(0...2) where !bytes.isEmpty {
            let place = random.number(0...bytes.count - 1)
            switch random.number(0...6) {
            case 0, 1: bytes[place] ^= 1 << UInt8(random.number(0...7))
            case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 3: bytes.removeLast(random.number(0...min(bytes.count, 20)))
            case 4:
                for (offset, byte) in random.pick(hostile).enumerated() where place + offset < bytes.count {
                    bytes[place + offset] = byte
                }
            case 5: bytes.insert(contentsOf: random.pick(hostile), at: place)
            default:
                let end = min(bytes.count, place + random.number(1...30))
                bytes.insert(contentsOf: bytes[place..<end], at: random.number(0...bytes.count - 1))
            }
        }
        return bytes
    }

    /// The most memory that this process ever had, in bytes.
    static var peakMemory: Int {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
        #else
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
        #endif
    }
}
