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

    @Test func `what commands do with their keys`() throws {
        let lines = [
            "SET a 1", "SET a 1 GET", "SET a 1 NX GET EX 5", "MSET a 1 b 2", "MSETNX a 1 b 2", "GET a",
            "SORT a STORE b",
            "SORT a", "SORT_RO a", "EVAL x 2 a b", "EVAL x 0", "EVAL_RO x 1 a", "FCALL f 1 a", "ZUNIONSTORE d 2 a b",
            "ZUNION 2 a b", "GEORADIUS a 1 2 3 m", "GEORADIUS a 1 2 3 m STORE b",
            "GEOSEARCHSTORE d s FROMMEMBER m BYBOX 1 1 m",
            "LMOVE a b LEFT LEFT", "RPOPLPUSH a b", "EXISTS a b", "XREADGROUP GROUP g c STREAMS a b 1 1",
            "XREAD STREAMS a b 0 0", "COPY a b", "RENAME a b", "RENAMENX a b", "DEL a b", "UNLINK a", "BITOP AND d a b",
            "BITFIELD a GET u8 0", "BITFIELD a SET u8 0 1", "BITFIELD_RO a GET u8 0", "PFMERGE d a b", "PFCOUNT a b",
            "SINTERSTORE d a b", "SUNIONSTORE d a b", "SDIFFSTORE d a b", "SINTERCARD 2 a b", "LPUSH a 1", "HSET a f v",
            "HDEL a f", "ZADD a 1 b", "EXPIRE a 1", "OBJECT ENCODING a", "MEMORY USAGE a", "XGROUP CREATE a g 0",
            "XGROUP DESTROY a g", "XINFO STREAM a", "BLPOP a b 0", "LMPOP 2 a b LEFT", "SMOVE a b m", "LCS a b",
            "TYPE a",
            "WATCH a b", "GETEX a PERSIST", "INCR a", "PING x y", "GET", "GET a b", "BOGUS a", "SINTERCARD 9 a b",
            "PUBLISH c m", "SPUBLISH c m",
        ]
        try compare(
            lines.map { Step("COMMAND GETKEYSANDFLAGS \($0)") } + [
                "COMMAND GETKEYSANDFLAGS", .sorted("COMMAND LIST FILTERBY ACLCAT geo"),
                .sorted("COMMAND LIST FILTERBY ACLCAT STRING"), .sorted("COMMAND LIST FILTERBY ACLCAT hash"),
                .sorted("COMMAND LIST FILTERBY ACLCAT list"), .sorted("COMMAND LIST FILTERBY ACLCAT bitmap"),
                .sorted("COMMAND LIST FILTERBY ACLCAT stream"), .sorted("COMMAND LIST FILTERBY ACLCAT transaction"),
                .sorted("COMMAND LIST FILTERBY ACLCAT sortedset"), "COMMAND LIST FILTERBY ACLCAT bogus",
                "COMMAND LIST FILTERBY ACLCAT", "COMMAND LIST FILTERBY ACLCAT geo x", "COMMAND LIST FILTERBY MODULE x",
                .sorted("COMMAND LIST FILTERBY PATTERN config*"), .sorted("COMMAND LIST FILTERBY PATTERN CONFIG|G*"),
                "COMMAND LIST FILTERBY PATTERN get", "COMMAND LIST FILTERBY PATTERN", "COMMAND HELP",
            ])
    }

    @Test func `DOCS names the groups and the subcommands of Redis`() throws {
        for version in [2, 3] {
            let (ours, theirs) = try Dialogue(version: version).connection("A")
            let (mine, all) = (try groups(ours.call("COMMAND", "DOCS")), try groups(theirs.call("COMMAND", "DOCS")))
            #expect(mine.count > 300)
            for (name, group) in mine where !Self.newer.contains(name) { #expect(group == all[name], "\(name)") }
            let one = try #require(try ours.call("COMMAND", "DOCS", "config|get", "none", "GET").elements)
            #expect(one.count == 4)
            #expect(one[0].text == "config|get" && one[2].text == "get")
        }
    }

    /// By commands and subcommands.
    private func groups(_ reply: Reply) throws -> [String: String] {
        let elements = try #require(reply.elements)
        var found: [String: String] = [:]
        for index in stride(from: 0, to: elements.count, by: 2) {
            let fields = try #require(elements[index + 1].elements)
            for place in stride(from: 0, to: fields.count, by: 2) {
                if fields[place].text == "group" { found[elements[index].text ?? ""] = fields[place + 1].text }
                guard fields[place].text == "subcommands" else { continue }
                found.merge(try groups(fields[place + 1])) { first, _ in first }
            }
        }
        return found
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
