import RDBWire
import Testing

/// Bytes from outside, however broken, end in a value or an error, and in little memory.
///
/// A trap would end the test process; the seed is then that of the test which was running.
@Suite struct MutationTests {
    private static let memoryBound = 128 << 20

    @Test(arguments: Samples.all.indices) func `a broken payload is a value or an error`(sample: Int) {
        let (name, payload, _) = Samples.all[sample]
        var random = RandomNumbers(seed: 1000 + UInt64(sample))
        let before = Mutation.peakMemory
        var refused = 0
        for _ in 0..<3000 {
            let broken = Mutation.broken(payload, &random)
            do {
                let value = try RDBValue.decode(broken)
                // What we accept has a form of its own, and that is accepted as well.
                let again = try RDBValue.decode(try value.encoded())
                #expect(again.normalized.isAlike(value.normalized), "\(name): \(broken)")
            } catch {
                refused += 1
            }
        }
        #expect(refused > 200, "\(name): hardly anything was broken")
        #expect(Mutation.peakMemory - before < Self.memoryBound, "\(name)")
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `a broken file is read up to an error`(seed: UInt64) throws {
        var file = try Samples.file()
        file.replaceSubrange(file.count - 8..<file.count, with: [0, 0, 0, 0, 0, 0, 0, 0])
        var random = RandomNumbers(seed: 2000 + seed)
        let before = Mutation.peakMemory
        var refused = 0
        for _ in 0..<150 {
            let broken = file.prefix(9) + Mutation.broken(Array(file.dropFirst(9)), &random)
            do {
                for (_, entry) in try ReadFile(Array(broken)).entries { _ = try? RDBValue.decode(entry.payload) }
            } catch { refused += 1 }
        }
        #expect(refused > 10)
        #expect(Mutation.peakMemory - before < Self.memoryBound, "seed \(seed)")
    }

    @Test func `a payload that is cut anywhere is an error`() {
        for (name, payload, _) in Samples.all {
            for end in 0..<payload.count {
                #expect(throws: RDBError.self, "\(name), cut at \(end)") { try RDBValue.decode(Array(payload[..<end])) }
            }
            #expect(throws: RDBError.malformed("bytes behind a value"), "\(name)") {
                try RDBValue.decode(payload + [0])
            }
        }
    }

    @Test func `a count of 2^60 takes no memory`() {
        typealias Old = OldEncodings
        let count = Old.wideLength(1 << 60)
        let before = Mutation.peakMemory
        for type in 0...21 as ClosedRange<UInt8> where ![6, 7, 8].contains(type) {
            for filler in [0, 1, 100_000] {
                let payload = [type] + count + [UInt8](repeating: 1, count: filler)
                #expect(throws: RDBError.self, "type \(type)") { try RDBValue.decode(payload) }
                let file = "REDIS0010".bytes + [type, 1, 107] + count + [UInt8](repeating: 1, count: filler)
                #expect(throws: RDBError.self, "type \(type)") { try ReadFile(file) }
            }
            let smaller = [type] + Old.wideLength(1 << 32) + [UInt8](repeating: 1, count: 100_000)
            #expect(throws: RDBError.self, "type \(type)") { try RDBValue.decode(smaller) }
            let file = "REDIS0010".bytes + [type, 1, 107] + smaller.dropFirst()
            #expect(throws: RDBError.self, "type \(type)") { try ReadFile(file, limits: RDBLimits(stringBytes: .max)) }
        }
        #expect(Mutation.peakMemory - before < Self.memoryBound)
    }

    @Test func `bombs of compressed blobs are bounded by the limits`() throws {
        typealias Old = OldEncodings
        // A listpack of a million zeros is eight kilobytes when compressed.
        let node = Old.listpack([[UInt8]](repeating: "0".bytes, count: 60_000))
        let payload = Old.payload(
            .listQuicklist2, Old.length(500) + (0..<500).flatMap { _ in [2] + Old.string(node) })
        #expect(payload.count < 1 << 20)
        let limits = RDBLimits(stringBytes: 1 << 20, elements: 100_000)
        #expect(throws: RDBError.tooLarge(limit: 100_000)) { try RDBValue.decode(payload, limits: limits) }
        #expect(throws: RDBError.tooLarge(limit: 1000)) {
            try RDBValue.decode(payload, limits: RDBLimits(stringBytes: 1000))
        }
        let giant = Old.payload(
            .string, [0xc3, 10, 0x80, 0x1f, 0xff, 0xff, 0xff] + [UInt8](repeating: 0xff, count: 10))
        #expect(throws: RDBError.malformed("compressed string of an impossible length")) { try RDBValue.decode(giant) }
        #expect(throws: RDBError.tooLarge(limit: 512 << 20)) {
            try RDBValue.decode(Old.payload(.string, [0x80, 0x20, 0, 0, 1]))
        }
    }

    @Test func `collections without members are told apart from broken ones`() {
        typealias Old = OldEncodings
        let blobs: [(RDBType, [UInt8])] = [
            (.listZiplist, Old.ziplist([])), (.hashZiplist, Old.ziplist([])), (.sortedSetZiplist, Old.ziplist([])),
            (.hashListpack, Old.listpack([])), (.sortedSetListpack, Old.listpack([])), (.setListpack, Old.listpack([])),
            (.setIntset, Old.intset([], width: 2)), (.hashZipmap, Old.zipmap([])),
        ]
        for (type, blob) in blobs {
            #expect(throws: RDBError.emptyValue, "\(type)") {
                try RDBValue.decode(Old.payload(type, Old.rawString(blob)))
            }
        }
        for type in [RDBType.list, .set, .hash, .sortedSet, .sortedSet2, .listQuicklist, .listQuicklist2] {
            #expect(throws: RDBError.emptyValue, "\(type)") { try RDBValue.decode([type.rawValue, 0]) }
        }
        for value in [RDBValue.list([]), .set([]), .hash([]), .sortedSet([])] {
            #expect(throws: RDBError.emptyValue) { try value.encoded() }
        }
    }

    @Test func `what has no form is not written`() {
        #expect(throws: RDBError.notEncodable("score that is no number")) {
            try RDBValue.sortedSet([RDBMember(member: [], score: .nan)]).encoded()
        }
        var stream = OldStreams.sample().stream
        stream.groups[0].pending[0].consumer = 2
        #expect(throws: RDBError.notEncodable("pending entry without a consumer")) {
            try RDBValue.stream(stream).encoded()
        }
    }
}

extension RDBValue {
    /// Equal, but for what version 10 of the format cannot say and for the order in which it wants groups.
    fileprivate func isAlike(_ other: RDBValue) -> Bool {
        guard case .stream(let left) = self, case .stream(let right) = other else { return self == other }
        return left.entries == right.entries && left.lastID == right.lastID && left.firstID == right.firstID
            && left.maxDeletedID == right.maxDeletedID && left.entriesAdded == right.entriesAdded
            && left.groups.map { $0.pending.count }.sorted() == right.groups.map { $0.pending.count }.sorted()
    }
}
