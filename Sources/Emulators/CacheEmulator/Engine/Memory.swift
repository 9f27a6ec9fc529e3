import EventLoop

/// A keyspace's arena, and what of it is shared with snapshots.
///
/// Every block of a structure carries the epoch in which it was made or copied. A snapshot ends an epoch: what is
/// older than `shared` may be seen by a snapshot, so it is copied before it changes and kept when it is removed.
/// Dropping a snapshot frees what was kept for it. Without snapshots nothing is shared and nothing of this costs.
///
/// A keyspace that began from an image (`KeyspaceImage`) has an arena of its own, and epochs above the image's: what is
/// of `floor` or older belongs to the image. It is copied before it changes, like what a snapshot sees, and is never freed
/// or kept here: whoever has that arena does that.
final class Memory {
    let arena = Arena()
    /// The epoch of what is made now.
    @exclusivity(unchecked) private(set) var epoch: UInt32 = 1
    /// Blocks of this epoch and older are shared; the floor when no snapshot lives.
    @exclusivity(unchecked) private(set) var shared: UInt32 = 0
    /// Seeds the hashes of this keyspace: chosen at random, so that nobody can aim at collisions.
    @exclusivity(unchecked) private(set) var seed: UInt64
    /// What it began from; nil where it began empty.
    private(set) var origin: KeyspaceImage?
    /// What is of this epoch or older belongs to the origin; 0 without one.
    private var floor: UInt32 = 0
    /// Bytes of the origin that are live here.
    @exclusivity(unchecked) private(set) var borrowed = 0
    /// Bytes that only snapshots, or nobody any more, still see.
    @exclusivity(unchecked) private var keptBytes = 0
    /// Where snapshots find it; made with the first one.
    private weak var holder: HeldMemory?
    /// What decides in which form values are kept.
    @exclusivity(unchecked) var packing = PackingLimits()
    /// An emulator lives in it.
    var isLive = true
    /// What is freed a part at a time, the newest last.
    var discarded: [Discarded] = []
    /// Somebody has been asked to free it.
    var isDiscarding = false
    /// Called when there is something to free a part at a time.
    var discardingBegan: (() -> Void)?

    /// Bytes of what is live, and of what is kept: what is shared with the origin counts as if it were a copy.
    var used: Int { arena.used + borrowed }
    /// Bytes of what is live.
    var inUse: Int { used - keptBytes }
    var hasSnapshots: Bool { !snapshots.isEmpty }

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
        arena.excessBegan = { [unowned self] in beginDiscarding() }
    }

    @inline(__always) func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        arena.allocate(size)
    }

    /// Whether a block made in `epoch` may be seen by a snapshot.
    @inline(__always) func isShared(_ epoch: UInt32) -> Bool { epoch <= shared }

    /// Gives back a block that was made in `epoch` and that the live structure no longer uses.
    @inline(__always) func free(_ block: UnsafeMutableRawPointer, _ size: Int, epoch: UInt32) {
        if epoch <= shared { keep(block, size, epoch) } else { arena.free(block, size) }
    }

    @inline(never)
    private func keep(_ block: UnsafeMutableRawPointer, _ size: Int, _ epoch: UInt32) {
        guard epoch > floor else {
            borrowed -= SizeClasses.capacity(size)
            return
        }
        // What is shared and above the floor, a snapshot sees.
        keptBytes += SizeClasses.capacity(size)
        snapshots[snapshots.count - 1].kept.append(Kept(block: block, size: size, epoch: epoch))
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
        shared = snapshots.last?.epoch ?? floor
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
                keptBytes -= SizeClasses.capacity(kept.size)
                left -= 1
            }
            if retired[last].isEmpty { retired.removeLast() }
        }
        return retired.isEmpty
    }

    // MARK: beginning anew

    /// Where snapshots find this memory, whatever its keyspace begins with next.
    func held() -> HeldMemory {
        if let holder { return holder }
        let made = HeldMemory(self)
        holder = made
        return made
    }

    /// Becomes that of an empty keyspace, or of one that an image has filled; the caller takes the tables from there.
    ///
    /// What was here goes to another memory, which is returned, and with it those who hold it: it is nobody's any more but
    /// snapshots'. This one stays what it is to databases and values, which read it with every command.
    func beginAnew(from image: KeyspaceImage?) -> Memory {
        let former = Memory(seed: seed)
        former.arena.takeOver(arena)
        (former.epoch, former.shared, former.floor) = (epoch, shared, floor)
        (former.origin, former.borrowed, former.keptBytes) = (origin, borrowed, keptBytes)
        swap(&former.snapshots, &snapshots)
        swap(&former.retired, &retired)
        swap(&former.discarded, &discarded)
        former.isLive = false
        holder?.memory = former
        former.holder = holder
        holder = nil
        keptBytes = 0
        begin(from: image)
        return former
    }

    /// With nothing in it yet.
    func begin(from image: KeyspaceImage?) {
        origin = image
        floor = image?.epoch ?? 0
        borrowed = image?.bytes ?? 0
        shared = floor
        epoch = floor + 1
        seed = image?.memory.seed ?? .random(in: .min ... .max)
    }
}

/// A memory, for those who hold a snapshot of it: they keep it, although its emulator is gone or has begun anew.
final class HeldMemory {
    fileprivate(set) var memory: Memory

    fileprivate init(_ memory: Memory) {
        self.memory = memory
    }
}

extension Memory {
    /// How many blocks are freed in a turn of the loop, and how many bytes are given back to the system.
    private static let sweptAtOnce = 4096
    private static let dismantledAtOnce = 2 << 20

    /// Frees what snapshots that have ended have left, a part in each turn of the loop. Where no emulator and no snapshot
    /// needs the memory any more, all of it goes. Where only snapshots do, it stays as it is until the last one ends.
    func tidy(on loop: any EventLoop) {
        if isLive {
            guard !sweep(Self.sweptAtOnce) else { return }
        } else {
            guard !hasSnapshots, !arena.dismantle(Self.dismantledAtOnce) else { return }
        }
        let bound = LoopBound(self, on: loop)
        // A loop that has ended has no turn that could be held up.
        if !loop.post({ bound.value.tidy(on: loop) }) { tidy(on: loop) }
    }
}
