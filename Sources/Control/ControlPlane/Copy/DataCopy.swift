import BrokerModel
import ProviderKit

/// Carries what one backing holds into another one, keeps up with what changes, and compares both.
struct DataCopy: Sendable {
    let source: any CopySource
    let target: any CopyTarget
    private(set) var receipt = CopyReceipt()
    /// How far the target has what changed; nil before it has the snapshot.
    private(set) var position: Int64?
    /// Keys that were not the same when they were compared: the changes under way may make them so.
    private(set) var suspects: Set<CopyKey> = []

    /// How often the source had begun again when both ends were compared; nil before.
    private var comparedAt: Int?
    private let progress: SwapProgress?

    /// More suspects than are compared within a pause: then they are compared again before.
    private static let mostSuspects = 1000
    private static let mostRounds = 50
    /// So many rounds in a row that take no less than the last one, and long, are not followed by one that does.
    private static let mostIdleRounds = 12
    private static let longRound = Duration.seconds(1)
    private static let comparedAtOnce = 1000

    init(source: any CopySource, target: any CopyTarget, _ progress: SwapProgress? = nil) {
        self.progress = progress
        self.source = source
        self.target = target
        receipt.byKey = source.readsByKey ? true : nil
    }

    /// Closes both ends.
    func close() async {
        await source.close()
        await target.close()
    }

    /// Carries the next part across.
    mutating func step() async throws(BrokerError) {
        let batch = try await source.next()
        if !batch.segments.isEmpty { try await target.apply(batch) }
        let commands = batch.segments.reduce(0) { $0 + $1.commands }
        receipt.keys += batch.keys
        receipt.changes += commands - batch.keys
        receipt.bytes += batch.size
        if position == nil { progress?.reach(receipt.keys) }
        if let reached = batch.position { position = reached }
    }

    mutating func copySnapshot() async throws(BrokerError) {
        while position == nil { try await step() }
    }

    /// Carries everything across that was answered before this call.
    mutating func catchUp() async throws(BrokerError) {
        let fence = try await source.position()
        while position.map({ $0 < fence }) ?? true { try await step() }
    }

    /// Follows the changes until what is left takes no longer than `pause`; throws when the writers stay ahead.
    mutating func converge(within pause: Duration) async throws(BrokerError) {
        let clock = ContinuousClock()
        var (last, rounds, idle) = (Duration?.none, 0, 0)
        while rounds < Self.mostRounds, idle < Self.mostIdleRounds {
            let began = clock.now
            try await catchUp()
            let taken = began.duration(to: clock.now)
            if taken < pause { return }
            rounds += 1
            if let last, taken > last * 3 / 4 { await target.hurry() }
            if let last, taken > last * 19 / 20, taken > Self.longRound { idle += 1 } else { idle = 0 }
            last = taken
        }
        throw BrokerError(
            .rolledBack, "the copy does not catch up with the writers",
            why: "after \(rounds) rounds the changes of one round still take longer than \(pause) to carry over",
            fix: "swap when less is written, or with a longer --max-pause")
    }

    // MARK: comparing

    /// Compares the keys of both ends, those that change meanwhile again. What is left is in `suspects`.
    ///
    /// - Parameter limit: compare about so many keys, drawn evenly; nil compares all.
    mutating func verify(limit: Int?) async throws(BrokerError) {
        progress?.enter(.comparing)
        comparedAt = await source.beginnings
        var share = 1.0
        if let limit {
            let total = try await source.counts().values.reduce(0, +)
            if total > limit { share = Double(limit) / Double(total) }
        }
        receipt.verified += try await compareAll(of: source, share)
        // What is there only, nobody would miss on the other side.
        _ = try await compareAll(of: target, share)
        for _ in 0..<Self.mostRounds where suspects.count > 0 {
            try await compareSuspects()
            if suspects.count <= Self.mostSuspects { return }
        }
    }

    /// The source has begun again since both ends were compared.
    var hasBegunAgain: Bool {
        get async {
            guard let comparedAt else { return false }
            return await source.beginnings != comparedAt
        }
    }

    /// Compares the suspects once more, behind all changes; those that are the same now are none any more.
    mutating func compareSuspects() async throws(BrokerError) {
        try await catchUp()
        let keys = Array(suspects)
        suspects = []
        var start = 0
        while start < keys.count {
            let some = Array(keys[start..<min(start + 1000, keys.count)])
            let differing = try await compare(some)
            receipt.rechecked += some.count - differing.count
            suspects.formUnion(differing)
            start += some.count
        }
    }

    /// Returns how many keys were compared.
    private mutating func compareAll(of end: any CopyEnd, _ share: Double) async throws(BrokerError) -> Int {
        var cursor: CopyCursor?
        var count = 0
        var keys: [CopyKey] = []
        repeat {
            let part = try await end.keys(from: cursor)
            keys += share < 1 ? part.keys.filter { _ in Double.random(in: 0..<1) < share } : part.keys
            // A few keys of each part are not worth to catch up for.
            if keys.count >= Self.comparedAtOnce || part.next == nil, !keys.isEmpty {
                try await catchUp()
                suspects.formUnion(try await compare(keys))
                count += keys.count
                keys = []
            }
            // Both ends are walked, one after the other; the second walk finds what is there only.
            if receipt.verified == 0 { progress?.reach(count) }
            cursor = part.next
        } while cursor != nil
        return count
    }

    /// The keys that are not the same on both sides.
    private func compare(_ keys: [CopyKey]) async throws(BrokerError) -> [CopyKey] {
        let here = try await source.digests(of: keys)
        let there = try await target.digests(of: keys)
        return zip(keys, zip(here, there)).filter { $0.1.0 != $0.1.1 }.map(\.0)
    }
}
