/// The running checksum of RDB data: CRC-64 with Jones' polynomial, reflected, beginning with 0, nothing inverted.
public struct CRC64: Equatable, Sendable {
    /// Of all bytes so far.
    public private(set) var value: UInt64 = 0

    public init() {}

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var place = bytes.baseAddress else { return }
        let table = Self.table
        var rest = bytes.count
        var crc = value
        // Every index into the table is a byte plus a multiple of 256 up to 7 * 256: below its 2048 words.
        while rest >= 8 {
            crc ^= UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
            let low =
                table[Int(crc & 0xff) &+ 7 &* 256] ^ table[Int(crc >> 8 & 0xff) &+ 6 &* 256]
                ^ table[Int(crc >> 16 & 0xff) &+ 5 &* 256] ^ table[Int(crc >> 24 & 0xff) &+ 4 &* 256]
            let high =
                table[Int(crc >> 32 & 0xff) &+ 3 &* 256] ^ table[Int(crc >> 40 & 0xff) &+ 2 &* 256]
                ^ table[Int(crc >> 48 & 0xff) &+ 256] ^ table[Int(crc >> 56)]
            crc = low ^ high
            place += 8
            rest &-= 8
        }
        while rest > 0 {
            crc = table[Int((crc ^ UInt64(place.load(as: UInt8.self))) & 0xff)] ^ crc >> 8
            place += 1
            rest &-= 1
        }
        value = crc
    }

    /// The checksum of `bytes` alone.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var crc = CRC64()
        crc.update(bytes)
        return crc.value
    }

    /// 0xad93d23594c935a9 with its bits in reverse.
    private static let polynomial: UInt64 = 0x95ac_9329_ac4b_c9b5

    /// Eight tables of 256 words: the n-th moves a byte over n further zero bytes.
    ///
    /// Safe to share: allocated and filled once, before anybody sees it, never changed and never freed.
    private nonisolated(unsafe) static let table: UnsafePointer<UInt64> = {
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt64(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
            table[byte] = crc
        }
        for index in 256..<8 * 256 {
            let before = table[index - 256]
            table[index] = table[Int(before & 0xff)] ^ before >> 8
        }
        return UnsafePointer(table)
    }()
}
