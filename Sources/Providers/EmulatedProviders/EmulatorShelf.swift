import BrokerModel
import CacheEmulator
import QueueEmulator

/// The emulators by backing. It lives on the loop, so that an emulator is made and let go where it runs.
final class EmulatorShelf {
    private var caches: [BackingID: CacheEmulator] = [:]
    private var queues: [BackingID: QueueEmulator] = [:]

    func cache(_ id: BackingID, make: () -> CacheEmulator) -> CacheEmulator {
        if let cache = caches[id] { return cache }
        let cache = make()
        caches[id] = cache
        return cache
    }

    func cache(_ id: BackingID) -> CacheEmulator? { caches[id] }

    func queue(_ id: BackingID, make: () -> QueueEmulator) -> QueueEmulator {
        if let queue = queues[id] { return queue }
        let queue = make()
        queues[id] = queue
        return queue
    }

    func remove(_ id: BackingID) {
        caches[id] = nil
        queues[id] = nil
    }
}
