public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit

/// A cache is copied by its own snapshot and effects, and takes in what its command table knows.
extension EmulatorProvider: CopiesData {
    public func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        try Self.requireCache(request.serviceClass)
        let id = request.backing.id
        let reads = request.contents == .everything
        let source: LoopBound<SourceOnLoop> = try await loop.answer { [loop, shelf] answer in
            answer.give(
                Self.cache(id, on: shelf.value).map { cache in
                    LoopBound(SourceOnLoop(cache, on: loop, readsSnapshot: reads), on: loop)
                })
        }
        return EmulatorSource(source, on: loop)
    }

    public func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        try Self.requireCache(request.serviceClass)
        let id = request.backing.id
        let target: LoopBound<TargetOnLoop> = try await loop.answer { [loop, shelf] answer in
            answer.give(Self.cache(id, on: shelf.value).map { LoopBound(TargetOnLoop($0, on: loop), on: loop) })
        }
        return EmulatorTarget(target, on: loop)
    }

    public func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        try Self.requireCache(request.serviceClass)
        let id = request.backing.id
        var survey = BackingSurvey(keys: [:])
        survey.commands = CacheEmulator.commandNames
        let isThere = try await loop.answer { [shelf] answer in answer.give(.success(shelf.value.cache(id) != nil)) }
        guard isThere else { return survey }
        let facts: (keys: [Int: Int], memory: Int) = try await loop.answer { [shelf] answer in
            answer.give(Self.cache(id, on: shelf.value).map { ($0.keyCounts, $0.usedMemory) })
        }
        (survey.keys, survey.memory) = facts
        try await draw(request.sample, of: id, into: &survey)
        return survey
    }

    /// Draws keys, a part in each turn of the loop.
    private func draw(_ sample: Int, of id: BackingID, into survey: inout BackingSurvey) async throws(BrokerError) {
        var left = sample
        for database in survey.keys.keys.sorted() {
            var cursor: UInt64 = 0
            repeat {
                guard left > 0 else { return }
                let from = cursor
                let (drawn, next): ([(type: String, bytes: Int)], UInt64) = try await loop.answer { [shelf] answer in
                    answer.give(Self.cache(id, on: shelf.value).map { $0.weigh(in: database, from: from, wanted: 100) })
                }
                for (type, bytes) in drawn.prefix(left) {
                    survey.drawn[type, default: .init()].keys += 1
                    survey.drawn[type, default: .init()].bytes += bytes
                }
                left -= drawn.count
                cursor = next
            } while cursor != 0
        }
    }

    private static func requireCache(_ serviceClass: ServiceClass) throws(BrokerError) {
        guard serviceClass != .redis else { return }
        throw BrokerError(
            .unsupported, "the data of class \"\(serviceClass)\" cannot be copied",
            why: "the emulator copies \"\(ServiceClass.redis)\" only",
            fix: "create another resource, and take the data across by its own means")
    }

    private static func cache(_ id: BackingID, on shelf: EmulatorShelf) -> Result<CacheEmulator, BrokerError> {
        if let cache = shelf.cache(id) { return .success(cache) }
        return .failure(
            BrokerError(
                .needsAttention, "the emulator of backing \"\(id)\" cannot be copied", why: "it does not run",
                fix: "broker daemon stop && broker daemon start"))
    }
}
