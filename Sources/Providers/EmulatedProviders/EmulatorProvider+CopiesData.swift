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
                Self.cache(id, on: shelf.value).map {
                    LoopBound(SourceOnLoop($0, on: loop, readsSnapshot: reads), on: loop)
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
