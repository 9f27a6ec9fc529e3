/// Where RDB data is read from, front to back: bytes in memory, or a source that is read piece by piece.
///
/// What both have in common is built on it: lengths, and how strings announce themselves.
protocol ByteFeed: ~Copyable {
    mutating func byte() throws(RDBError) -> UInt8
    /// The next bytes as they would lie in memory.
    mutating func load<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) throws(RDBError) -> Word
    mutating func skip(_ count: Int) throws(RDBError)
}

/// How a string announces itself.
enum StringHeader {
    /// So many bytes follow.
    case plain(Int)
    /// It is a decimal number.
    case integer(Int64)
    /// `packed` bytes of LZF follow, which become `count`.
    case compressed(packed: Int, count: Int)
}

extension ByteFeed where Self: ~Copyable {
    mutating func little<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) throws(RDBError) -> Word {
        Word(littleEndian: try load(type))
    }

    mutating func big<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) throws(RDBError) -> Word {
        Word(bigEndian: try load(type))
    }

    /// A number of 6, 14, 32 or 64 bits.
    mutating func length() throws(RDBError) -> UInt64 {
        let first = try byte()
        guard first < 0xc0 else { throw .malformed("length") }
        return try length(first)
    }

    private mutating func length(_ first: UInt8) throws(RDBError) -> UInt64 {
        switch first {
        case 0x00..<0x40: return UInt64(first)
        case 0x40..<0x80: return UInt64(first & 0x3f) << 8 | UInt64(try byte())
        case 0x80: return UInt64(try big(UInt32.self))
        case 0x81: return try big(UInt64.self)
        default: throw .malformed("length")
        }
    }

    /// A length that says how many elements follow.
    mutating func count(_ limits: RDBLimits) throws(RDBError) -> Int {
        let count = try length()
        guard count <= UInt64(max(limits.elements, 0)) else { throw .tooLarge(limit: limits.elements) }
        return Int(count)
    }

    mutating func stringHeader(_ limits: RDBLimits) throws(RDBError) -> StringHeader {
        let first = try byte()
        guard first >= 0xc0 else { return .plain(try Self.size(try length(first), limits)) }
        switch UInt64(first & 0x3f) {
        case RDBFormat.StringEncoding.int8: return .integer(Int64(try little(Int8.self)))
        case RDBFormat.StringEncoding.int16: return .integer(Int64(try little(Int16.self)))
        case RDBFormat.StringEncoding.int32: return .integer(Int64(try little(Int32.self)))
        case RDBFormat.StringEncoding.lzf:
            let packed = try Self.size(try length(), limits)
            return .compressed(packed: packed, count: try Self.size(try length(), limits))
        default: throw .malformed("encoding of a string")
        }
    }

    private static func size(_ length: UInt64, _ limits: RDBLimits) throws(RDBError) -> Int {
        guard length <= UInt64(max(limits.stringBytes, 0)) else { throw .tooLarge(limit: limits.stringBytes) }
        return Int(length)
    }
}
