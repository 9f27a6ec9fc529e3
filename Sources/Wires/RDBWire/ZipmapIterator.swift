/// Reads a zipmap, in which Redis before 2.6 kept small hashes: the number of pairs (254: unknown), pairs, 0xff.
///
/// Name and value are a length (one byte, or 254 and 32 bits) and bytes; between the length and the bytes of a value
/// stands the number of bytes that lie unused behind it.
struct ZipmapIterator: CompactIterator {
    private static let endMark: UInt8 = 0xff
    private static let longForm: UInt8 = 254

    private var cursor: ByteCursor
    private let declared: UInt8
    private var seen = 0

    init(_ blob: UnsafeBufferPointer<UInt8>) throws(RDBError) {
        cursor = ByteCursor(blob)
        declared = try cursor.byte()
    }

    /// Names and values in turn.
    mutating func next() throws(RDBError) -> CompactElement? {
        let isName = seen & 1 == 0
        let first = try cursor.byte()
        if first == Self.endMark {
            guard isName, cursor.remaining == 0 else { throw .malformed("end of a zipmap") }
            guard declared >= Self.longForm || seen / 2 == Int(declared) else { throw .malformed("count of a zipmap") }
            return nil
        }
        seen &+= 1
        let length = first == Self.longForm ? Int(try cursor.little(UInt32.self)) : Int(first)
        if isName { return .bytes(try cursor.take(length)) }
        let unused = Int(try cursor.byte())
        let value = try cursor.take(length)
        try cursor.skip(unused)
        return .bytes(value)
    }
}
