import RDBWire
import Testing

/// Files are read the same however they arrive, to the byte where they end.
@Suite struct RDBReaderTests {
    @Test func `a file that comes byte by byte has the same items`() throws {
        let file = try Samples.file()
        let whole = try ReadFile(file)
        #expect(whole.entries.count == 2 * Samples.all.count + 1)
        #expect(whole.consumed == file.count)
        #expect(try ReadFile(file, piece: { 1 }) == whole)
        for (index, sample) in Samples.all.enumerated() {
            #expect(whole.entries[index].entry.payload == sample.payload, "\(sample.name)")
        }
        #expect(whole.entries[3].entry.expiry == 4_000_000_000_000)
        #expect(whole.entries[4].entry.idle == 100_000)
        #expect(whole.entries[5].entry.frequency == 200)
        #expect(whole.entries[6].entry.key == [UInt8](repeating: 65, count: 100))
    }

    @Test func `a file that is cut at any place has the same items`() throws {
        let file = try Samples.file()
        let whole = try ReadFile(file)
        for cut in 1..<file.count {
            var isFirst = true
            let read = try ReadFile(file) {
                defer { isFirst = false }
                return isFirst ? cut : .max
            }
            guard read != whole else { continue }
            Issue.record("cut at \(cut)")
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func `a large file in pieces of any size has the same items`(
        seed: UInt64
    ) throws {
        var random = RandomNumbers(seed: seed)
        let file = try writtenFile { writer in
            for number in 0..<200 {
                let value = RDBValue.string(random.bytes(random.once(in: 20) ? 200_000 : random.length()))
                try writer.entry(RDBEntry(key: "\(number)".bytes, payload: try value.encoded()))
            }
        }
        let whole = try ReadFile(file)
        #expect(whole.entries.count == 200)
        #expect(try ReadFile(file, piece: { random.number(1...100_000) }) == whole, "seed \(seed)")
        #expect(try ReadFile(file, piece: { random.number(1...20) }) == whole, "seed \(seed)")
    }

    @Test func `what follows the file is handed back`() throws {
        let file = try Samples.file()
        let rest = "0123456789012345678901234567890123456789*1\r\n$4\r\nPING\r\n".bytes
        for size in [1, 7, 1000, Int.max] {
            let read = try ReadFile(file + rest, piece: { size })
            #expect(read.consumed == file.count)
            #expect(rest.starts(with: read.unread))
        }
        #expect(try ReadFile(file + rest).unread == rest)
    }

    @Test func `no byte behind the announced length is asked for`() throws {
        let file = try Samples.file()
        let read = try ReadFile(file + "*1".bytes, totalLength: file.count)
        #expect(read.unread == [])
        #expect(read.consumed == file.count)
        #expect(throws: RDBError.truncated) { try ReadFile(file + [0], totalLength: file.count - 1) }
        #expect(throws: RDBError.malformed("bytes behind the end")) {
            try ReadFile(file + [0], totalLength: file.count + 1)
        }
        var asked = 0
        var reader = RDBReader(totalLength: file.count) { buffer in
            let count = min(buffer.count, 999)
            buffer.copyBytes(from: file[asked..<asked + count])
            asked += count
            return count
        }
        while try reader.next() != .end {}
        #expect(asked == file.count)
        #expect(try reader.next() == .end)
    }

    @Test func `a file that ends early is an error at every place`() throws {
        let file = try Samples.file()
        for end in 0..<file.count {
            do {
                _ = try ReadFile(Array(file[..<end]))
                Issue.record("cut at \(end) was accepted")
            } catch { #expect(error == .truncated, "cut at \(end)") }
        }
    }

    @Test func `one changed bit anywhere is noticed`() throws {
        let file = try Samples.file()
        var random = RandomNumbers(seed: 41)
        for place in file.indices {
            var broken = file
            broken[place] ^= 1 << UInt8(random.number(0...7))
            // In the checksum itself, no bit makes it 0.
            #expect(throws: RDBError.self, "place \(place)") { try ReadFile(broken) }
        }
    }

    @Test func `a checksum of 0 is not compared, and old files have none`() throws {
        let file = try writtenFile(checksums: false) { try $0.auxiliary("a", "b") }
        #expect(file.suffix(8) == [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(try ReadFile(file).items == [.auxiliary(key: "a".bytes, value: "b".bytes), .end])
        let old = try ReadFile("REDIS0004".bytes + [0xff] + "more".bytes)
        #expect(old.items == [.end])
        #expect(old.consumed == 10)
        #expect(old.unread == "more".bytes)
        #expect(throws: RDBError.wrongChecksum) { try ReadFile("REDIS0005".bytes + [0xff, 1, 2, 3, 4, 5, 6, 7, 8]) }
    }

    @Test(
        arguments: [
            ("REDIS0000", .unsupportedVersion(0)), ("REDIS0012", .unsupportedVersion(12)),
            ("REDIS9999", .unsupportedVersion(9999)), ("REDIS00x1", .notRDB), ("RODIS0010", .notRDB),
            ("REDI", .truncated),
            ("", .truncated), ("REDIS0011", .truncated), ("REDIS0010\u{08}", .unknownType(8)),
            ("REDIS0010\u{17}", .unknownType(23)),
            ("REDIS0010\u{06}\u{01}k", .unsupported("value of a module of the first format")),
        ] as [(String, RDBError)]) func `what we cannot read is refused by its name`(text: String, error: RDBError)
    {
        #expect(throws: error) { try ReadFile(text.bytes) }
    }

    @Test func `the version is named in the error`() {
        #expect("\(RDBError.unsupportedVersion(12))" == "RDB version \"12\" is not supported, 1 to 11 are")
    }

    @Test func `data of modules is passed over`() throws {
        typealias Old = OldEncodings
        let data =
            [2, 5, 1] + Old.wideLength(99) + [3, 0, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5] + Old.string("text".bytes)
            + [0]
        let payload = [7] + Old.wideLength(1 << 60) + data
        var file = "REDIS0010".bytes + [247] + Old.wideLength(77) + data
        file += [7] + Old.string("k".bytes) + payload[1...] + [255, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(
            try ReadFile(file).items == [
                .moduleAuxiliary(module: 77), .entry(RDBEntry(key: "k".bytes, payload: payload)), .end,
            ])
        #expect(throws: RDBError.unsupported("value of a module")) { try RDBValue.decode(payload) }
    }

    @Test func `a source's error comes through, and stays`() throws {
        var reader = RDBReader { _ throws(RDBError) in throw .transfer(code: 104) }
        for _ in 0..<2 {
            var seen: RDBError?
            do { _ = try reader.next() } catch { seen = error }
            #expect(seen == .transfer(code: 104))
        }
    }

    @Test func `a sink's error comes through`() {
        #expect(throws: RDBError.transfer(code: 32)) {
            var writer = RDBWriter { _ throws(RDBError) in throw .transfer(code: 32) }
            try writer.end()
        }
    }

    @Test func `pieces for the sink are bounded`() throws {
        var longest = 0
        var writer = RDBWriter { longest = max(longest, $0.count) }
        for size in [10, 60_000, 65_535, 65_536, 1_000_000, 30_000, 30_000, 30_000] {
            try writer.entry(RDBEntry(key: "k".bytes, payload: [UInt8](repeating: 0, count: size)))
        }
        try writer.end()
        #expect(longest > 60_000)
        #expect(longest <= (64 << 10) + 100, "a piece, and the key of the next entry")
    }
}
