import EventLoop
import RESPWire

/// SAVE, BGSAVE and BGREWRITEAOF: snapshots on disk, made by whoever keeps the emulator's files.
struct Saving {
    /// What the owner of the files does: makes a snapshot of what is there now, and says, on the loop, whether it is on
    /// disk. Nil where there are no files.
    var make: ((_ ended: @escaping (Bool) -> Void) -> Void)?
    /// In Unix seconds; before the first snapshot the start.
    var last: Int64 = 0
    /// What the statistics counted when that was begun.
    var changes = 0
    /// How many snapshots were begun.
    var count = 0
    var snapshot = Progress()
    var rewrite = Progress()
    /// BGREWRITEAOF has come while a snapshot was made, or the other way round.
    var isRewriteScheduled = false
    var isSnapshotScheduled = false
    /// Clients whose SAVE is made.
    var waiting: [PendingReply] = []

    /// Of one kind of snapshots.
    struct Progress {
        /// In the loop's nanoseconds; nil while none is made.
        var since: UInt64?
        var isLastGood = true
        /// In seconds, -1 where there was none.
        var lastTime: Int64 = -1

        var isRunning: Bool { since != nil }

        mutating func end(_ isGood: Bool, now: UInt64) {
            lastTime = since.map { Int64((now - $0) / 1_000_000_000) } ?? -1
            since = nil
            isLastGood = isGood
        }
    }
}

extension CacheEmulator {
    /// Has SAVE, BGSAVE and BGREWRITEAOF call `make`; see `Saving.make`. With nil they are refused.
    public func keepSnapshots(by make: ((_ ended: @escaping (Bool) -> Void) -> Void)?) {
        saving.make = make
        guard let place = configuration.parameters.firstIndex(where: { $0.name == "appendonly" }) else { return }
        configuration.set(place, to: make == nil ? "no" : "yes")
    }

    /// Begins a snapshot; false where there are no files.
    func beginSnapshot() -> Bool {
        guard let make = saving.make else { return false }
        let changes = statistics.changesOfElements
        saving.count += 1
        saving.snapshot.since = loop.now
        make { [handle] isGood in handle.emulator?.snapshotEnded(isGood, changes) }
        return true
    }

    private func snapshotEnded(_ isGood: Bool, _ changes: Int) {
        saving.snapshot.end(isGood, now: loop.now)
        if isGood {
            saving.last = loop.wallClock / 1000
            saving.changes = changes
        }
        for pending in saving.waiting {
            answer(pending) { isGood ? $0.ok() : $0.error(ErrorText.notSaved) }
        }
        beginScheduled()
    }

    /// The same as far as the files go: they hold snapshot and changes together.
    func beginRewrite() -> Bool {
        guard let make = saving.make else { return false }
        saving.rewrite.since = loop.now
        make { [handle] isGood in
            guard let emulator = handle.emulator else { return }
            emulator.saving.rewrite.end(isGood, now: emulator.loop.now)
            emulator.beginScheduled()
        }
        return true
    }

    /// Behind the transaction that runs.
    func beginScheduledSoon() {
        later { $0.beginScheduled() }
    }

    private func beginScheduled() {
        // What runs begins the rest when it ends.
        guard !saving.snapshot.isRunning, !saving.rewrite.isRunning else { return }
        if saving.isRewriteScheduled {
            saving.isRewriteScheduled = false
            _ = beginRewrite()
        } else if saving.isSnapshotScheduled {
            saving.isSnapshotScheduled = false
            _ = beginSnapshot()
        }
    }
}
