import TestKit
import Testing

@Suite(.comparedWithRedis)
struct MemoryDifferentialTests {
    @Test func `its arguments are checked`() throws {
        try compare([
            "MEMORY", "MEMORY BOGUS", "MEMORY HELP", "MEMORY HELP x", "MEMORY STATS x", "MEMORY DOCTOR x",
            "MEMORY PURGE",
            "MEMORY PURGE x", "MEMORY MALLOC-STATS x", "memory purge", "MULTI", "MEMORY PURGE", "EXEC",
            .shape("MEMORY DOCTOR"), .shape("MEMORY MALLOC-STATS"), .shape("memory doctor"), .ignored("MEMORY STATS"),
            "EVAL \"return redis.call('MEMORY', 'PURGE')\" 0", "MEMORY USAGE", "MEMORY USAGE none", "SET a 1",
            .shape("MEMORY USAGE a"), "MEMORY PURGE", "GET a",
        ])
    }

    private func fields(_ reply: Reply) throws -> [String: Reply] {
        let elements = try #require(reply.elements)
        var fields: [String: Reply] = [:]
        for index in stride(from: 0, to: elements.count, by: 2) {
            fields[elements[index].text ?? ""] = elements[index + 1]
        }
        return fields
    }

    @Test(arguments: [2, 3])
    func `STATS has Redis's names and types, and its sums are right`(_ version: Int) throws {
        let (ours, theirs) = try Dialogue(version: version).connection("A")
        for client in [ours, theirs] {
            for number in 0..<100 { try client.call("SET", "key:\(number)", String(repeating: "v", count: 1000)) }
            try client.call("SELECT", "5")
            try client.call("SET", "a", "1", "EX", "100")
        }
        let (mine, other) = (try fields(ours.call("MEMORY", "STATS")), try fields(theirs.call("MEMORY", "STATS")))
        #expect(Set(mine.keys).isSubset(of: other.keys))
        #expect(mine.count >= 21)
        for (name, value) in mine { #expect(value.typeName == other[name]?.typeName, "\(name)") }
        for name in ["keys.count", "cluster.links"] { #expect(mine[name] == other[name], "\(name)") }
        let databases = try ["db.0", "db.5"].map { try fields(mine[$0] ?? .null) }
        #expect(databases.allSatisfy { $0.count == 3 })
        func number(_ name: String) -> Double { mine[name]?.number ?? mine[name]?.text.flatMap { Double($0) } ?? -1 }
        let tables = databases.reduce(0) { $0 + ($1["overhead.hashtable.main"]?.number ?? 0) }
        #expect(number("overhead.total") == number("startup.allocated") + tables)
        #expect(number("dataset.bytes") == number("total.allocated") - number("overhead.total"))
        #expect(number("dataset.bytes") > 100_000)
        #expect(number("peak.allocated") >= number("total.allocated"))
        #expect(number("allocator.active") >= number("allocator.allocated"))
        #expect((0...100).contains(number("dataset.percentage")))
        let report = try #require(try ours.call("MEMORY", "MALLOC-STATS").text)
        #expect(report.contains("\(Int(number("total.allocated"))) bytes in use"))
    }
}
