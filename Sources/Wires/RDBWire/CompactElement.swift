/// An element of a listpack or a ziplist, as it is stored.
public enum CompactElement {
    /// A run of the blob itself.
    case bytes(UnsafeBufferPointer<UInt8>)
    case integer(Int64)

    /// A copy; integers as decimals.
    public var array: [UInt8] {
        switch self {
        case .bytes(let bytes): Array(bytes)
        case .integer(let value): Decimal.bytes(value)
        }
    }

    /// As a score; nil for what is none.
    var score: Double? {
        switch self {
        case .bytes(let bytes): Decimal.double(bytes)
        case .integer(let value): Double(value)
        }
    }
}

/// Hands out the elements of a blob one after the other.
protocol CompactIterator {
    /// `blob` is all of it, and stays alive as long as the iterator and its elements.
    init(_ blob: UnsafeBufferPointer<UInt8>) throws(RDBError)

    /// Nil at the end, when the header has turned out to be true.
    mutating func next() throws(RDBError) -> CompactElement?
}
