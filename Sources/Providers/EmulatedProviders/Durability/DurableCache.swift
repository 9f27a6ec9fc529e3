import BrokerModel
import CacheEmulator
import EventLoop
import Processes
import ProviderKit

/// Keeps an emulated cache on disk: every change is written down at once, and is on the disk within a second.
///
/// A daemon that is killed loses what was not written yet, which are the changes of some milliseconds; a machine that
/// loses its power, those of a second (Redis's `appendfsync everysec`). While the disk takes nothing, commands that write
/// are answered MISCONF. The changes are replaced by a snapshot when they are large. Where it is asked for, a change is
/// on the disk before it is answered (`appendfsync always`): one sync serves all that has come during the one before.
actor DurableCache {
    /// What becomes of the files: failed while they take nothing.
    typealias Report = @Sendable (HealthReport.Health) -> Void

    struct Limits: Sendable {
        /// Changes of so many bytes, and of more than the snapshot in front of them, are replaced by a snapshot.
        var changes = 64 << 20
        var syncInterval = Duration.seconds(1)
        /// How long after a failure the disk is tried again.
        var patience = Duration.seconds(1)
    }

    let files: DurableFiles
    let cache: LoopBound<CacheEmulator>
    let loop: any EventLoop
    private let limits: Limits
    /// Replies wait for the disk.
    private let isAlways: Bool
    private let report: Report
    /// Waits for the disk; so does one for snapshots, behind which no reply is to wait.
    private let worker = WorkerThread()
    let snapshotWorker = WorkerThread()

    private(set) var generation: DurableFiles.Generation
    private var changes: AppendFile
    private var baseSize = 0
    private(set) var source: EmulatorSource

    private var task: Task<Void, Never>?
    private var isStopping = false
    private var isRefusing = false
    /// Why changes are missing in the files, until a snapshot has them.
    private var gap: BrokerError?
    private var isUnsynced = false
    private var syncing: Task<Void, Never>?
    private var syncFailure: BrokerError?
    private var lastSync = ContinuousClock.now
    var rewriting: Task<Void, Never>?
    var rewritten: DurableBase?
    /// The last number that was given to a generation: none is used twice.
    var lastNumber: Int
    /// Not before this is a snapshot tried again that has failed.
    private var nextRewrite = ContinuousClock.now
    private var failedRewrites = 0
    /// Snapshots that clients have asked for.
    private let requests = SaveRequests()
    var restores = RestoreRequests()

    /// So many snapshots that could not keep up with the changes, and writes are held for the next one.
    private static let mostFailedRewrites = 3
    /// A cache that takes more bytes of memory goes without a snapshot at its end.
    private static let largestAtEnd = 64 << 20
    /// How often what has changed since is followed before the rest is taken at once.
    private static let rounds = 5

    init(
        _ files: DurableFiles, _ cache: LoopBound<CacheEmulator>, _ loop: any EventLoop, _ limits: Limits,
        _ generation: DurableFiles.Generation, _ changes: AppendFile, _ source: EmulatorSource, isAlways: Bool,
        report: @escaping Report
    ) {
        self.files = files
        self.cache = cache
        self.loop = loop
        self.limits = limits
        self.isAlways = isAlways
        self.report = report
        self.generation = generation
        lastNumber = generation.number
        self.changes = changes
        self.source = source
    }

    // MARK: the work

    /// Writes down what is there, for the first time.
    func keepContents() async throws(BrokerError) {
        do throws(BrokerError) {
            try await take(try await writeBase())
        } catch {
            await release()
            throw error
        }
    }

    func start() {
        loop.post { [cache, requests] in requests.serve(cache.value) }
        task = Task { await work() }
    }

    private func work() async {
        while !isStopping {
            do throws(BrokerError) {
                let batch = try await source.next()
                try await keep(batch)
                if isAlways { try await commit(batch) }
                // It is not known what of it is on disk: a snapshot is.
                if let failure = syncFailure {
                    syncFailure = nil
                    throw failure
                }
                syncIfDue()
                if let base = rewritten {
                    rewritten = nil
                    try await take(base)
                } else if rewriting == nil, let restoring = restores.take() {
                    rewriting = Task { await prepare(restoring) }
                } else if rewriting == nil, needsRewrite {
                    let asked = requests.take()
                    rewriting = Task { await rewrite(for: asked) }
                }
            } catch {
                await beginAnew(error)
            }
        }
    }

    /// Writes a batch down, however long the disk takes nothing; when this is stopping, once.
    private func keep(_ batch: CopyBatch) async throws(BrokerError) {
        guard !batch.segments.isEmpty else { return }
        let bytes = DurableContents.transaction(batch)
        while true {
            do throws(BrokerError) {
                try changes.append(bytes)
                isUnsynced = true
                return refuseWrites(nil)
            } catch {
                refuseWrites(error)
                requests.refuseAll()
                restores.refuseAll()
                if isStopping { throw error }
                try? await ContinuousClock().sleep(for: limits.patience)
            }
        }
    }

    /// Has what was written be on disk, and the replies that wait for it go out.
    private func commit(_ batch: CopyBatch) async throws(BrokerError) {
        guard !batch.segments.isEmpty, let position = batch.position else { return }
        if let failure = await failure(of: changes) { throw failure }
        isUnsynced = false
        tellCommitted(source, position)
    }

    private func tellCommitted(_ source: EmulatorSource, _ position: Int64) {
        let end = source.end
        loop.post { end.value.committed(position) }
    }

    private func refuseWrites(_ error: BrokerError?) {
        guard error != nil || isRefusing else { return }
        isRefusing = error != nil
        let reason = error.map { $0.why.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? "" }
        report(reason.map { .failed("commands that write are refused, since its files take nothing: \($0)") } ?? .ready)
        let words = reason.map { "MISCONF Errors writing to the AOF file: \($0)" }
        loop.post { [cache, loop] in
            cache.value.writeRefusal = words
            guard words != nil else {
                cache.value.commits?.accept()
                return
            }
            // Not in the turn in which something may still have been written: its reply is held at the end of that.
            loop.post { cache.value.commits?.refuse() }
        }
    }

    private func syncIfDue() {
        guard isUnsynced, syncing == nil, ContinuousClock.now - lastSync >= limits.syncInterval else { return }
        isUnsynced = false
        let file = changes
        syncing = Task {
            syncFailure = await failure(of: file)
            syncing = nil
            lastSync = .now
        }
    }

    func failure(of file: AppendFile, on worker: WorkerThread? = nil) async -> BrokerError? {
        await (worker ?? self.worker).run {
            do throws(BrokerError) {
                try file.sync()
                return nil
            } catch {
                return error
            }
        }
    }

    // MARK: snapshots

    private var needsRewrite: Bool {
        if !requests.isEmpty { return true }
        return changes.size > max(limits.changes, baseSize) && ContinuousClock.now >= nextRewrite
    }

    private func rewrite(for asked: [SaveRequests.Answer]) async {
        defer { rewriting = nil }
        do throws(BrokerError) {
            var base = try await writeBase()
            base.asked = asked
            rewritten = base
            failedRewrites = 0
        } catch {
            for answer in asked { answer(false) }
            // The changes so far are all there: nothing is lost by waiting, but for changes that no snapshot keeps up with.
            nextRewrite = .now + limits.patience * 10
            // One that was only asked for is no sign that the changes outgrow the snapshots.
            failedRewrites += error.code == .timedOut && asked.isEmpty ? 1 : 0
            guard failedRewrites >= Self.mostFailedRewrites else { return }
            failedRewrites = 0
            syncFailure = error
        }
    }

    private func writeBase() async throws(BrokerError) -> DurableBase {
        lastNumber += 1
        let number = lastNumber
        let fresh = try await Self.source(of: cache, on: loop, readsSnapshot: true)
        do throws(BrokerError) {
            let size = try await writeKeys(files.base(number), of: fresh)
            var base = DurableBase(
                number: number, size: size, changes: try AppendFile(path: files.changes(number), isNew: true),
                reached: 0,
                source: fresh)
            do throws(BrokerError) {
                for _ in 0..<Self.rounds { try await follow(&base) }
                if let failure = await failure(of: base.changes, on: snapshotWorker) { throw failure }
                return base
            } catch {
                base.changes.close()
                throw error
            }
        } catch {
            await fresh.close()
            files.removeOthers(than: generation)
            throw error
        }
    }

    /// Writes down what has changed by now.
    private func follow(_ base: inout DurableBase) async throws(BrokerError) {
        let goal = try await base.source.position()
        while base.reached < goal {
            let batch = try await base.source.next()
            if !batch.segments.isEmpty { try base.changes.append(DurableContents.transaction(batch)) }
            base.reached = batch.position ?? base.reached
        }
    }

    /// Goes on behind a new snapshot: first the rest of what has changed since it was taken is written behind it.
    private func take(_ written: DurableBase) async throws(BrokerError) {
        var base = written
        if let restoring = base.restoring {
            do throws(BrokerError) {
                let keys = base.source
                base.source = try await goBack(restoring)
                await keys.close()
            } catch {
                restoring.answer(.failure(error))
                base.restoring = nil
                await base.source.close()
                base.changes.close()
                return files.removeOthers(than: generation)
            }
        }
        do throws(BrokerError) {
            try await follow(&base)
            let file = base.changes
            if let failure = await failure(of: file) { throw failure }
            let next = DurableFiles.Generation(number: base.number, hasBase: true)
            try await worker.run { [files] () throws(BrokerError) in try files.commit(next) }
            let former = (source: source, file: changes)
            (source, changes, generation, baseSize) = (base.source, file, next, base.size)
            await former.source.close()
            await syncing?.value
            syncFailure = nil
            former.file.close()
            files.removeOthers(than: next)
            gap = nil
            tellCommitted(source, base.reached)
            refuseWrites(nil)
            base.answer(true, hasGoneBack: true)
        } catch {
            base.answer(false, hasGoneBack: true)
            await base.source.close()
            base.changes.close()
            throw error
        }
    }

    /// The changes cannot be followed any more, since too much has come while the disk took nothing, or it is not known
    /// which of them are on disk: a snapshot takes their place. Until then nothing is written.
    private func beginAnew(_ error: BrokerError) async {
        gap = error
        refuseWrites(error)
        await dropRewritten()
        while !isStopping {
            do throws(BrokerError) {
                return try await take(try await writeBase())
            } catch {
                refuseWrites(error)
                requests.refuseAll()
                restores.refuseAll()
                try? await ContinuousClock().sleep(for: limits.patience)
            }
        }
    }

    // MARK: the end

    /// Writes down what is left, and ends. The files stay. Throws where something is not in them.
    func stop() async throws(BrokerError) {
        await end()
        do throws(BrokerError) {
            try await keepRest()
            await takeLastSnapshot()
        } catch {
            await release()
            throw error
        }
        await release()
    }

    private func keepRest() async throws(BrokerError) {
        if let failure = gap ?? syncFailure { throw failure }
        let goal = try await source.position()
        var reached: Int64 = 0
        while reached < goal {
            let batch = try await source.next()
            try await keep(batch)
            reached = batch.position ?? reached
        }
        if let failure = await failure(of: changes) { throw failure }
        tellCommitted(source, goal)
    }

    /// So that the next start reads a snapshot instead of every change. Where that fails, or would take long, the changes
    /// are on disk all the same.
    private func takeLastSnapshot() async {
        guard changes.size > 0 else { return }
        do throws(BrokerError) {
            let used: Int = try await loop.answer { [cache] in $0.give(.success(cache.value.usedMemory)) }
            if used <= Self.largestAtEnd { try await take(try await writeBase()) }
        } catch {}
    }

    /// Ends, and removes the files.
    func remove() async throws(BrokerError) {
        await end()
        await release()
        try files.remove()
    }

    private func end() async {
        isStopping = true
        requests.close()
        restores.close()
        await task?.value
        await dropRewritten()
        await syncing?.value
    }

    private func dropRewritten() async {
        await rewriting?.value
        let base = rewritten
        rewritten = nil
        base?.answer(false, hasGoneBack: false)
        await base?.source.close()
        base?.changes.close()
        files.removeOthers(than: generation)
    }

    private func release() async {
        await source.close()
        await worker.stop()
        await snapshotWorker.stop()
        changes.close()
    }
}
