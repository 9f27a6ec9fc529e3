/// Reads a listpack: total bytes (32 bits), number of elements (16 bits), elements, 0xff; all little-endian.
///
/// An element is its encoding, its bytes, and its length so far in groups of seven bits for reading backwards.
public struct ListpackIterator: CompactIterator {
    static let headerSize = 6
    static let endMark: UInt8 = 0xff
    /// In the header: too many elements for 16 bits.
    static let uncounted: UInt16 = .max

    private var cursor: ByteCursor
    private let declared: UInt16
    private var seen = 0

    public init(_ blob: UnsafeBufferPointer<UInt8>) throws(RDBError) {
        cursor = ByteCursor(blob)
        guard try cursor.little(UInt32.self) == blob.count else { throw .malformed("size of a listpack") }
        declared = try cursor.little(UInt16.self)
    }

    public mutating func next() throws(RDBError) -> CompactElement? {
        let before = cursor.remaining
        let first = try cursor.byte()
        let element: CompactElement
        switch first {
        case 0x00..<0x80: element = .integer(Int64(first))
        case 0x80..<0xc0: element = .bytes(try cursor.take(Int(first & 0x3f)))
        case 0xc0..<0xe0:
            // 13 bits, the highest of which is the sign.
            let bits = UInt16(first & 0x1f) << 8 | UInt16(try cursor.byte())
            element = .integer(Int64(Int16(bitPattern: bits << 3) >> 3))
        case 0xe0..<0xf0:
            element = .bytes(try cursor.take(Int(first & 0x0f) << 8 | Int(try cursor.byte())))
        case 0xf0: element = .bytes(try cursor.take(Int(try cursor.little(UInt32.self))))
        case 0xf1: element = .integer(Int64(try cursor.little(Int16.self)))
        case 0xf2:
            let low = UInt32(try cursor.little(UInt16.self))
            let bits = UInt32(try cursor.byte()) << 16 | low
            element = .integer(Int64(Int32(bitPattern: bits << 8) >> 8))
        case 0xf3: element = .integer(Int64(try cursor.little(Int32.self)))
        case 0xf4: element = .integer(try cursor.little(Int64.self))
        case Self.endMark:
            guard cursor.remaining == 0 else { throw .malformed("end of a listpack") }
            guard declared == Self.uncounted || seen == Int(declared) else { throw .malformed("count of a listpack") }
            return nil
        default: throw .malformed("encoding in a listpack")
        }
        try checkBackLength(before &- cursor.remaining)
        seen &+= 1
        return element
    }

    /// How many bytes the length of an element takes behind it. The bounds of 2, 3 and 4 are one lower than they
    /// could be, as in Redis.
    static func backLengthSize(_ length: Int) -> Int {
        switch length {
        case ...127: 1
        case ..<16_383: 2
        case ..<2_097_151: 3
        case ..<268_435_455: 4
        default: 5
        }
    }

    @inline(__always)
    private mutating func checkBackLength(_ length: Int) throws(RDBError) {
        if length <= 127 {
            guard try cursor.byte() == UInt8(truncatingIfNeeded: length) else { throw .malformed("back length") }
            return
        }
        let size = Self.backLengthSize(length)
        for index in 0..<size {
            let group = UInt8(truncatingIfNeeded: length >> (7 &* (size &- 1 &- index))) & 0x7f
            guard try cursor.byte() == (index == 0 ? group : group | 0x80) else { throw .malformed("back length") }
        }
    }
}
