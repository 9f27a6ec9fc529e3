public import EventLoop

/// All keys and libraries of functions of one instant, taken without copying anything, for other emulators to begin from.
///
/// It is a snapshot of the source's memory that stays: the tables' headers, and an ended epoch. It belongs to its loop, and
/// to emulators there, since blocks are read in place: by the source, by other images, and by all who began from this one.
/// It keeps the source's memory, whole, although the source is gone or has begun anew; that goes with the last image.
/// Where the source's time stood or was moved is no part of it.
///
/// Those who share a block write nothing of its contents in place, but hints: when an entry was last used, when a segment
/// is worth being looked at for keys whose time is over. On one loop that is harmless.
public final class KeyspaceImage {
    public let loop: any EventLoop
    /// Keys of all databases, those whose time is over and that nobody has found included.
    public let keys: Int
    /// What it would take as a copy.
    public let bytes: Int
    /// The databases, by number.
    let parts: [Part]
    let libraries: [[UInt8]]
    /// The epoch that ended with it.
    let epoch: UInt32
    /// What the source's memory took at the start.
    let startMemory: Int
    private let held: HeldMemory

    struct Part {
        let table: Table
        let expiring: Int
    }

    var memory: Memory { held.memory }

    init(of emulator: CacheEmulator) {
        loop = emulator.loop
        bytes = emulator.memory.inUse
        held = emulator.memory.held()
        epoch = emulator.memory.beginSnapshot()
        parts = emulator.databases.map { Part(table: $0.table, expiring: $0.expiringCount) }
        keys = parts.reduce(0) { $0 + $1.table.count }
        libraries = emulator.libraryCodes
        startMemory = emulator.startMemory
    }

    deinit {
        if loop.isCurrent { return Self.end(held, epoch, loop) }
        // Whoever has let it go elsewhere: what it ends belongs to the loop.
        let bound = LoopBound(held, on: loop)
        let (loop, epoch) = (loop, epoch)
        if !loop.post({ Self.end(bound.value, epoch, loop) }) { Self.end(held, epoch, loop) }
    }

    private static func end(_ held: HeldMemory, _ epoch: UInt32, _ loop: any EventLoop) {
        held.memory.retireSnapshot(epoch)
        held.memory.tidy(on: loop)
    }
}
