import RDBWire
import Testing

/// Long strings come out of compression as they went in, and bombs do not go off.
@Suite struct LZFTests {
    private func compress(_ bytes: [UInt8], most: Int? = nil) -> [UInt8]? {
        var compressor = LZFCompressor()
        return bytes.withUnsafeBytes { compressor.compress($0, most: most ?? $0.count) }
    }

    private func decompress(_ bytes: [UInt8], _ count: Int) throws(RDBError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(RDBError) in
            try LZF.decompress(UnsafeRawBufferPointer(bytes), count: count)
        }
    }

    @Test func `strings of any kind come back`() throws {
        var random = RandomNumbers(seed: 11)
        var compressor = LZFCompressor()
        var packedCount = 0
        for _ in 0..<3000 {
            let bytes = random.bytes(random.length())
            guard let packed = bytes.withUnsafeBytes({ compressor.compress($0, most: $0.count) }) else { continue }
            packedCount += 1
            #expect(packed.count <= bytes.count)
            #expect(try decompress(packed, bytes.count) == bytes)
        }
        #expect(packedCount > 500)
    }

    @Test func `a compressor's past does not show in its results`() throws {
        var random = RandomNumbers(seed: 12)
        var old = LZFCompressor()
        for _ in 0..<300 {
            let bytes = random.bytes(random.length())
            #expect(bytes.withUnsafeBytes { old.compress($0, most: $0.count) } == compress(bytes))
        }
    }

    @Test func `no result is longer than allowed`() {
        var random = RandomNumbers(seed: 13)
        for _ in 0..<2000 {
            let bytes = random.bytes(random.number(0...300))
            let most = random.number(0...320)
            if let packed = compress(bytes, most: most) { #expect(packed.count <= most) }
        }
        #expect(compress((0..<100).map { $0 }, most: 1000)?.count == 104)
    }

    @Test(.enabled(if: RedisServer.isInstalled)) func `the server's strings are understood, and ours are the same`()
        throws
    {
        let server = try RedisServer()
        var random = RandomNumbers(seed: 14)
        var compressedCount = 0
        for round in 0..<2000 {
            let bytes = round < 1200 ? random.bytes(random.number(21...200)) : random.bytes(random.length())
            _ = try server.client.command(["SET".bytes, "k".bytes, bytes])
            let payload = try DumpPayload.open(try server.client.command("DUMP", "k").bytes ?? [])
            #expect(try RDBValue.decode(payload) == .string(bytes))
            #expect(try RDBValue.string(bytes).encoded() == payload, "\(bytes)")
            if payload[1] == 0xc3 { compressedCount += 1 }
        }
        #expect(compressedCount > 500)
    }

    @Test func `lengths that the bytes cannot have are refused before memory is taken`() throws {
        let packed = try #require(compress([UInt8](repeating: 7, count: 10_000)))
        #expect(throws: RDBError.malformed("compressed string")) { try decompress(packed, 9_999) }
        #expect(throws: RDBError.malformed("compressed string")) { try decompress(packed, 10_001) }
        #expect(throws: RDBError.malformed("compressed string of an impossible length")) {
            try decompress(packed, packed.count * 88 + 1)
        }
        #expect(throws: RDBError.tooLarge(limit: 512 << 20)) { try decompress(packed, 1 << 30) }
        #expect(throws: RDBError.malformed("compressed string")) { try decompress([0x20, 0x00], 3) }
        #expect(throws: RDBError.malformed("compressed string")) { try decompress([0xe0], 9) }
        #expect(throws: RDBError.malformed("compressed string")) { try decompress([0x05, 0x00], 6) }
    }
}
