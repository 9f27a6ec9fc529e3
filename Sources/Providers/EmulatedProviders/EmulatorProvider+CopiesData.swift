public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit
import ReplicationWire

/// A cache is copied by its own snapshot and effects, and takes in what its command table knows.
extension EmulatorProvider: CopiesData {
    public func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        try Self.requireCache(request.serviceClass)
        let cache = try cache(request.backing.id)
        let reads = request.contents == .everything
        let (source, clock): (LoopBound<SourceOnLoop>, ClockOffset) = try await cache.loop.answer { answer in
            let emulator = cache.emulator.value
            let source = SourceOnLoop(emulator, on: cache.loop, readsSnapshot: reads, translates: true)
            answer.give(.success((LoopBound(source, on: cache.loop), emulator.clockOffset)))
        }
        return EmulatorSource(source, on: cache.loop, clock)
    }

    public func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        try Self.requireCache(request.serviceClass)
        let cache = try cache(request.backing.id)
        let isIdle = request.isIdle
        let (target, clock): (LoopBound<TargetOnLoop>, ClockOffset) = try await cache.loop.answer { answer in
            let emulator = cache.emulator.value
            let target = TargetOnLoop(emulator, on: cache.loop, hasTimeGoOn: isIdle)
            answer.give(.success((LoopBound(target, on: cache.loop), emulator.clockOffset)))
        }
        return EmulatorTarget(target, on: cache.loop, clock)
    }

    public func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        try Self.requireCache(request.serviceClass)
        var survey = BackingSurvey(keys: [:])
        survey.commands = CacheEmulator.commandNames
        guard let cache = shelf.cache(request.backing.id) else { return survey }
        let facts: (keys: [Int: Int], memory: Int, events: String, users: [String]) = try await cache.loop.answer {
            let emulator = cache.emulator.value
            $0.give(
                .success((emulator.keyCounts, emulator.usedMemory, emulator.keyspaceEvents, emulator.madeUserNames)))
        }
        (survey.keys, survey.memory, survey.madeUsers) = (facts.keys, facts.memory, facts.users)
        survey.keyspaceEvents = KeyspaceEventSet(facts.events)
        try await draw(request.sample, of: cache, into: &survey)
        return survey
    }

    public func keyspaceEvents(of backing: Backing) async throws(BrokerError) -> KeyspaceEventSet? {
        let cache = try cache(backing.id)
        return try await cache.loop.answer { $0.give(.success(KeyspaceEventSet(cache.emulator.value.keyspaceEvents))) }
    }

    public func setKeyspaceEvents(_ events: KeyspaceEventSet, of backing: Backing) async throws(BrokerError) {
        let cache = try cache(backing.id)
        return try await cache.loop.answer {
            cache.emulator.value.keyspaceEvents = events.description
            $0.give(.success(()))
        }
    }

    public func memoryBound(of backing: Backing) async throws(BrokerError) -> MemoryBound? {
        let cache = try cache(backing.id)
        return try await cache.loop.answer { answer in
            let limit = cache.emulator.value.memoryLimit
            answer.give(.success(MemoryBound(bytes: limit.bytes, policy: limit.policy)))
        }
    }

    public func setMemoryBound(_ bound: MemoryBound, of backing: Backing) async throws(BrokerError) -> Int? {
        let cache = try cache(backing.id)
        return try await cache.loop.answer { answer in
            let emulator = cache.emulator.value
            guard bound.bytes == 0 || emulator.usedMemory <= bound.bytes else {
                return answer.give(.success(emulator.usedMemory))
            }
            emulator.memoryLimit = (bound.bytes, bound.policy)
            answer.give(.success(nil))
        }
    }

    /// Draws keys, a part in each turn of the loop.
    private func draw(
        _ sample: Int, of cache: EmulatorShelf.Shelved<CacheEmulator>, into survey: inout BackingSurvey
    ) async throws(BrokerError) {
        var left = sample
        for database in survey.keys.keys.sorted() {
            var cursor: UInt64 = 0
            repeat {
                guard left > 0 else { return }
                let from = cursor
                let (drawn, next): ([(type: String, bytes: Int)], UInt64) = try await cache.loop.answer { answer in
                    answer.give(.success(cache.emulator.value.weigh(in: database, from: from, wanted: 100)))
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

    private func cache(_ id: BackingID) throws(BrokerError) -> EmulatorShelf.Shelved<CacheEmulator> {
        if let cache = shelf.cache(id) { return cache }
        throw BrokerError(
            .needsAttention, "the emulator of backing \"\(id)\" cannot be copied", why: "it does not run",
            fix: "broker status   # says what it waits for, or what is wrong with its files")
    }
}
