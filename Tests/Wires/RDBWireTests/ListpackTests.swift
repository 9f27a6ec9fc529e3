import RDBWire
import Testing

/// Elements go into a listpack and come out of it, in the bytes that the server would write.
@Suite struct ListpackTests {
    private static let integers: [Int64] =
        [7, 12, 15, 23, 31, 63].flatMap { bits -> [Int64] in
            let bound: Int64 = bits == 63 ? .max : 1 << Int64(bits)
            return [
                bound &- 2, bound &- 1, bound, bound &+ 1, -bound &- 2, -bound &- 1, -bound, -bound &+ 1, -bound &+ 2,
            ]
        } + [0, 1, -1]

    private func elements(_ blob: [UInt8]) throws(RDBError) -> [[UInt8]] {
        try blob.withUnsafeBufferPointer { blob throws(RDBError) in
            var iterator = try ListpackIterator(blob)
            var elements: [[UInt8]] = []
            while let element = try iterator.next() { elements.append(element.array) }
            return elements
        }
    }

    @Test func `integers of every width come back`() throws {
        var builder = ListpackBuilder()
        for value in Self.integers { builder.append(value) }
        #expect(builder.count == Self.integers.count)
        let size = builder.byteCount
        let blob = builder.finish()
        #expect(blob.count == size)
        #expect(try elements(blob) == Self.integers.map { "\($0)".bytes })
    }

    @Test func `what only looks like an integer stays text`() throws {
        let texts = [
            "00", "-0", "+1", "01", " 1", "1 ", "-", "9223372036854775808", "-9223372036854775809", "1e5", "0x1",
        ]
        var builder = ListpackBuilder()
        for text in texts { builder.append(text.bytes) }
        let blob = builder.finish()
        #expect(blob.count == 7 + texts.reduce(0) { $0 + $1.utf8.count + 2 })
        #expect(try elements(blob) == texts.map(\.bytes))
    }

    @Test func `more elements than the header can count come back`() throws {
        let many = (0..<70_000).map { "\($0)".bytes }
        #expect(try elements(OldEncodings.listpack(many)) == many)
    }

    @Test(.enabled(if: RedisServer.isInstalled))
    func `lengths around every bound are written as the server writes them`() throws {
        let server = try RedisServer(settings: ["--rdbcompression", "no"])
        var thresholds = EncodingThresholds()
        thresholds.compresses = false
        for length in [0...70, 118...130, 4090...4100, 16_370...16_390, 2_097_138...2_097_155].joined() {
            let element = [UInt8](repeating: 97, count: length)
            _ = try server.client.command("DEL", "k")
            _ = try server.client.command(["RPUSH".bytes, "k".bytes, element, "1".bytes])
            let payload = try DumpPayload.open(try server.client.command("DUMP", "k").bytes ?? [])
            #expect(try RDBValue.list([element, "1".bytes]).encoded(thresholds) == payload, "length \(length)")
            #expect(try RDBValue.decode(payload) == .list([element, "1".bytes]), "length \(length)")
        }
    }

    @Test(.enabled(if: RedisServer.isInstalled))
    func `integers around every bound are written as the server writes them`() throws {
        let server = try RedisServer()
        for value in Self.integers {
            let text = "\(value)".bytes
            _ = try server.client.command("DEL", "k", "s", "z")
            _ = try server.client.command(["HSET".bytes, "k".bytes, text, text])
            _ = try server.client.command(["SADD".bytes, "s".bytes, text])
            _ = try server.client.command(["ZADD".bytes, "z".bytes, text, text])
            let hash = RDBValue.hash([RDBField(name: text, value: text)])
            let sortedSet = RDBValue.sortedSet([RDBMember(member: text, score: Double(value))])
            for (key, expected) in [("k", hash), ("s", .set([text])), ("z", sortedSet)] {
                let payload = try DumpPayload.open(try server.client.command("DUMP", key).bytes ?? [])
                #expect(try expected.encoded() == payload, "\(key) \(value)")
                #expect(try RDBValue.decode(payload) == expected, "\(key) \(value)")
            }
        }
    }
}
