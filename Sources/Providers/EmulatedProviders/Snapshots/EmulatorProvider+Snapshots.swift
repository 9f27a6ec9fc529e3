public import BrokerModel
import CacheEmulator
import EventLoop
import Processes
public import ProviderKit
import QueueEmulator

/// Images of caches and queues live in memory, on the loop of what they were taken of, and end with the daemon; those of
/// files are files.
extension EmulatorProvider: Snapshots {
    public func snapshot(_ request: SnapshotRequest) async throws(BrokerError) -> SnapshotResponse {
        let files = try await lockStores(request)
        let fresh: [SnapshotID]
        do throws(BrokerError) {
            fresh = try await keepImages(request)
        } catch {
            await files.release()
            throw error
        }
        do throws(BrokerError) {
            try await files.copy()
            var facts: [SnapshotResponse.Facts] = []
            for part in request.parts { facts.append(try await self.facts(of: part)) }
            return SnapshotResponse(facts: facts)
        } catch {
            for id in fresh { await shelf.removeImage(id) }
            throw error
        }
    }

    public func restore(_ request: RestoreRequest) async throws(BrokerError) -> RestoreResponse {
        switch request.serviceClass {
        case .redis:
            let image = try await cacheImage(request.snapshot)
            try await restore(try cacheToBegin(request.backing), to: image, request.backing.id)
        case .beanstalk:
            let image = try await queueImage(of: try image(request.snapshot, for: .beanstalk))
            try await begin(request.backing, from: image)
        case .sqlite:
            let from = snapshotFile(request.snapshot)
            guard from.exists else { throw .noSnapshot(request.snapshot) }
            try await Self.blocking { [file = storeFile(of: request.backing.id)] () throws(BrokerError) in
                try file.restore(from: from)
            }
        }
        return RestoreResponse()
    }

    public func reset(_ request: ResetRequest) async throws(BrokerError) -> ResetResponse {
        let isToBeginning = request.goal == .beginning
        switch request.serviceClass {
        case .redis:
            let cache = try cacheToBegin(request.backing)
            let origin: LoopBound<KeyspaceImage>? = try await cache.loop.answer { answer in
                let origin = isToBeginning ? cache.emulator.value.beginning : nil
                answer.give(.success(origin.map { LoopBound($0, on: cache.loop) }))
            }
            if let origin {
                try await restore(cache, to: (origin, cache.loop), request.backing.id)
            } else {
                try await begin(cache) { (emulator) throws(CacheEmulator.BeginRefusal) in try emulator.reset() }
            }
        case .beanstalk:
            let queue = try queueToBegin(request.backing)
            let origin: QueueImage? = try await queue.loop.answer { answer in
                answer.give(.success(isToBeginning ? queue.emulator.value.beginning : nil))
            }
            try await begin(request.backing, from: origin)
        case .sqlite:
            guard !isToBeginning else { throw .noBeginning }
            try await Self.blocking { [file = storeFile(of: request.backing.id)] () throws(BrokerError) in
                try file.empty()
            }
        }
        return ResetResponse()
    }

    public func removeSnapshot(_ id: SnapshotID) async throws(BrokerError) {
        await shelf.removeImage(id)
        let file = snapshotFile(id)
        try await Self.blocking { () throws(BrokerError) in try file.remove() }
    }

    // MARK: caches

    func restore(
        _ cache: EmulatorShelf.Shelved<CacheEmulator>, to image: (LoopBound<KeyspaceImage>, any EventLoop),
        _ id: BackingID
    ) async throws(BrokerError) {
        guard cache.loop === image.1 else { throw .loopTaken }
        if let durable = durables.cache(id) { return try await durable.restore(image.0) }
        try await begin(cache) { (emulator) throws(CacheEmulator.BeginRefusal) in try emulator.restore(image.0.value) }
    }

    private func begin(
        _ cache: EmulatorShelf.Shelved<CacheEmulator>,
        _ body: @escaping @Sendable (CacheEmulator) throws(CacheEmulator.BeginRefusal) -> Void
    ) async throws(BrokerError) {
        try await cache.loop.answer { (answer: LoopAnswer<Void>) in
            do throws(CacheEmulator.BeginRefusal) {
                answer.give(.success(try body(cache.emulator.value)))
            } catch {
                answer.give(.failure(.cannotBegin(error)))
            }
        }
    }

    func cacheToBegin(_ backing: Backing) throws(BrokerError) -> EmulatorShelf.Shelved<CacheEmulator> {
        guard let cache = shelf.cache(backing.id) else { throw .noEmulator(backing.id) }
        return cache
    }

    private func cacheImage(
        _ id: SnapshotID
    ) async throws(BrokerError) -> (LoopBound<KeyspaceImage>, any EventLoop) {
        let kept = try image(id, for: .redis)
        let loop = kept.loop
        let image: LoopBound<KeyspaceImage> = try await loop.answer { answer in
            guard case .cache(let image) = kept.emulator.value else { return answer.give(.failure(.otherClass(id))) }
            answer.give(.success(LoopBound(image, on: loop)))
        }
        return (image, loop)
    }

    /// What a backing that is to be made begins with; nil where it is there already, in memory or in files.
    func beginning(of request: ProvisionRequest) throws(BrokerError) -> EmulatorShelf.Shelved<EmulatorShelf.Image>? {
        guard let snapshot = request.from else { return nil }
        let id = request.backing.id
        guard shelf.cache(id) == nil, shelf.queue(id) == nil else { return nil }
        if request.plan.isDurable, try DurableFiles(folder: folder(of: id)).current() != nil { return nil }
        return try image(snapshot, for: request.serviceClass)
    }

    private func image(
        _ id: SnapshotID, for serviceClass: ServiceClass
    ) throws(BrokerError) -> EmulatorShelf.Shelved<EmulatorShelf.Image> {
        guard let image = shelf.image(id) else {
            throw snapshotFile(id).exists ? .otherClass(id) : .noSnapshot(id)
        }
        return image
    }

    // MARK: queues

    private func begin(_ backing: Backing, from image: QueueImage?) async throws(BrokerError) {
        let queue = try queueToBegin(backing)
        try await queue.loop.answer { (answer: LoopAnswer<Void>) in
            answer.give(.success(queue.emulator.value.begin(from: image)))
        }
    }

    func queueToBegin(_ backing: Backing) throws(BrokerError) -> EmulatorShelf.Shelved<QueueEmulator> {
        guard let queue = shelf.queue(backing.id) else { throw .noEmulator(backing.id) }
        return queue
    }

    func queueImage(
        of kept: EmulatorShelf.Shelved<EmulatorShelf.Image>?
    ) async throws(BrokerError) -> QueueImage? {
        guard let kept else { return nil }
        return try await kept.loop.answer { answer in
            guard case .queue(let image) = kept.emulator.value else {
                return answer.give(.failure(.otherClass(SnapshotID(rawValue: String(kept.tenant.dropFirst(9))))))
            }
            answer.give(.success(image))
        }
    }

    // MARK: files

    func snapshotFile(_ id: SnapshotID) -> StoreFile { StoreFile(folder: "\(folders)/snapshot-\(id)") }

    /// A file that is there already stays as it is.
    func make(_ file: StoreFile, from snapshot: SnapshotID) async throws(BrokerError) {
        guard !file.exists else { return }
        let from = snapshotFile(snapshot)
        guard from.exists else { throw shelf.image(snapshot) == nil ? .noSnapshot(snapshot) : .otherClass(snapshot) }
        try await Self.blocking { () throws(BrokerError) in try file.make(from: from) }
    }

    /// Has the writers of all files wait that are to be kept, until `release` or `copy`.
    private func lockStores(_ request: SnapshotRequest) async throws(BrokerError) -> LockedStores {
        let pairs = request.parts.filter { $0.serviceClass == .sqlite }
            .map { (from: storeFile(of: $0.backing.id), to: snapshotFile($0.id)) }
            .filter { !$0.to.exists }
        return try await LockedStores.lock(pairs.sorted { $0.from.path < $1.from.path })
    }

    private func facts(of part: SnapshotRequest.Part) async throws(BrokerError) -> SnapshotResponse.Facts {
        guard part.serviceClass != .sqlite else {
            return SnapshotResponse.Facts(items: nil, bytes: snapshotFile(part.id).size)
        }
        guard let kept = shelf.image(part.id) else { throw .noSnapshot(part.id) }
        return try await kept.loop.answer { answer in
            switch kept.emulator.value {
            case .cache(let image): answer.give(.success(.init(items: image.keys, bytes: image.bytes)))
            case .queue(let image): answer.give(.success(.init(items: image.jobs, bytes: image.bytes)))
            }
        }
    }

    /// Off the threads of tasks: it waits for the disk.
    static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BrokerError) -> Value
    ) async throws(BrokerError) -> Value {
        let worker = WorkerThread()
        do throws(BrokerError) {
            let value = try await worker.run(body)
            await worker.stop()
            return value
        } catch {
            await worker.stop()
            throw error
        }
    }
}

extension BrokerError {
    static func noSnapshot(_ id: SnapshotID) -> BrokerError {
        BrokerError(
            .snapshotNotFound, "there is no snapshot \"\(id)\"",
            why: "it was removed, or, of a cache or a queue, the daemon has been started since",
            fix: "broker snapshot ls")
    }

    static func otherClass(_ id: SnapshotID) -> BrokerError {
        BrokerError(
            .acrossClasses, "the snapshot \"\(id)\" is of another class", why: "what it holds is read otherwise",
            fix: "broker snapshot ls")
    }

    static func noEmulator(_ id: BackingID) -> BrokerError {
        BrokerError(
            .needsAttention, "the emulator of backing \"\(id)\" cannot begin anew", why: "it does not run",
            fix: "broker status   # says what it waits for, or what is wrong with its files")
    }

    static let noBeginning = BrokerError(
        .unsupported, "the file cannot go back to what it began with", why: "a store does not keep that",
        fix: "broker restore SNAPSHOT NAME")

    static func cannotBegin(_ refusal: CacheEmulator.BeginRefusal) -> BrokerError {
        switch refusal {
        case .followed:
            BrokerError(
                .operationRunning, "the cache cannot go back to a snapshot now",
                why:
                    "its changes are copied to another provider, which could not follow: a swap runs, or can be undone",
                fix: "try again when that has ended: broker status")
        case .filling:
            BrokerError(
                .operationRunning, "the cache cannot begin anew now",
                why: "the data of another provider is copied into it",
                fix: "try again when the swap has ended: broker status")
        }
    }
}
