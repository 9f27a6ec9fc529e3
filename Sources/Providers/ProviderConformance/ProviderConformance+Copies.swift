import BrokerModel
import ProviderKit

/// The checks of `CopiesData`: what carries the data across in a swap.
extension ProviderConformance {
    func copyArrivesAsItWas() async throws {
        try await withCopy { copied, one, two in
            try await apply(Self.values, copied, one)
            try await carry(copied, one, two) {}
            try await erase(Self.keys, one)
        }
    }

    func changesFollowTheCopy() async throws {
        try await withCopy { copied, one, two in
            try await apply(Self.values, copied, one)
            let changes = [
                ["DEL", Self.key("text0")], ["SET", Self.key("text1"), "changed"], ["SET", Self.key("new"), "1"],
                ["RPUSH", Self.key("list0"), "behind"], ["HDEL", Self.key("hash0"), "a"],
                ["PERSIST", Self.key("ends0")],
            ]
            try await carry(copied, one, two) { try await apply(changes, copied, one) }
            try await erase(Self.keys, one)
        }
    }

    func surveyCountsKeys() async throws {
        let copied = try copies()
        try await withBacking { checked in
            let request = SurveyRequest(backing: checked.backing, serviceClass: serviceClass, sample: 10)
            if !isStanding {
                let unmade = try await copied.survey(request)
                try require(unmade.count == 0, "one that was not made yet holds \(unmade.count) keys")
            }
            try await provision(checked)
            let before = try await copied.survey(SurveyRequest(backing: checked.backing, serviceClass: serviceClass))
            try await apply(Self.values, copied, checked)
            let after = try await copied.survey(
                SurveyRequest(backing: checked.backing, serviceClass: serviceClass, sample: 10))
            try require(
                after.count == before.count + Self.keys.count - 1,
                "it counts \(after.count) keys, where \(Self.keys.count - 1) came to \(before.count)")
            try require(!after.drawn.isEmpty, "it draws no keys where some are asked for")
            try await erase(Self.keys, checked)
        }
    }

    func sourceDoesNotBlock() async throws {
        let copied = try copies()
        try await withServingBacking { checked in
            let source = try await openSource(copied, checked)
            do {
                let fence = try await source.position()
                // What the snapshot has comes first.
                var position: Int64?
                while position.map({ $0 < fence }) ?? true { position = try await source.next().position ?? position }
                let began = ContinuousClock.now
                _ = try await source.next()
                let waited = began.duration(to: .now)
                try require(waited < .seconds(2), "it has waited for \(waited)")
            } catch {
                await source.close()
                throw error
            }
            await source.close()
            await source.close()
        }
    }

    // MARK: parts

    func copies() throws -> any CopiesData {
        guard let copied = provider as? any CopiesData else { throw DoesNotApply("it copies no data") }
        guard serviceClass == .redis else { throw DoesNotApply("data of class \(serviceClass) is not copied") }
        return copied
    }

    private func withCopy(
        _ body: (any CopiesData, CheckedBacking, CheckedBacking) async throws -> Void
    ) async throws {
        let copied = try copies()
        let other = try otherReference()
        try await withServingBacking { one in
            try await withServingBacking(of: other) { two in
                try await body(copied, one, two)
                try await erase(Self.keys, two)
            }
        }
    }

    private func openSource(_ copied: any CopiesData, _ checked: CheckedBacking) async throws -> any CopySource {
        try await copied.openSource(
            CopySourceRequest(backing: checked.backing, serviceClass: serviceClass, contents: .everything))
    }

    /// Carries all across, and behind it what `change` does; both ends then hold the same.
    private func carry(
        _ copied: any CopiesData, _ one: CheckedBacking, _ two: CheckedBacking,
        _ change: () async throws -> Void
    ) async throws {
        let source = try await openSource(copied, one)
        let target = try await copied.openTarget(
            CopyTargetRequest(backing: two.backing, serviceClass: serviceClass))
        do {
            var position: Int64?
            try await pump(source, target, &position)
            try await change()
            try await pump(source, target, &position)
            let keys = Self.keys.map { CopyKey(database: 0, name: Array($0.utf8)) }
            let (here, there) = (try await source.digests(of: keys), try await target.digests(of: keys))
            for (key, (here, there)) in zip(Self.keys, zip(here, there)) where here != there {
                let what = there == nil ? "is not there" : here == nil ? "should not be there" : "has another value"
                throw Broken(evidence: "in the target \"\(key)\" \(what)")
            }
            try require(here.contains { $0 != nil }, "the source holds nothing of what was written")
            if !isStanding {
                let (ours, theirs) = (try await source.counts(), try await target.counts())
                try require(ours == theirs, "the source counts \(ours), the target \(theirs)")
            }
        } catch {
            await source.close()
            await target.close()
            throw error
        }
        await source.close()
        await target.close()
    }

    private func pump(_ source: any CopySource, _ target: any CopyTarget, _ position: inout Int64?) async throws {
        let fence = try await source.position()
        while position.map({ $0 < fence }) ?? true {
            let batch = try await source.next()
            try await target.apply(batch)
            position = batch.position ?? position
        }
    }

    private static func key(_ name: String) -> String { "broker-conformance:\(name)" }

    /// Some of every type.
    private static let values: [[String]] = (0..<20).flatMap { number in
        [
            ["SET", key("text\(number)"), "value \(number)"],
            ["SET", key("ends\(number)"), "\(number)", "PX", "3600000"],
            ["RPUSH", key("list\(number)"), "a", "b", "a", "\(number)"],
            ["HSET", key("hash\(number)"), "a", "1", "b", String(repeating: "x", count: 100 * number)],
            ["SADD", key("set\(number)"), "1", "2", "three"], ["ZADD", key("sorted\(number)"), "1.5", "a", "-2", "b"],
        ]
    }

    /// Those of `values`, and one that is made later.
    private static let keys = values.map { $0[1] } + [key("new")]
}
