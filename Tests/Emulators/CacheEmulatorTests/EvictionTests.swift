import Testing

@testable import CacheEmulator

/// Which keys go when a limit is reached, and that it is kept.
struct EvictionTests {
    private let engine = EmulatorAtHand()
    private let value = String(repeating: "x", count: 1000)

    /// Lets about as much more in as `bytes`.
    private func limit(_ bytes: Int, _ policy: String) {
        engine.run("CONFIG SET maxmemory-policy \(policy)")
        engine.run("CONFIG SET maxmemory \(engine.emulator.memory.inUse + bytes)")
    }

    private var isKept: Bool { engine.emulator.memory.inUse <= engine.emulator.limit.bytes + 4096 }

    private func count(_ prefix: String, _ numbers: Range<Int>) -> Int {
        numbers.count { engine.run("EXISTS \(prefix)\($0)") == ":1\r\n" }
    }

    @Test(arguments: ["allkeys-lru", "allkeys-random"])
    func `as many keys go as there is no room for`(policy: String) {
        limit(1_000_000, policy)
        for number in 0..<5000 {
            #expect(engine.run("SET k\(number) \(value)") == "+OK\r\n")
            #expect(isKept)
        }
        let left = count("k", 0..<5000)
        #expect((700...1000).contains(left), "\(left)")
        #expect(engine.emulator.statistics.evictedKeys == 5000 - left)
    }

    @Test func `those that were used least recently go first`() {
        for number in 0..<1000 { engine.run("SET k\(number) \(value)") }
        engine.time += 10_000
        for number in 0..<500 { engine.run("GET k\(number)") }
        engine.time += 10_000
        limit(0, "allkeys-lru")
        for number in 0..<250 { engine.run("SET new\(number) \(value)") }
        // Of 1,000 the 250 go that are the worst of five each.
        let (used, unused) = (count("k", 0..<500), count("k", 500..<1000))
        #expect(used >= 440 && unused <= 310, "\(used) \(unused)")
        #expect(count("new", 0..<250) >= 245)
    }

    @Test func `those that end soonest go first, and what has no end stays`() {
        for number in 0..<500 { engine.run("SET soon\(number) \(value) EX \(1000 + number)") }
        for number in 0..<500 { engine.run("SET late\(number) \(value) EX \(100_000 + number)") }
        for number in 0..<500 { engine.run("SET stays\(number) \(value)") }
        limit(0, "volatile-ttl")
        for number in 0..<250 { engine.run("SET new\(number) \(value)") }
        #expect(count("late", 0..<500) >= 480)
        #expect(count("stays", 0..<500) == 500 && count("new", 0..<250) == 250)
        #expect(isKept)
    }

    @Test(arguments: ["volatile-lru", "volatile-random", "volatile-ttl"])
    func `a rare key with an end is found among many without`(policy: String) {
        for number in 0..<20_000 { engine.run("SET k\(number) v") }
        engine.run("SET rare \(value) EX 100")
        limit(-500, policy)
        #expect(engine.run("SET other v") == "+OK\r\n")
        #expect(engine.run("EXISTS rare") == ":0\r\n")
        #expect(count("k", 0..<20_000) == 20_000)
        limit(-500, policy)
        #expect(engine.run("SET other v").hasPrefix("-OOM "))
    }

    @Test func `what a snapshot still sees counts for nothing, so that nothing more goes for it`() {
        for number in 0..<1000 { engine.run("SET k\(number) \(value)") }
        let snapshot = engine.emulator.snapshot()
        limit(0, "allkeys-lru")
        for number in 0..<100 { engine.run("SET new\(number) \(value)") }
        let left = count("k", 0..<1000)
        #expect((880...910).contains(left), "\(left)")
        snapshot.close()
        #expect(count("k", 0..<1000) == left)
        #expect(engine.emulator.memory.inUse == engine.emulator.memory.arena.used)
    }

    @Test func `a key that goes is told as gone`() {
        engine.run("SET k v")
        let listener = EffectsListener(engine.emulator)
        defer { listener.close() }
        limit(-1000, "allkeys-random")
        engine.run("PING")
        #expect(listener.lines() == ["0: DEL k"])
    }

    @Test func `those that are used least often go first`() {
        limit(1 << 30, "allkeys-lfu")
        engine.run("CONFIG SET lfu-log-factor 1")
        for number in 0..<1000 { engine.run("SET k\(number) \(value)") }
        for _ in 0..<20 { for number in 0..<500 { engine.run("GET k\(number)") } }
        limit(0, "allkeys-lfu")
        for number in 0..<250 { engine.run("SET new\(number) \(value)") }
        let (used, unused) = (count("k", 0..<500), count("k", 500..<1000))
        #expect(used >= 470 && unused <= 400, "\(used) \(unused)")
    }

    @Test func `uses are forgotten with time`() {
        engine.run("CONFIG SET maxmemory-policy volatile-lfu lfu-log-factor 0")
        engine.run("SET k v")
        for _ in 0..<40 { engine.run("GET k") }
        #expect(engine.run("OBJECT FREQ k") == ":45\r\n")
        engine.time += 30 * 60_000
        #expect(engine.run("OBJECT FREQ k") == ":15\r\n")
        engine.run("CONFIG SET lfu-decay-time 10")
        #expect(engine.run("OBJECT FREQ k") == ":42\r\n")
        engine.run("CONFIG SET lfu-decay-time 0")
        #expect(engine.run("OBJECT FREQ k") == ":45\r\n")
    }

    @Test func `what is gone already makes room, though it is freed a part at a time`() {
        for number in 0..<3000 { engine.run("SADD large m\(number) n\(number) o\(number) p\(number)") }
        engine.run("SET other x")
        limit(-2000, "noeviction")
        #expect(engine.run("SET k \(value)").hasPrefix("-OOM"))
        engine.run("DEL large")
        #expect(engine.run("SET k \(value)") == "+OK\r\n")
    }
}
