import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

struct DatabaseTests {
    private let clock = KeyspaceClock()
    private let memory = Memory()
    private let database: Database

    init() {
        clock.now = 1_000_000
        database = Database(number: 0, memory: memory, clock: clock)
    }

    private func set(_ key: String, _ value: String, expiry: Int64? = nil) {
        Array(key.utf8).withBytes { key in
            Array(value.utf8).withBytes { database.setString(key, database.hash(key), $0, expiry: expiry) }
        }
    }

    private func get(_ key: String) -> String? {
        Array(key.utf8).withBytes { key in
            database.find(key, database.hash(key)).map { database.withString($0) { $0.text } }
        }
    }

    @Test func `a key is there until its time is over`() {
        var gone: [String] = []
        database.keyExpired = { gone.append($0.text) }
        set("a", "1", expiry: 1_000_010)
        set("b", "2")
        clock.now = 1_000_009
        #expect(get("a") == "1")
        clock.now = 1_000_010
        #expect(get("a") == nil)
        #expect(gone == ["a"])
        #expect(database.count == 1)
        #expect(database.expiringCount == 0)
        #expect(get("b") == "2")
    }

    @Test func `keys whose time is over are found without being asked for`() {
        for number in 0..<20_000 {
            set("key:\(number)", "v", expiry: number % 2 == 0 ? 1_000_000 + Int64(number) : nil)
        }
        #expect(database.expiringCount == 10_000)
        clock.now = 1_005_000
        var rounds = 0
        while !database.expireDue(budget: 4096) { rounds += 1 }
        #expect(rounds > 1 && rounds < 100)
        #expect(database.expiringCount == 10_000 - 2501)
        #expect(get("key:5000") == nil)
        #expect(get("key:5002") == "v")
        clock.now = 2_000_000
        while !database.expireDue(budget: 4096) {}
        #expect(database.count == 10_000)
        #expect(database.expiringCount == 0)
    }

    @Test func `where hardly anything is due, few segments are looked at at a time, and none is missed`() {
        for number in 0..<20_000 { set("key:\(number)", "v", expiry: number % 997 == 0 ? 1_000_001 : 9_000_000) }
        clock.now = 1_000_000
        var rounds = 0
        while !database.expireDue(budget: 8) { rounds += 1 }
        #expect(rounds >= 5, "\(rounds)")
        #expect(database.expiringCount == 20_000)

        // The table grows in the middle of a pass; the next one finds what this one has missed.
        clock.now = 1_000_002
        #expect(!database.expireDue(budget: 8))
        for number in 20_000..<80_000 { set("key:\(number)", "v", expiry: 9_000_000) }
        while !database.expireDue(budget: 8) {}
        while !database.expireDue(budget: 8) {}
        #expect(database.expiringCount == 80_000 - 21)
        database.removeAll()
        #expect(database.expireDue(budget: 8))
    }

    @Test func `expiry is set, moved and taken away`() {
        let key = Array("a".utf8)
        func change(_ expiry: Int64?) {
            key.withBytes { key in
                guard let entry = database.find(key, database.hash(key)) else { return }
                database.setExpiry(expiry, of: entry, database.hash(key))
            }
        }
        set("a", "value of some length")
        for expiry in [1_000_500, 1_000_100, nil, 1_000_050, nil] as [Int64?] {
            change(expiry)
            #expect(database.expiringCount == (expiry == nil ? 0 : 1))
            #expect(get("a") == "value of some length")
        }
        clock.now = 9_000_000
        #expect(database.expireDue(budget: 100))
        #expect(get("a") == "value of some length")
        // An earlier time is noticed though a later one was there before.
        change(9_000_500)
        change(9_000_001)
        clock.now = 9_000_002
        #expect(database.expireDue(budget: 100))
        #expect(database.count == 0)
    }

    @Test func `a string is set in place or anew and always reads back`() {
        var random = SeededRandom(seed: 4)
        var expected: [String: String] = [:]
        let empty = memory.arena.used
        for _ in 0..<20_000 {
            let key = "k\(random.below(200))"
            let values = ["\(random.below(1000))", String(repeating: "x", count: random.below(100)), "-5", "007", ""]
            let value = values[random.below(values.count)]
            set(key, value, expiry: random.below(4) == 0 ? 5_000_000 : nil)
            expected[key] = value
            let asked = "k\(random.below(200))"
            #expect(get(asked) == expected[asked])
        }
        #expect(database.count == expected.count)
        database.removeAll()
        #expect(memory.arena.used == empty)
    }

    @Test func `databases exchange their contents`() {
        let other = Database(number: 1, memory: memory, clock: clock)
        set("a", "1", expiry: 2_000_000)
        set("b", "2")
        database.swapContents(with: other)
        #expect(database.count == 0)
        #expect(database.expiringCount == 0)
        #expect(other.count == 2)
        #expect(other.expiringCount == 1)
    }
}
