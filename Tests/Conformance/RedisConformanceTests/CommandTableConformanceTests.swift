import Testing

@Suite(.comparedWithRedis)
struct CommandTableConformanceTests {
    /// Rows that Redis 7.0 does not have: CLIENT SETINFO is of 7.2, and clients of today send it.
    private static let newer: Set<String> = ["client|setinfo"]

    private struct Row: Equatable, CustomStringConvertible {
        var name: String
        var arity: Reply
        var flags: Set<String>
        var keys: [Reply]
        var categories: Set<String>

        init?(_ reply: Reply) {
            guard let fields = reply.elements, fields.count >= 7, let name = fields[0].text else { return nil }
            self.name = name
            arity = fields[1]
            flags = Set((fields[2].elements ?? []).compactMap(\.text))
            keys = Array(fields[3...5])
            categories = Set((fields[6].elements ?? []).compactMap(\.text))
        }

        var description: String {
            "\(name) \(arity) \(flags.sorted().joined(separator: ",")) \(keys) \(categories.sorted())"
        }
    }

    private static func subcommands(_ reply: Reply) -> [Reply] {
        guard let fields = reply.elements, fields.count == 10 else { return [] }
        return fields[9].elements ?? []
    }

    @Test func `every command has the arity, the flags and the keys that it has in Redis`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        let rows = try #require(try ours.call("COMMAND").elements)
        #expect(rows.count > 150)
        for reply in rows {
            let row = try #require(Row(reply))
            let other = try #require(try theirs.call("COMMAND", "INFO", row.name).elements?.first)
            check(row, Row(other))
            let known = Dictionary(
                uniqueKeysWithValues: Self.subcommands(other).compactMap { Row($0) }.map { ($0.name, $0) })
            for part in Self.subcommands(reply).compactMap({ Row($0) }) { check(part, known[part.name]) }
        }
    }

    private func check(_ row: Row, _ other: Row?) {
        guard !Self.newer.contains(row.name) else { return }
        #expect(row == other)
    }

    @Test func `COMMAND answers in the shapes of Redis`() throws {
        try compare([
            "COMMAND INFO none", .sorted("COMMAND DOCS none"), "COMMAND GETKEYS GET a", "COMMAND GETKEYS MSET a 1 b 2",
            "COMMAND GETKEYS BOGUS a", "COMMAND GETKEYS GET",
            "COMMAND GETKEYS PING", "COMMAND GETKEYS", "COMMAND BOGUS", "COMMAND COUNT x", .shape("COMMAND COUNT"),
            "COMMAND GETKEYS BITOP AND d a b", "COMMAND GETKEYS SINTERCARD 2 a b",
            "COMMAND GETKEYS ZADD z 1 a", "COMMAND GETKEYS OBJECT ENCODING k", "COMMAND LIST BOGUS",
            "COMMAND LIST FILTERBY BOGUS x", "COMMAND GETKEYS SSUBSCRIBE a b", "COMMAND GETKEYS LCS a b",
            .sorted("COMMAND LIST FILTERBY PATTERN hge*"), .sorted("COMMAND LIST FILTERBY MODULE bogus"),
            "COMMAND LIST FILTERBY", "COMMAND GETKEYS SINTERCARD 9 a b",
        ])
    }
}
