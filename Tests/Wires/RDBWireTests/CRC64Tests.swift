import RDBWire
import Testing

/// The checksum is the one that Redis uses.
@Suite struct CRC64Tests {
    @Test func `the check value is the one in the books`() {
        #expect("123456789".bytes.withUnsafeBytes { CRC64.of($0) } == 0xe9c6_d914_c4b8_d9ca)
        #expect([UInt8]().withUnsafeBytes { CRC64.of($0) } == 0)
    }

    @Test func `bytes in pieces have the checksum of the whole`() {
        var random = RandomNumbers(seed: 21)
        let bytes = random.bytes(5000)
        let whole = bytes.withUnsafeBytes { CRC64.of($0) }
        for _ in 0..<200 {
            var crc = CRC64()
            var position = 0
            while position < bytes.count {
                let end = min(bytes.count, position + random.number(0...700))
                Array(bytes[position..<end]).withUnsafeBytes { crc.update($0) }
                position = end
            }
            #expect(crc.value == whole)
        }
    }
}
