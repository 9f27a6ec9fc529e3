/// How much a reader or decoder believes of what RDB data says about itself.
///
/// Memory also grows with the bytes that are really there only: no declared length or count reserves more than they
/// can fill, compressed ones no more than LZF's ratio of 1 to 88 allows.
public struct RDBLimits: Equatable, Sendable {
    /// Bytes of one string, also of one compact blob (ziplist, listpack, intset, zipmap), after decompression.
    public var stringBytes: Int
    /// Elements, fields or entries of one value.
    public var elements: Int

    public init(stringBytes: Int = 512 << 20, elements: Int = 1 << 32) {
        self.stringBytes = stringBytes
        self.elements = elements
    }
}
