import BrokerModel
import CacheEmulator
import EventLoop
import QueueEmulator
import Synchronization

/// The emulators by backing, each with the loop on which it was made and lives.
final class EmulatorShelf: Sendable {
    struct Shelved<Emulator>: Sendable {
        /// Whose loop it is.
        let tenant: String
        let loop: any EventLoop
        let emulator: LoopBound<Emulator>
    }

    private struct Contents {
        var caches: [BackingID: Shelved<CacheEmulator>] = [:]
        var queues: [BackingID: Shelved<QueueEmulator>] = [:]
    }

    private let loops: LoopPool
    private let contents = Mutex(Contents())

    init(_ loops: LoopPool) {
        self.loops = loops
    }

    func cache(_ id: BackingID) -> Shelved<CacheEmulator>? { contents.withLock { $0.caches[id] } }

    func queue(_ id: BackingID) -> Shelved<QueueEmulator>? { contents.withLock { $0.queues[id] } }

    /// The backing's cache; made where there is none.
    func cache(_ id: BackingID, of tenant: String) async throws(BrokerError) -> Shelved<CacheEmulator> {
        if let cache = cache(id) { return cache }
        let made = try await make(tenant) { CacheEmulator(loop: $0) }
        contents.withLock { $0.caches[id] = made }
        return made
    }

    /// The backing's queue; made where there is none.
    func queue(_ id: BackingID, of tenant: String) async throws(BrokerError) -> Shelved<QueueEmulator> {
        if let queue = queue(id) { return queue }
        let made = try await make(tenant) { QueueEmulator(clock: QueueClock(loop: $0)) }
        contents.withLock { $0.queues[id] = made }
        return made
    }

    /// Lets an emulator go on its own loop, when what is under way there is done.
    func remove(_ id: BackingID) async {
        let (cache, queue) = contents.withLock {
            ($0.caches.removeValue(forKey: id), $0.queues.removeValue(forKey: id))
        }
        if let cache { await letGo(cache) }
        if let queue { await letGo(queue) }
    }

    private func make<Emulator>(
        _ tenant: String, _ body: @escaping @Sendable (any EventLoop) -> Emulator
    ) async throws(BrokerError) -> Shelved<Emulator> {
        let loop = loops.take(for: tenant)
        do throws(BrokerError) {
            let emulator: LoopBound<Emulator> = try await loop.answer { answer in
                answer.give(.success(LoopBound(body(loop), on: loop)))
            }
            return Shelved(tenant: tenant, loop: loop, emulator: emulator)
        } catch {
            loops.give(for: tenant)
            throw error
        }
    }

    private func letGo<Emulator>(_ shelved: Shelved<Emulator>) async {
        // A loop that has ended has nothing left to remove.
        let _: Void? = try? await shelved.loop.answer { [shelved] answer in
            withExtendedLifetime(shelved) {}
            answer.give(.success(()))
        }
        loops.give(for: shelved.tenant)
    }
}
