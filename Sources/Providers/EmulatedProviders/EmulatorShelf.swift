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

    /// What an emulator held at one instant.
    enum Image {
        case cache(KeyspaceImage)
        case queue(QueueImage)
    }

    private struct Contents {
        var images: [SnapshotID: Shelved<Image>] = [:]
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

    /// The backing's cache; made where there is none, with what an image holds.
    func cache(
        _ id: BackingID, of tenant: String, from image: Shelved<Image>? = nil, allowsDebug: Bool = false
    ) throws(BrokerError) -> Shelved<CacheEmulator> {
        if let cache = cache(id) { return cache }
        // It reads the image's memory in place.
        let made = try make(tenant, beside: image?.tenant) { loop in
            let image: KeyspaceImage? = if case .cache(let image)? = image?.emulator.value { image } else { nil }
            let emulator = CacheEmulator(loop: loop, from: image)
            emulator.allowsDebug = allowsDebug
            return emulator
        }
        contents.withLock { $0.caches[id] = made }
        return made
    }

    /// The backing's queue; made where there is none, with what an image holds.
    func queue(
        _ id: BackingID, of tenant: String, from image: QueueImage? = nil
    ) throws(BrokerError) -> Shelved<QueueEmulator> {
        if let queue = queue(id) { return queue }
        let made = try make(tenant) { loop in
            let clock = QueueClock(loop: loop)
            return image.map { QueueEmulator(clock: clock, from: $0) } ?? QueueEmulator(clock: clock)
        }
        contents.withLock { $0.queues[id] = made }
        return made
    }

    // MARK: images

    func image(_ id: SnapshotID) -> Shelved<Image>? { contents.withLock { $0.images[id] } }

    /// Has an image that is to be kept share the loop of its emulator's tenant; nil where that has gone.
    func seat(_ id: SnapshotID, beside tenant: String) -> (any EventLoop)? {
        loops.take(for: Self.holder(id), beside: tenant)
    }

    /// Gives back the seat of an image that is not kept.
    func giveSeat(_ id: SnapshotID) { loops.give(for: Self.holder(id)) }

    /// Keeps an image that has its seat.
    func put(_ image: LoopBound<Image>, _ id: SnapshotID, on loop: any EventLoop) {
        contents.withLock { $0.images[id] = Shelved(tenant: Self.holder(id), loop: loop, emulator: image) }
    }

    private static func holder(_ id: SnapshotID) -> String { "snapshot \(id)" }

    func removeImage(_ id: SnapshotID) async {
        if let image = contents.withLock({ $0.images.removeValue(forKey: id) }) { await letGo(image) }
    }

    /// Lets an emulator go on its own loop, when what is under way there is done; waits for that.
    func remove(_ id: BackingID) async {
        let (cache, queue) = take(id)
        if let cache { await letGo(cache) }
        if let queue { await letGo(queue) }
    }

    /// The same, and nobody waits for it.
    func removeSoon(_ id: BackingID) {
        let (cache, queue) = take(id)
        if let cache { letGoSoon(cache) }
        if let queue { letGoSoon(queue) }
    }

    private func take(_ id: BackingID) -> (Shelved<CacheEmulator>?, Shelved<QueueEmulator>?) {
        contents.withLock { ($0.caches.removeValue(forKey: id), $0.queues.removeValue(forKey: id)) }
    }

    private func make<Emulator>(
        _ tenant: String, beside other: String? = nil, _ body: @escaping @Sendable (any EventLoop) -> Emulator
    ) throws(BrokerError) -> Shelved<Emulator> {
        let taken = other.map { loops.take(for: tenant, beside: $0) } ?? loops.take(for: tenant)
        guard let loop = taken else { throw .loopTaken }
        guard let emulator = LoopBound(madeOn: loop, { body(loop) }) else {
            loops.give(for: tenant)
            throw .loopEnded
        }
        return Shelved(tenant: tenant, loop: loop, emulator: emulator)
    }

    private func letGo<Emulator>(_ shelved: Shelved<Emulator>) async {
        // A loop that has ended has nothing left to remove.
        let _: Void? = try? await shelved.loop.answer { [shelved] answer in
            withExtendedLifetime(shelved) {}
            answer.give(.success(()))
        }
        loops.give(for: shelved.tenant)
    }

    private func letGoSoon<Emulator>(_ shelved: Shelved<Emulator>) {
        shelved.loop.post { withExtendedLifetime(shelved) {} }
        // At once: whoever makes the tenant's next emulator may have to have it on another loop.
        loops.give(for: shelved.tenant)
    }
}

extension BrokerError {
    /// Blocks of an image are read in place, which only its own loop may do.
    static let loopTaken = BrokerError(
        .unsupported, "the resource cannot begin with the snapshot",
        why: "it lives on another event loop than what the snapshot was taken of",
        fix: "make a new resource from it: broker branch SNAPSHOT NAME")
}
