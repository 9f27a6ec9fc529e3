import RDBWire

/// A small payload of every type, and what it means.
enum Samples {
    static let elements =
        ["", "a", "12", "13", "-1", "127", "-129", "40000", "-8388608", "2147483648", "99999999999999999"]
        .map(\.bytes) + [[UInt8](repeating: 7, count: 33), [UInt8](repeating: 120, count: 300)]

    static let fields = elements.enumerated().map { RDBField(name: "field-\($0)".bytes, value: $1) }

    static let members = [-Double.infinity, -1e300, -1.5, 0, 0, 1, 3, 4, 1e17, .infinity].enumerated().map {
        RDBMember(member: "member-\($0)".bytes, score: $1)
    }

    /// A name, a payload, and the value in it.
    static let all: [(name: String, payload: [UInt8], value: RDBValue)] = {
        typealias Old = OldEncodings
        let flatFields = fields.flatMap { [$0.name, $0.value] }
        let flatMembers = members.flatMap { [$0.member, "\($0.score)".bytes] }
        var samples: [(name: String, payload: [UInt8], value: RDBValue)] = [
            ("string", Old.payload(.string, Old.rawString("hello".bytes)), .string("hello".bytes)),
            ("integer", Old.payload(.string, Old.string("-70000".bytes)), .string("-70000".bytes)),
            ("compressed", Old.payload(.string, Old.string(elements[12])), .string(elements[12])),
            ("list", Old.plain(.list, elements), .list(elements)),
            ("list ziplist", Old.payload(.listZiplist, Old.string(Old.ziplist(elements))), .list(elements)),
            ("quicklist", Old.quicklist(elements, size: 3), .list(elements)),
            ("set", Old.plain(.set, elements), .set(elements)),
            ("set listpack", Old.payload(.setListpack, Old.string(Old.listpack(elements))), .set(elements)),
            ("hash", Old.plain(.hash, flatFields, counted: fields.count), .hash(fields)),
            ("zipmap", Old.payload(.hashZipmap, Old.string(Old.zipmap(fields, unused: 3))), .hash(fields)),
            ("hash ziplist", Old.payload(.hashZiplist, Old.string(Old.ziplist(flatFields))), .hash(fields)),
            ("zset 1", Old.textScores(members), .sortedSet(members)),
            ("zset ziplist", Old.payload(.sortedSetZiplist, Old.string(Old.ziplist(flatMembers))), .sortedSet(members)),
        ]
        for width in [2, 4, 8] {
            let payload = Old.payload(.setIntset, Old.string(Old.intset([-5, 0, 7, 32000], width: width)))
            samples.append(("intset \(width)", payload, .set(["-5", "0", "7", "32000"].map(\.bytes))))
        }
        let (nodes, stream) = OldStreams.sample()
        samples.append(("stream 1", OldStreams.payload(.streamListpacks, nodes, stream), .stream(stream)))
        samples.append(("stream 2", OldStreams.payload(.streamListpacks2, nodes, stream), .stream(stream)))
        var active = stream
        active.groups[0].consumers[0].activeAt = -1
        active.groups[0].consumers[1].activeAt = 1_700_000_000_000
        samples.append(("stream 3", OldStreams.payload(.streamListpacks3, nodes, active), .stream(active)))
        for (name, value) in [
            ("quicklist 2", RDBValue.list(elements)), ("hash listpack", .hash(Array(fields.dropLast()))),
            ("zset listpack", .sortedSet(members)),
        ] {
            samples.append((name, (try? value.encoded()) ?? [], value))
        }
        var thresholds = EncodingThresholds()
        thresholds.sortedSetMaxListpackEntries = 0
        thresholds.listPlainBytes = 30
        samples.append(("zset 2", (try? RDBValue.sortedSet(members).encoded(thresholds)) ?? [], .sortedSet(members)))
        samples.append(("plain nodes", (try? RDBValue.list(elements).encoded(thresholds)) ?? [], .list(elements)))
        return samples
    }()

    /// A file with all of it, and everything else that a file can have.
    static func file() throws -> [UInt8] {
        try writtenFile { writer in
            try writer.auxiliary("redis-ver", "7.0.15")
            try writer.auxiliary("redis-bits", "64")
            try writer.function(code: "#!lua name=library\n".bytes + [UInt8](repeating: 32, count: 100))
            for database in [0, 9] {
                try writer.selectDatabase(database)
                try writer.sizes(keys: all.count, expires: 1)
                for (index, sample) in all.enumerated() {
                    var entry = RDBEntry(key: sample.name.bytes, payload: sample.payload)
                    if index == 3 { entry.expiry = 4_000_000_000_000 }
                    if index == 4 { entry.idle = 100_000 }
                    if index == 5 { entry.frequency = 200 }
                    if index == 6 { entry.key = [UInt8](repeating: 65, count: 100) }
                    try writer.entry(entry)
                }
            }
            try writer.selectDatabase(10)
            try writer.entry(RDBEntry(key: "big".bytes, payload: OldEncodings.plain(.string, [])))
        }
    }
}
