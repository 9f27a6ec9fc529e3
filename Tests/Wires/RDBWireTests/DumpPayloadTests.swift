import RDBWire
import Testing

/// DUMP's footer is written, and what RESTORE refuses we refuse.
@Suite struct DumpPayloadTests {
    private static let payload = Samples.all[0].payload

    /// A footer of any version.
    private func sealed(_ payload: [UInt8], version: UInt16) -> [UInt8] {
        let bytes = payload + OldEncodings.little(version)
        return bytes + OldEncodings.little(bytes.withUnsafeBytes { CRC64.of($0) })
    }

    @Test func `a sealed payload opens`() throws {
        let dump = DumpPayload.seal(Self.payload)
        #expect(dump == sealed(Self.payload, version: 10))
        #expect(DumpPayload.seal(Self.payload, version: 11) == sealed(Self.payload, version: 11))
        #expect(try DumpPayload.open(dump) == Self.payload)
        #expect(try DumpPayload.open(sealed(Self.payload, version: 1)) == Self.payload)
        #expect(try DumpPayload.open(sealed(Self.payload, version: 11), newest: 11) == Self.payload)
    }

    private static let broken: [[UInt8]] = {
        let dump = DumpPayload.seal(payload)
        return dump.indices.map { index in dump.enumerated().map { $0 == index ? $1 ^ 4 : $1 } }
            + dump.indices.map { Array(dump[..<$0]) }
    }()

    @Test func `a wrong footer does not open`() {
        for dump in Self.broken + [sealed(Self.payload, version: 11)] {
            #expect(throws: RDBError.unusableDump) { try DumpPayload.open(dump) }
        }
    }

    @Test(.enabled(if: RedisServer.isInstalled)) func `the server refuses the same, with the same words`() throws {
        let server = try RedisServer()
        let refusal = RESPReply.error("ERR \(RDBError.unusableDump)")
        for dump in Self.broken + [sealed(Self.payload, version: 11)] {
            #expect(try server.client.command(["RESTORE".bytes, "k".bytes, "0".bytes, dump]) == refusal)
        }
        for version in 0...10 as ClosedRange<UInt16> {
            let dump = sealed(Self.payload, version: version)
            let reply = try server.client.command(["RESTORE".bytes, "k".bytes, "0".bytes, dump, "REPLACE".bytes])
            #expect(reply == .text("OK".bytes))
            #expect(try DumpPayload.open(dump) == Self.payload)
        }
    }
}
