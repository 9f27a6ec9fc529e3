/// Appends lengths and strings in their RDB forms: integers as such, long strings compressed.
struct StringEncoder: ~Copyable {
    /// Shorter strings are never compressed.
    private static let shortestCompressed = 21
    /// Longer strings are never integers of 32 bits.
    private static let longestInteger = 11

    private let compresses: Bool
    private var compressor = LZFCompressor()

    init(compresses: Bool) {
        self.compresses = compresses
    }

    static func append(length: UInt64, to output: inout [UInt8]) {
        switch length {
        case ..<0x40: output.append(UInt8(truncatingIfNeeded: length))
        case ..<0x4000: output.append(bigEndian: UInt16(truncatingIfNeeded: length) | 0x4000)
        case ...UInt64(UInt32.max):
            output.append(0x80)
            output.append(bigEndian: UInt32(truncatingIfNeeded: length))
        default:
            output.append(0x81)
            output.append(bigEndian: length)
        }
    }

    mutating func append(_ string: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        if string.count <= Self.longestInteger {
            if let value = Decimal.integer(string), Self.append(integer: value, to: &output) { return }
        } else if compresses, string.count >= Self.shortestCompressed, appendCompressed(string, to: &output) {
            return
        }
        Self.append(length: UInt64(string.count), to: &output)
        output.append(contentsOf: string)
    }

    mutating func append(_ string: [UInt8], to output: inout [UInt8]) {
        string.withUnsafeBufferPointer { append($0, to: &output) }
    }

    private static func append(integer value: Int64, to output: inout [UInt8]) -> Bool {
        if let value = Int8(exactly: value) {
            output.append(0xc0 | UInt8(RDBFormat.StringEncoding.int8))
            output.append(UInt8(bitPattern: value))
        } else if let value = Int16(exactly: value) {
            output.append(0xc0 | UInt8(RDBFormat.StringEncoding.int16))
            output.append(littleEndian: value)
        } else if let value = Int32(exactly: value) {
            output.append(0xc0 | UInt8(RDBFormat.StringEncoding.int32))
            output.append(littleEndian: value)
        } else {
            return false
        }
        return true
    }

    /// The packed bytes are appended first, and then moved to make room for the lengths in front of them.
    private mutating func appendCompressed(
        _ string: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
    ) -> Bool {
        let begin = output.count
        guard let packed = compressor.append(string, most: string.count - 4, to: &output) else { return false }
        var header: [UInt8] = [0xc0 | UInt8(RDBFormat.StringEncoding.lzf)]
        Self.append(length: UInt64(packed), to: &header)
        Self.append(length: UInt64(string.count), to: &header)
        output.insert(contentsOf: header, at: begin)
        return true
    }
}
