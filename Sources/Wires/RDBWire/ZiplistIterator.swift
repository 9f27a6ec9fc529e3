/// Reads a ziplist, which Redis before 7.0 wrote: total bytes and offset of the last element (32 bits each), number of
/// elements (16 bits), elements, 0xff; little-endian but for the lengths of strings.
///
/// An element is the length of the one before it (one byte, or 254 and 32 bits), its encoding, and its bytes.
public struct ZiplistIterator: CompactIterator {
    private static let endMark: UInt8 = 0xff
    private static let uncounted: UInt16 = .max

    private var cursor: ByteCursor
    private let size: Int
    private let declaredTail: Int
    private let declared: UInt16
    private var seen = 0
    private var lastLength = 0
    private var lastOffset: Int

    public init(_ blob: UnsafeBufferPointer<UInt8>) throws(RDBError) {
        cursor = ByteCursor(blob)
        size = blob.count
        guard try cursor.little(UInt32.self) == size else { throw .malformed("size of a ziplist") }
        declaredTail = Int(try cursor.little(UInt32.self))
        declared = try cursor.little(UInt16.self)
        lastOffset = size - cursor.remaining
    }

    public mutating func next() throws(RDBError) -> CompactElement? {
        let offset = size &- cursor.remaining
        let first = try cursor.byte()
        if first == Self.endMark {
            guard cursor.remaining == 0 else { throw .malformed("end of a ziplist") }
            guard declared == Self.uncounted || seen == Int(declared) else { throw .malformed("count of a ziplist") }
            guard lastOffset == declaredTail else { throw .malformed("tail of a ziplist") }
            return nil
        }
        let before = first == 254 ? Int(try cursor.little(UInt32.self)) : Int(first)
        guard before == lastLength else { throw .malformed("length of the element before in a ziplist") }
        let element = try content()
        lastLength = size &- cursor.remaining &- offset
        lastOffset = offset
        seen &+= 1
        return element
    }

    private mutating func content() throws(RDBError) -> CompactElement {
        let encoding = try cursor.byte()
        switch encoding {
        case 0x00..<0x40: return .bytes(try cursor.take(Int(encoding)))
        case 0x40..<0x80: return .bytes(try cursor.take(Int(encoding & 0x3f) << 8 | Int(try cursor.byte())))
        case 0x80..<0xc0: return .bytes(try cursor.take(Int(try cursor.big(UInt32.self))))
        case 0xc0: return .integer(Int64(try cursor.little(Int16.self)))
        case 0xd0: return .integer(Int64(try cursor.little(Int32.self)))
        case 0xe0: return .integer(try cursor.little(Int64.self))
        case 0xf0:
            let low = UInt32(try cursor.little(UInt16.self))
            let bits = UInt32(try cursor.byte()) << 16 | low
            return .integer(Int64(Int32(bitPattern: bits << 8) >> 8))
        case 0xfe: return .integer(Int64(try cursor.little(Int8.self)))
        case 0xf1...0xfd: return .integer(Int64(encoding & 0x0f) - 1)
        default: throw .malformed("encoding in a ziplist")
        }
    }
}
