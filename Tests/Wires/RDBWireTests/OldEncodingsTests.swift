import RDBWire
import Testing

/// What Redis 7.0 reads and does not write means to us what it means to the server.
@Suite struct OldEncodingsTests {
    @Test func `every type means what it was made of`() throws {
        for sample in Samples.all {
            #expect(try RDBValue.decode(sample.payload) == sample.value, "\(sample.name)")
        }
        let types = Set(Samples.all.map { $0.payload.first ?? .max })
        #expect(types == Set(0...21).subtracting([6, 7, 8]), "all types but those of modules")
    }

    @Test(.enabled(if: RedisServer.isInstalled)) func `the server reads the same values from the same payloads`() throws
    {
        let server = try RedisServer()
        for sample in Samples.all where sample.payload[0] <= 19 {
            let reply = try server.client.command([
                "RESTORE".bytes, sample.name.bytes, "0".bytes, DumpPayload.seal(sample.payload),
            ])
            #expect(reply == .text("OK".bytes), "\(sample.name)")
            #expect(try server.value(sample.name.bytes) == sample.value.normalized, "\(sample.name)")
        }
    }

    @Test(.enabled(if: RedisServer.isInstalled), arguments: [31] as [UInt64])
    func `random values of old encodings are read as the server reads them`(seed: UInt64) throws {
        typealias Old = OldEncodings
        let server = try RedisServer()
        var random = RandomNumbers(seed: seed)
        for round in 0..<40 {
            let count = random.pick([1, 2, 17, 130, 600])
            let elements = (0..<count).map { _ in random.bytes(random.number(0...(count > 100 ? 70 : 700))) }
            let fields = elements.enumerated().map { RDBField(name: "\($0)".bytes + $1.prefix(5), value: $1) }
            let flatFields = fields.flatMap { [$0.name, $0.value] }
            let scores = fields.map { RDBMember(member: $0.name, score: Double(random.integer()) / 1000) }
            let payloads: [[UInt8]] = [
                Old.plain(.list, elements), Old.payload(.listZiplist, Old.string(Old.ziplist(elements))),
                Old.quicklist(elements, size: random.number(1...50)), Old.plain(.set, fields.map(\.name)),
                Old.plain(.hash, flatFields, counted: fields.count),
                Old.payload(.hashZipmap, Old.rawString(Old.zipmap(fields, unused: random.number(0...4)))),
                Old.payload(.hashZiplist, Old.string(Old.ziplist(flatFields))), Old.textScores(scores),
                // The order within a blob is the server's to trust, so it has to be right.
                Old.payload(
                    .sortedSetZiplist,
                    Old.string(
                        Old.ziplist(scores.sorted { $0.score < $1.score }.flatMap { [$0.member, "\($0.score)".bytes] }))
                ),
            ]
            for payload in payloads {
                let key = "\(round)-\(payload[0])".bytes
                let reply = try server.client.command(["RESTORE".bytes, key, "0".bytes, DumpPayload.seal(payload)])
                #expect(reply == .text("OK".bytes), "seed \(seed), type \(payload[0])")
                let value = try RDBValue.decode(payload)
                #expect(try server.value(key) == value.normalized, "seed \(seed), type \(payload[0])")
                // And the other way round: what we make of it is no other value.
                #expect(try RDBValue.decode(try value.encoded()).normalized == value.normalized)
            }
        }
    }

    /// Groups of streams before Redis 7.0 do not say how many entries they have read.
    @Test(
        .enabled(if: RedisServer.isInstalled),
        arguments: [
            RDBStream.ID.zero, RDBStream.ID(5, 5), RDBStream.ID(1000, 5), RDBStream.ID(1000, 6), RDBStream.ID(1001, 0),
            RDBStream.ID(2_000_001, 9), RDBStream.ID(3_000_000, 0),
        ])
    func `what an old stream does not say is concluded as the server does`(lastDelivered: RDBStream.ID) throws {
        let server = try RedisServer()
        let (nodes, stream) = OldStreams.sample(lastDelivered: lastDelivered)
        var empty = stream
        empty.entries = []
        empty.groups[0].pending = []
        for (nodes, stream) in [(nodes, stream), ([], empty)] {
            let payload = OldStreams.payload(.streamListpacks, nodes, stream)
            _ = try server.client.command("DEL", "k")
            let reply = try server.client.command(["RESTORE".bytes, "k".bytes, "0".bytes, DumpPayload.seal(payload)])
            #expect(reply == .text("OK".bytes))
            guard case .stream(var theirs) = try server.value("k".bytes) else {
                Issue.record("no stream")
                continue
            }
            // For the server, the first id of an old stream without entries is the largest one.
            if stream.entries.isEmpty {
                #expect(theirs.firstID == RDBStream.ID(.max, .max))
                theirs.firstID = .zero
            }
            #expect(try RDBValue.decode(payload) == .stream(theirs))
        }
    }

    @Test(.enabled(if: RedisServer.isInstalled), arguments: 1...10)
    func `files of every version are read as the server reads them`(version: Int) throws {
        typealias Old = OldEncodings
        // What a version may contain, by the types that it brought.
        let firstVersions: [UInt8: Int] = [5: 8, 9: 2, 13: 4, 14: 7, 15: 9, 16: 10, 17: 10, 18: 10, 19: 10]
        let samples = Samples.all.filter { $0.payload[0] <= 19 && (firstVersions[$0.payload[0]] ?? 1) <= version }
        var file = "REDIS000\(version)".bytes.suffix(9).map { $0 }
        if version == 10 { file = "REDIS0010".bytes }
        if version >= 7 { file += [250] + Old.string("redis-ver".bytes) + Old.string("x".bytes) }
        file += [254, 5]
        if version >= 7 { file += [251] + Old.length(samples.count) + [1] }
        for (index, sample) in samples.enumerated() {
            if index == 1 {
                file +=
                    version < 3
                    ? [253] + Old.little(Int32(2_100_000_000)) : [252] + Old.little(Int64(4_000_000_000_123))
            }
            file += [sample.payload[0]] + Old.string(sample.name.bytes) + sample.payload[1...]
        }
        file.append(255)
        if version >= 5 { file += Old.little(file.withUnsafeBytes { CRC64.of($0) }) }

        let read = try ReadFile(file)
        #expect(read.version == version)
        #expect(read.consumed == file.count)
        let server = try RedisServer(file: file)
        _ = try server.client.command("SELECT", "5")
        #expect(try server.client.command("DBSIZE") == .integer(Int64(samples.count)))
        #expect(read.entries.count == samples.count)
        for (database, entry) in read.entries {
            #expect(database == 5)
            #expect(try server.value(entry.key) == RDBValue.decode(entry.payload).normalized)
            #expect(try server.client.command(["PEXPIRETIME".bytes, entry.key]).number == entry.expiry ?? -1)
        }
    }
}
