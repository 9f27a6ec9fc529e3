import Testing

@testable import CacheEmulator

/// What is large is taken out at once and freed a part at a time.
struct DiscardingTests {
    private let engine = EmulatorAtHand()
    private var memory: Memory { engine.emulator.memory }

    private static let fillings = [
        "set": "SADD large", "hash": "HSET large", "sorted set": "ZADD large", "list": "RPUSH large",
    ]

    private func fill(_ type: String, _ count: Int) {
        var left = count
        let long = String(repeating: "y", count: 90)
        while left > 0 {
            let words = (0..<500).map { index in
                switch type {
                case "hash": "field:\(left - index) v"
                case "sorted set": "\(left - index) member:\(left - index)"
                case "list": "\(long)\(left - index)"
                default: "member:\(left - index)"
                }
            }
            engine.run("\(Self.fillings[type]!) " + words.joined(separator: " "))
            left -= 500
        }
    }

    private static let types = ["set", "hash", "sorted set", "list"]

    @Test(arguments: types, ["DEL large", "FLUSHALL", "SET large x", "RENAME a large"])
    func `all of it is freed in the end, and little at a time`(type: String, command: String) {
        engine.run("SET a x")
        let empty = memory.inUse
        fill(type, 60_000)
        let full = memory.inUse
        engine.run(command)
        #expect(memory.inUse > empty + (full - empty) / 2, "it was freed at once")
        #expect(!memory.discarded.isEmpty)
        var before = memory.inUse
        var parts = 0
        while !memory.freeDiscarded(300) {
            #expect(before - memory.inUse < (full - empty) / 2)
            before = memory.inUse
            parts += 1
        }
        #expect(parts >= 2)
        #expect(memory.inUse <= empty + 64, "\(memory.inUse - empty) bytes are left")
    }

    @Test(arguments: types)
    func `a snapshot that was taken before sees it still`(type: String) throws {
        fill(type, 20_000)
        let empty = EmulatorAtHand().emulator.memory.inUse
        let snapshot = engine.emulator.snapshot()
        engine.run("DEL large")
        while !memory.freeDiscarded(1000) {}
        // Written over where the blocks were, had they been given away.
        for number in 0..<5000 { engine.run("SET other:\(number) zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz") }
        var seen = 0
        while case let part = try snapshot.next(64 << 10, until: .now + .seconds(1)), !part.isEmpty {
            seen += part.reduce(0) { $0 + $1.bytes.count }
        }
        #expect(seen > 100_000)
        snapshot.close()
        while !memory.sweep(.max) {}
        engine.run("FLUSHALL")
        while !memory.freeDiscarded(1000) {}
        #expect(memory.inUse <= empty + 64)
    }

    @Test func `values of keys that are flushed are freed, too`() {
        let empty = memory.inUse
        for number in 0..<3000 {
            let words = (0..<20).map { "m\(number)-\($0)" }.joined(separator: " ")
            engine.run("SADD s\(number) \(words)")
        }
        fill("sorted set", 10_000)
        engine.run("FLUSHDB")
        #expect(engine.run("DBSIZE") == ":0\r\n")
        engine.run("SET later x")
        while !memory.freeDiscarded(500) {}
        #expect(engine.run("GET later") == "$1\r\nx\r\n")
        engine.run("DEL later")
        #expect(memory.inUse <= empty + 64)
    }
}
