/// Walks through bytes in memory that somebody else keeps alive; every step checks their end.
struct ByteCursor: ByteFeed {
    private var place: UnsafePointer<UInt8>
    private(set) var remaining: Int

    /// Stands for the start of no bytes, and is never read.
    private static var nowhere: UnsafePointer<UInt8> { UnsafePointer(bitPattern: 1).unsafelyUnwrapped }

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        place = bytes.baseAddress ?? Self.nowhere
        remaining = bytes.count
    }

    mutating func byte() throws(RDBError) -> UInt8 {
        guard remaining > 0 else { throw .truncated }
        let byte = place[0]
        place += 1
        remaining &-= 1
        return byte
    }

    mutating func load<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) throws(RDBError) -> Word {
        guard remaining >= MemoryLayout<Word>.size else { throw .truncated }
        let word = UnsafeRawPointer(place).loadUnaligned(as: Word.self)
        place += MemoryLayout<Word>.size
        remaining &-= MemoryLayout<Word>.size
        return word
    }

    mutating func skip(_ count: Int) throws(RDBError) {
        _ = try take(count)
    }

    mutating func take(_ count: Int) throws(RDBError) -> UnsafeBufferPointer<UInt8> {
        guard count >= 0, remaining >= count else { throw .truncated }
        let bytes = UnsafeBufferPointer(start: place, count: count)
        place += count
        remaining &-= count
        return bytes
    }

    /// A string as an array of its own.
    mutating func string(_ limits: RDBLimits) throws(RDBError) -> [UInt8] {
        switch try stringHeader(limits) {
        case .plain(let count): return Array(try take(count))
        case .integer(let value): return Decimal.bytes(value)
        case .compressed(let packed, let count):
            return try LZF.decompress(
                UnsafeRawBufferPointer(try take(packed)), count: count, limit: limits.stringBytes)
        }
    }

    /// Lends a string to `body`, where it stands if it is not compressed.
    mutating func withString<Result>(
        _ limits: RDBLimits, _ body: (UnsafeBufferPointer<UInt8>) throws(RDBError) -> Result
    ) throws(RDBError) -> Result {
        let unpacked: [UInt8]
        switch try stringHeader(limits) {
        case .plain(let count): return try body(try take(count))
        case .integer(let value): unpacked = Decimal.bytes(value)
        case .compressed(let packed, let count):
            unpacked = try LZF.decompress(
                UnsafeRawBufferPointer(try take(packed)), count: count, limit: limits.stringBytes)
        }
        return try unpacked.withUnsafeBufferPointer { bytes throws(RDBError) in try body(bytes) }
    }
}
