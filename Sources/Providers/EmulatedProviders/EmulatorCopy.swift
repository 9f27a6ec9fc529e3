public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit
import Synchronization

extension EmulatorProvider: CopiesData {
    public func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        let emulator = try await cache(of: request.backing, request.serviceClass)
        let loop = loop
        let withSnapshot = request.contents == .everything
        let feed = try await onLoop { _ in
            LoopBound(emulator.value.openFeed(withSnapshot: withSnapshot), on: loop)
        }
        return EmulatorCopySource(loop: loop, emulator: emulator, feed: feed)
    }

    public func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        let emulator = try await cache(of: request.backing, request.serviceClass)
        let loop = loop
        let writer = try await onLoop { _ in LoopBound(CacheWriter(emulator.value), on: loop) }
        return EmulatorCopyTarget(loop: loop, emulator: emulator, writer: writer)
    }

    private func cache(
        of backing: Backing, _ serviceClass: ServiceClass
    ) async throws(BrokerError) -> LoopBound<CacheEmulator> {
        guard serviceClass == .redis else {
            throw BrokerError(
                .unsupported, "the data of class \(serviceClass.rawValue) cannot be copied",
                why: "the emulator hands out a cache only", fix: "swap with --cold")
        }
        let id = backing.id
        let loop = loop
        let found = try await onLoop { shelf in shelf.cache(id).map { LoopBound($0, on: loop) } }
        guard let found else {
            throw BrokerError(
                .internalFailure, "an emulator is not there", why: "it was not provisioned", fix: "broker logs")
        }
        return found
    }
}

/// What an emulator can be asked at either end of a copy; all of it runs on its loop.
struct EmulatorCopyEnd: Sendable {
    let loop: any EventLoop
    let emulator: LoopBound<CacheEmulator>

    func counts() async throws(BrokerError) -> [Int: Int] {
        try await onLoop { $0.keyCounts }
    }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys {
        try await onLoop { emulator in
            let databases = emulator.keyCounts.keys.sorted()
            guard let number = cursor?.database ?? databases.first else { return CopyKeys(keys: [], next: nil) }
            let (names, next) = emulator.keys(of: number, from: cursor?.place ?? 0)
            let keys = names.map { CopyKey(database: number, name: $0) }
            if next != 0 { return CopyKeys(keys: keys, next: CopyCursor(database: number, place: next)) }
            let following = databases.first { $0 > number }
            return CopyKeys(keys: keys, next: following.map { CopyCursor(database: $0, place: 0) })
        }
    }

    /// In slices, so that the loop's clients are served in between.
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] {
        var digests: [UInt64?] = []
        digests.reserveCapacity(keys.count)
        var start = 0
        while start < keys.count {
            let some = Array(keys[start..<min(start + 64, keys.count)])
            digests += try await onLoop { emulator in
                some.map { emulator.digest(of: $0.name, in: $0.database) }
            }
            start += some.count
        }
        return digests
    }

    func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (CacheEmulator) -> Value
    ) async throws(BrokerError) -> Value {
        let value: Value? = await withCheckedContinuation { continuation in
            let isPosted = loop.post { [emulator] in continuation.resume(returning: body(emulator.value)) }
            if !isPosted { continuation.resume(returning: nil) }
        }
        guard let value else { throw Self.stopped }
        return value
    }

    static let stopped = BrokerError(
        .internalFailure, "the daemon is stopping", why: "its event loop has ended", fix: "broker daemon start")
}

final class EmulatorCopySource: CopySource {
    /// How long `next` waits for changes, in nanoseconds.
    private static let wait: UInt64 = 100_000_000

    private let end: EmulatorCopyEnd
    private let feed: LoopBound<CacheFeed>

    init(loop: any EventLoop, emulator: LoopBound<CacheEmulator>, feed: LoopBound<CacheFeed>) {
        end = EmulatorCopyEnd(loop: loop, emulator: emulator)
        self.feed = feed
    }

    func next() async throws(BrokerError) -> CopyBatch {
        let feed = feed
        let loop = end.loop
        let result: Result<CopyBatch, BrokerError> = await withCheckedContinuation { continuation in
            let isPosted = loop.post {
                guard feed.value.isEmpty, !feed.value.isLost, !feed.value.isClosed else {
                    return continuation.resume(returning: Self.take(feed.value))
                }
                var isDone = false
                func finish() {
                    guard !isDone else { return }
                    isDone = true
                    feed.value.whenFilled = nil
                    continuation.resume(returning: Self.take(feed.value))
                }
                let timer = loop.schedule(after: Self.wait) { finish() }
                feed.value.whenFilled = {
                    loop.cancel(timer)
                    finish()
                }
            }
            if !isPosted { continuation.resume(returning: .failure(EmulatorCopyEnd.stopped)) }
        }
        return try result.get()
    }

    private static func take(_ feed: CacheFeed) -> Result<CopyBatch, BrokerError> {
        guard !feed.isClosed else {
            return .failure(
                BrokerError(.rolledBack, "the copy was ended", why: "its source was closed", fix: "broker status"))
        }
        guard !feed.isLost else {
            return .failure(
                BrokerError(
                    .rolledBack, "the copy does not catch up with the writers",
                    why: "more than \(CacheFeed.limit >> 20) MiB of changes wait to be carried over",
                    fix: "swap when less is written"))
        }
        do {
            let batch = try feed.take()
            return .success(
                CopyBatch(
                    segments: batch.parts.map {
                        CopyBatch.Segment(database: $0.database, bytes: $0.bytes, commands: $0.commands)
                    }, keys: batch.keys, position: batch.position))
        } catch {
            return .failure(
                BrokerError(
                    .unsupported, "a value of the emulator cannot be copied", why: "\(error)",
                    fix: "swap with --cold: connections are closed and no data is copied"))
        }
    }

    func position() async throws(BrokerError) -> Int64 {
        let feed = feed
        return try await end.onLoop { _ in feed.value.position }
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await end.counts() }
    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await end.keys(from: cursor) }
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await end.digests(of: keys) }

    func close() async {
        let feed = feed
        // A loop that has ended has nothing left to be closed.
        try? await end.onLoop { _ in feed.value.close() }
    }
}

final class EmulatorCopyTarget: CopyTarget {
    private let end: EmulatorCopyEnd
    private let writer: LoopBound<CacheWriter>
    private let isClosed = Atomic(false)
    /// So many commands at most are run before the loop's clients have their turn.
    private static let slice = 256

    init(loop: any EventLoop, emulator: LoopBound<CacheEmulator>, writer: LoopBound<CacheWriter>) {
        end = EmulatorCopyEnd(loop: loop, emulator: emulator)
        self.writer = writer
    }

    func apply(_ batch: CopyBatch) async throws(BrokerError) {
        for segment in batch.segments {
            var position = 0
            while position < segment.bytes.count {
                guard !isClosed.load(ordering: .acquiring) else {
                    throw BrokerError(
                        .rolledBack, "the copy was ended", why: "its other end was closed", fix: "broker status")
                }
                position = try await run(segment, from: position)
            }
        }
    }

    private func run(_ segment: CopyBatch.Segment, from start: Int) async throws(BrokerError) -> Int {
        let writer = writer
        let result: Result<Int, CacheWriter.Refusal> = try await end.onLoop { _ in
            do throws(CacheWriter.Refusal) {
                var position = start
                for _ in 0..<(Self.slice / 64) where position < segment.bytes.count {
                    position = try writer.value.run(segment.bytes, from: position, in: segment.database)
                }
                return .success(position)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let position): return position
        case .failure(let refusal):
            throw BrokerError(
                .unsupported, "the emulator does not take the data",
                why: "it says to \(refusal.command): \(refusal.text.prefix(200))",
                fix: "nothing was switched; swap to a real server, or with --cold")
        }
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await end.counts() }
    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await end.keys(from: cursor) }
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await end.digests(of: keys) }

    func close() async {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let writer = writer
        try? await end.onLoop { _ in writer.value.close() }
    }
}
