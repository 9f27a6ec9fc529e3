import Testing

@Suite(.comparedWithRedis)
struct CommandTableConformanceTests {
    /// Rows that Redis 7.0 does not have: CLIENT SETINFO is of 7.2, and clients of today send it.
    private static let newer: Set<String> = ["client|setinfo"]

    /// Of one command what COMMAND INFO answers, with the subcommands by name and without what newer versions have; of a
    /// key specification without its notes, which are texts.
    private static func normal(_ reply: Reply) -> Reply {
        guard var fields = reply.elements, fields.count == 10 else { return reply }
        fields[8] = fields[8].withElements((fields[8].elements ?? []).map(withoutNotes))
        let parts = (fields[9].elements ?? []).filter { !newer.contains(name($0)) }.map(normal)
        fields[9] = fields[9].withElements(parts.sorted { name($0) < name($1) })
        return reply.withElements(fields)
    }

    private static func name(_ reply: Reply) -> String { reply.elements?.first?.text ?? "" }

    private static func withoutNotes(_ specification: Reply) -> Reply {
        let fields = specification.elements ?? []
        return specification.withElements(fields.first?.text == "notes" ? Array(fields.dropFirst(2)) : fields)
    }

    @Test func `INFO tells all of every command that it tells in Redis`() throws {
        for version in [2, 3] {
            let (ours, theirs) = try Dialogue(version: version).connection("A")
            let known = try #require(try theirs.call("COMMAND").elements)
            let names = Set(known.map(Self.name))
            let rows = try #require(try ours.call("COMMAND").elements)
            #expect(names.subtracting(rows.map(Self.name)).isEmpty)
            #expect(rows.count == known.count)
            for row in rows {
                let other = try #require(try theirs.call("COMMAND", "INFO", Self.name(row)).elements?.first)
                #expect(Self.normal(row) == Self.normal(other))
                for part in row.elements?[9].elements ?? [] where !Self.newer.contains(Self.name(part)) {
                    let asked = try #require(try ours.call("COMMAND", "INFO", Self.name(part)).elements?.first)
                    #expect(Self.normal(asked) == Self.normal(part))
                }
            }
        }
    }

    @Test func `the keys of MIGRATE are those of Redis`() throws {
        let lines = [
            "h 1 k 0 5000", "h 1 \"\" 0 5000 KEYS k1 k2 k3", "h 1 \"\" 0 5000 COPY KEYS k1", "h 1 \"\" 0 5000",
            "h 1 \"\" 0 5000 KEYS", "h 1 \"\" 0 5000 AUTH KEYS KEYS k", "h 1 \"\" 0 5000 AUTH2 KEYS KEYS KEYS k",
            "h 1 x 0 5000 KEYS a b", "h 1 x 0 KEYS a b", "h 1 \"\" 0 5000 AUTH pw keys k KEYS j", "h 1 x 0",
            "h 1 \"\" 0 5000 REPLACE COPY",
        ]
        try compare(
            lines.flatMap { [Step("COMMAND GETKEYS MIGRATE \($0)"), Step("COMMAND GETKEYSANDFLAGS MIGRATE \($0)")] })
    }

    @Test func `what Redis 7 does not have is not there for a user who may not run it`() throws {
        try compare([
            "ACL SETUSER u on >p +ping +multi +exec", "B: AUTH u p", "B: CLIENT SETINFO lib-name x",
            "B: CLIENT BOGUS", "B: CLIENT SETNAME x", "B: CONFIG BOGUS", "B: OBJECT BOGUS a",
            "B: XGROUP BOGUS", "B: MULTI", "B: CLIENT SETINFO lib-name x", "B: EXEC", .timeless("ACL LOG"),
        ])
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

    @Test func `DOCS tells the facts of Redis, without its texts`() throws {
        for version in [2, 3] {
            let (ours, theirs) = try Dialogue(version: version).connection("A")
            let (mine, all) = (try facts(ours.call("COMMAND", "DOCS")), try facts(theirs.call("COMMAND", "DOCS")))
            #expect(mine.count > 300)
            #expect(Set(all.keys).subtracting(mine.keys).isEmpty)
            for (name, known) in mine where !Self.newer.contains(name) { #expect(known == all[name], "\(name)") }
            let one = try #require(try ours.call("COMMAND", "DOCS", "config|get", "none", "GET").elements)
            #expect(one.count == 4)
            #expect(one[0].text == "config|get" && one[2].text == "get")
        }
    }

    /// By commands and subcommands, the fields that are no texts.
    private func facts(_ reply: Reply) throws -> [String: [Reply]] {
        let elements = try #require(reply.elements)
        var found: [String: [Reply]] = [:]
        for index in stride(from: 0, to: elements.count, by: 2) {
            let fields = try #require(elements[index + 1].elements)
            for place in stride(from: 0, to: fields.count, by: 2) {
                if ["since", "group", "doc_flags", "deprecated_since", "arguments"].contains(fields[place].text) {
                    found[elements[index].text ?? "", default: []] += [fields[place], fields[place + 1]]
                }
                guard fields[place].text == "subcommands" else { continue }
                found.merge(try facts(fields[place + 1])) { first, _ in first }
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
            "COMMAND GETKEYS XREADGROUP GROUP streams c STREAMS a >",
            "COMMAND GETKEYS XREADGROUP GROUP g STREAMS STREAMS a >",
            "COMMAND GETKEYS XREAD STREAMS a b c", "COMMAND GETKEYS XREAD COUNT STREAMS STREAMS a 0",
            "COMMAND GETKEYS XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0", "COMMAND GETKEYS XREAD BOGUS STREAMS a 0",
            "COMMAND GETKEYS XREADGROUP GROUP g c NOACK STREAMS a >", "COMMAND GETKEYS XREAD STREAMS",
        ])
    }
}
