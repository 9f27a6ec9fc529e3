/// A keyspace's arena, and what of it is shared with snapshots.
///
/// Every block of a structure carries the epoch in which it was made or copied. A snapshot ends an epoch: what is
/// older than `shared` may be seen by a snapshot, so it is copied before it changes and kept when it is removed.
/// Dropping a snapshot frees what was kept for it. Without snapshots nothing is shared and nothing of this costs.
final class Memory {
    let arena = Arena()
    /// The epoch of what is made now.
    @exclusivity(unchecked) private(set) var epoch: UInt32 = 1
    /// Blocks of this epoch and older are shared; 0 when no snapshot lives.
    @exclusivity(unchecked) private(set) var shared: UInt32 = 0
    /// Seeds the hashes of this keyspace: chosen at random, so that nobody can aim at collisions.
    let seed: UInt64
    /// Bytes that only snapshots, or nobody any more, still see.
    @exclusivity(unchecked) private var keptBytes = 0
    /// What is freed a part at a time, the newest last.
    var discarded: [Discarded] = []
    /// Somebody has been asked to free it.
    var isDiscarding = false
    /// Called when there is something to free a part at a time.
    var discardingBegan: (() -> Void)?

    /// Bytes of what is live.
    var inUse: Int { arena.used - keptBytes }

    /// Oldest first.
    private var snapshots: [Snapshot] = []
    /// What is seen by nobody any more, and not freed yet.
    private var retired: [[Kept]] = []

    /// A block that only snapshots still see.
    private struct Kept {
        var block: UnsafeMutableRawPointer
        var size: Int
        var epoch: UInt32
    }

    private struct Snapshot {
        var epoch: UInt32
        var kept: [Kept] = []
    }

    init(seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
    }

    @inline(__always) func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        arena.allocate(size)
    }

    /// Whether a block made in `epoch` may be seen by a snapshot.
    @inline(__always) func isShared(_ epoch: UInt32) -> Bool { epoch <= shared }

    /// Gives back a block that was made in `epoch` and that the live structure no longer uses.
    @inline(__always) func free(_ block: UnsafeMutableRawPointer, _ size: Int, epoch: UInt32) {
        if epoch <= shared {
            keptBytes += size
            snapshots[snapshots.count - 1].kept.append(Kept(block: block, size: size, epoch: epoch))
        } else {
            arena.free(block, size)
        }
    }

    /// Ends the epoch; what exists is shared from now on. Returns the snapshot's name.
    func beginSnapshot() -> UInt32 {
        let ended = epoch
        snapshots.append(Snapshot(epoch: ended))
        shared = ended
        epoch += 1
        return ended
    }

    /// Frees what only the snapshot `ended` still saw.
    func endSnapshot(_ ended: UInt32) {
        retireSnapshot(ended)
        while !sweep(.max) {}
    }

    /// Ends a snapshot; what only it still saw is left to `sweep`.
    func retireSnapshot(_ ended: UInt32) {
        guard let index = snapshots.firstIndex(where: { $0.epoch == ended }) else { return }
        let snapshot = snapshots.remove(at: index)
        shared = snapshots.last?.epoch ?? 0
        guard index > 0 else { return retired.append(snapshot.kept) }
        let older = snapshots[index - 1].epoch
        // An older snapshot may see it too.
        snapshots[index - 1].kept += snapshot.kept.filter { $0.epoch <= older }
        retired.append(snapshot.kept.filter { $0.epoch > older })
    }

    /// Frees what retired snapshots have left, `most` blocks at the most; false when there is more.
    func sweep(_ most: Int) -> Bool {
        var left = most
        while left > 0, let last = retired.indices.last {
            while left > 0, let kept = retired[last].popLast() {
                arena.free(kept.block, kept.size)
                keptBytes -= kept.size
                left -= 1
            }
            if retired[last].isEmpty { retired.removeLast() }
        }
        return retired.isEmpty
    }
}
