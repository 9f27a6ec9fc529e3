import BrokerModel
import Gateway
import ProviderKit
import RESPWire

/// Hands out what a server holds that takes nobody for its replica, as hosted ones do: every key by DUMP, and again
/// those that the apps may have changed since, as the gateway has seen it.
///
/// Writers that do not pass the gateway are not seen. What may have changed any key (FLUSHDB, a script without keys)
/// makes it begin again with an empty target.
actor KeyedSource: CopySource {
    private let end: RedisEnd
    private let watch: ChangeWatch
    /// How far the walk over all keys is; nil when it is done.
    private var walk: Walk?
    /// Found by the walk and not read yet.
    private var found: [CopyKey] = []
    /// Changed and not read yet, in the order of changing.
    private var changed: [[UInt8]] = []
    private var isWaiting: Set<[UInt8]> = []
    /// So many keys have ever waited, and so many of them are read; that the walk begins again counts as one.
    private var noted: Int64 = 0
    private var read: Int64 = 0
    /// Up to there somebody waits.
    private var fence: Int64 = 0
    /// How often the walk under way has begun again; counted as read with its end.
    private var uncounted: Int64 = 0
    /// The target is to be emptied before the next key.
    private var mustEmpty = false
    /// The keys that the walk read first are read: from then on there are positions.
    private var hasPosition: Bool
    private let followsOnly: Bool
    private(set) var beginnings = 0

    private enum Walk {
        case begin
        case at(CopyCursor)

        var place: CopyCursor? {
            if case .at(let cursor) = self { cursor } else { nil }
        }
    }

    /// Keys of one question; values are read whole.
    private static let asked = 16

    nonisolated var readsByKey: Bool { true }

    private init(_ end: RedisEnd, _ watch: ChangeWatch, _ contents: CopySourceRequest.Contents) {
        self.end = end
        self.watch = watch
        walk = contents == .everything ? .begin : nil
        hasPosition = contents == .changes
        followsOnly = contents == .changes
    }

    /// Returns when every change is noted.
    static func open(
        _ server: CopyServer, _ contents: CopySourceRequest.Contents, _ watch: CopySourceRequest.Watch
    ) async throws(BrokerError) -> KeyedSource {
        let end = RedisEnd(server)
        do throws(BrokerError) {
            let keys = try await end.ask { connection throws(BrokerError) in
                CommandKeys(try connection.ask("COMMAND"))
            }
            guard keys.touched(by: ["SET", "k", "v"].map { Array($0.utf8) }) == .keys([Array("k".utf8)]) else {
                throw server.unsupported("it does not tell where its commands have their keys (COMMAND)")
            }
            guard let noted = await watch(keys) else {
                throw BrokerError(
                    .rolledBack, "\"\(server.name)\" could not be copied key by key",
                    why: "a command that a client has sent is not answered, so that it is not known what it changes",
                    fix: "broker logs")
            }
            return KeyedSource(end, noted, contents)
        } catch {
            await end.close()
            throw error
        }
    }

    func next() async throws(BrokerError) -> CopyBatch {
        if walk != nil || !found.isEmpty { return try await nextOfWalk() }
        if read >= fence {
            // Nobody waits: a key that changes all the time is not to be read all the time.
            try? await ContinuousClock().sleep(for: end.server.limits.next)
            try await note()
        }
        guard walk == nil else { return CopyBatch(position: position) }
        var batch = CopyBatch()
        while !changed.isEmpty, batch.size < end.server.limits.batch {
            let names = Array(changed.prefix(Self.asked))
            changed.removeFirst(names.count)
            isWaiting.subtract(names)
            batch.append(try await end.restore(names.map { CopyKey(database: 0, name: $0) }), position: nil)
            read += Int64(names.count)
        }
        batch.keys = 0
        batch.position = position
        return batch
    }

    func position() async throws(BrokerError) -> Int64 {
        try await note()
        fence = noted
        return fence
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await end.counts() }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await end.keys(from: cursor) }

    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await end.digests(of: keys) }

    nonisolated func close() async {
        watch.end()
        await end.close()
    }

    /// Of the stream; nil before there is one.
    private var position: Int64? { hasPosition ? read : nil }

    private func nextOfWalk() async throws(BrokerError) -> CopyBatch {
        var batch = CopyBatch()
        if mustEmpty {
            mustEmpty = false
            batch.append(RequestEncoding.bytes(["FLUSHDB"]), for: 0)
        }
        if case .begin? = walk, let functions = try await end.functions() { batch.append(functions, for: 0) }
        while batch.size < end.server.limits.batch {
            if found.isEmpty, let walk {
                let part = try await end.keys(from: walk.place)
                found = part.keys
                self.walk = part.next.map { .at($0) }
            }
            guard !found.isEmpty else {
                guard walk == nil else { continue }
                read += uncounted
                uncounted = 0
                hasPosition = true
                break
            }
            let some = Array(found.prefix(Self.asked))
            found.removeFirst(some.count)
            batch.append(try await end.restore(some, skipsMissing: true), position: nil)
        }
        batch.position = position
        return batch
    }

    /// Takes what has changed.
    private func note() async throws(BrokerError) {
        guard let now = await watch.take() else {
            throw end.server.lost("its clients were routed anew, so that it is not known what they change")
        }
        // A copy is compared when it is complete; who only follows would lose what such a script did silently.
        if followsOnly, now.hasScripts { throw .scriptsRan }
        if now.isEverything {
            // Who was complete must not be emptied for it.
            if followsOnly { throw end.server.lost("a command may have changed any key of it") }
            noted += 1
            uncounted += 1
            beginnings += 1
            read += Int64(changed.count)
            (changed, isWaiting, found, walk, mustEmpty) = ([], [], [], .begin, true)
        }
        for name in now.keys where isWaiting.insert(name).inserted {
            changed.append(name)
            noted += 1
        }
    }
}
