import BrokerModel
import Testing

@testable import Gateway

/// Which commands faults meet, and when they hit: the table as a dialogue.
struct FaultTableTests {
    struct Subject: FaultSubject {
        var name = "get"
        var subcommand: String?
        var keys: [String] = []
        var isSetup = false
        var command: String { name }
        var client: String? { nil }

        func isNamed(_ name: [UInt8], _ subcommand: [UInt8]?) -> Bool {
            Array(self.name.utf8) == name && (subcommand == nil || self.subcommand.map { Array($0.utf8) } == subcommand)
        }

        func hasKey(like pattern: [UInt8]) -> Bool { keys.contains { Array($0.utf8) == pattern } }
        func isOfClient(like pattern: [UInt8]) -> Bool { pattern == Array("web".utf8) }
    }

    private static let error = FaultEffect.error("ERR x")

    private static func table(_ faults: Fault...) -> FaultTable {
        var table = FaultTable()
        _ = table.add(faults.enumerated().map { (FaultID(rawValue: UInt64($0.offset)), $0.element) }, now: 0)
        return table
    }

    private static func hits(_ table: inout FaultTable, _ count: Int, _ subject: Subject = Subject()) -> [Int] {
        (1...count).filter { _ in table.decide(subject, now: 0) != .pass }
    }

    private static func passes(_ table: inout FaultTable, _ subject: Subject, _ now: UInt64) -> Bool {
        table.decide(subject, now: now) == .pass
    }

    @Test(arguments: [
        (Fault(error, nth: 3), [3]), (Fault(error, first: 2), [1, 2]), (Fault(error, every: 4), [4, 8]),
        (Fault(error, count: 3), [1, 2, 3]), (Fault(error, every: 2, count: 2), [2, 4]),
        (Fault(error, probability: 0), []), (Fault(error, nth: 9), [9]), (Fault(error, nth: 11), []),
    ])
    func `of those that are met some are hit`(fault: Fault, expected: [Int]) {
        var table = Self.table(fault)
        #expect(Self.hits(&table, 10) == expected)
        #expect(table.reports(now: 0)[0].fired == expected.count)
    }

    @Test func `what is hit by chance is the same with the same seed, and another with another`() {
        var (one, same, other) = (
            Self.table(Fault(Self.error, probability: 0.5, seed: 7)),
            Self.table(Fault(Self.error, probability: 0.5, seed: 7)),
            Self.table(Fault(Self.error, probability: 0.5, seed: 8))
        )
        let hits = Self.hits(&one, 200)
        #expect(Self.hits(&same, 200) == hits)
        #expect(Self.hits(&other, 200) != hits)
        #expect((70...130).contains(hits.count))
    }

    @Test func `the first fault that hits decides, and those behind it do not count`() {
        var table = Self.table(Fault(.error("A"), every: 2), Fault(.error("B"), first: 2))
        let texts = (0..<4).map { _ in table.decide(Subject(), now: 0).action }
        #expect(texts == [.error("B"), .error("A"), .error("B"), .error("A")])
        #expect(table.reports(now: 0).map(\.matched) == [4, 2])
    }

    @Test func `commands, keys and clients choose what is met`() {
        var table = Self.table(
            Fault(Self.error, commands: ["set", "xgroup|create"], key: "k", client: "web"))
        #expect(Self.passes(&table, Subject(name: "get", keys: ["k"]), 0))
        #expect(Self.passes(&table, Subject(name: "set", keys: ["other"]), 0))
        #expect(!Self.passes(&table, Subject(name: "set", keys: ["other", "k"]), 0))
        #expect(Self.passes(&table, Subject(name: "xgroup", subcommand: "destroy", keys: ["k"]), 0))
        #expect(!Self.passes(&table, Subject(name: "xgroup", subcommand: "create", keys: ["k"]), 0))
        #expect(table.reports(now: 0)[0].matched == 2)
        var stranger = Self.table(Fault(Self.error, client: "worker"))
        #expect(Self.passes(&stranger, Subject(), 0))
    }

    @Test func `commands that set a connection up are met by name only`() {
        var table = Self.table(Fault(Self.error))
        #expect(Self.passes(&table, Subject(name: "auth", isSetup: true), 0))
        var named = Self.table(Fault(Self.error, commands: ["auth"]))
        #expect(!Self.passes(&named, Subject(name: "auth", isSetup: true), 0))
    }

    @Test func `a fault ends with its time, and says so`() {
        var table = Self.table(Fault(Self.error, duration: 5))
        #expect(!Self.passes(&table, Subject(), 4_999_999))
        #expect(table.reports(now: 2_000_000)[0].endsIn == 3)
        #expect(table.meetsCommands(now: 4_999_999))
        #expect(Self.passes(&table, Subject(), 5_000_000))
        #expect(!table.meetsCommands(now: 5_000_000))
        #expect(table.reports(now: 6_000_000)[0].isOver)
        #expect(table.ended(now: 6_000_000).count == 1)
    }

    @Test func `the table is bounded, and gives up those that are over first`() {
        var table = FaultTable()
        for number in 0..<FaultTable.most {
            let isAdded = table.add([(FaultID(rawValue: UInt64(number)), Fault(Self.error, count: 1))], now: 0)
            #expect(isAdded)
        }
        let isAddedToFull = table.add([(FaultID(rawValue: 999), Fault(Self.error))], now: 0)
        #expect(!isAddedToFull)
        _ = table.decide(Subject(), now: 0)
        let isAddedForOver = table.add([(FaultID(rawValue: 999), Fault(Self.error))], now: 0)
        #expect(isAddedForOver)
        #expect(table.reports(now: 0).count == FaultTable.most)
        #expect(table.reports(now: 0)[0].id == FaultID(rawValue: 1))
    }

    @Test func `a delay's jitter stays within its bounds`() {
        var table = Self.table(Fault(.delay(100, jitter: 20), seed: 1))
        let times: [UInt64] = (0..<100).compactMap { _ in
            if case .delay(let time) = table.decide(Subject(), now: 0).action { time } else { nil }
        }
        #expect(times.count == 100)
        #expect(times.allSatisfy { (80_000_000...120_000_000).contains($0) })
        #expect(Set(times).count > 50)
    }
}
