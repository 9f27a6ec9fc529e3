/// Reads an intset: the width of its members in bytes and their number (32 bits each), members in ascending order;
/// little-endian.
public struct IntsetIterator: CompactIterator {
    private var cursor: ByteCursor
    private let width: Int
    private var last: Int64?
    /// Members that have not been read.
    public private(set) var remaining: Int

    public init(_ blob: UnsafeBufferPointer<UInt8>) throws(RDBError) {
        cursor = ByteCursor(blob)
        width = Int(try cursor.little(UInt32.self))
        remaining = Int(try cursor.little(UInt32.self))
        guard width == 2 || width == 4 || width == 8 else { throw .malformed("width of an intset") }
        guard cursor.remaining == remaining * width else { throw .malformed("size of an intset") }
    }

    public mutating func next() throws(RDBError) -> CompactElement? {
        guard remaining > 0 else { return nil }
        let value =
            switch width {
            case 2: Int64(try cursor.little(Int16.self))
            case 4: Int64(try cursor.little(Int32.self))
            default: try cursor.little(Int64.self)
            }
        if let last, last >= value { throw .malformed("order of an intset") }
        last = value
        remaining &-= 1
        return .integer(value)
    }
}
