import EventLoop
import RDBWire
import RESPWire

/// All keys as they were at one instant, handed out part by part while the emulator goes on. Confined to the loop.
///
/// What changes meanwhile is copied, so that the snapshot costs memory until its last part is read or it is closed.
public final class KeyspaceSnapshot {
    let emulator: CacheEmulator
    /// What it keeps as it was: its own snapshot of the memory, or an image.
    private let held: (memory: HeldMemory, epoch: UInt32)?
    private var image: KeyspaceImage?
    /// When it was taken, or an image is read: what was over by then is left out.
    let time: Int64
    /// The databases that had keys.
    private let tables: [FrozenTable]
    public private(set) var isComplete = false
    /// The libraries of functions, which come first.
    private var libraries: [[UInt8]]
    /// How many of them are handed out: commands that make no key.
    public private(set) var librariesTaken = 0

    /// A database's table, with how many keys it had then. The database, which may have begun anew since, is asked for no
    /// more than its number and how values are read.
    struct FrozenTable {
        let database: Database
        let table: Table
        let keys: Int
        let expiring: Int
    }

    /// A value that cannot be written down.
    public struct Unreadable: Error {
        public let reason: String
    }

    /// Where the walk goes on: the table, the place in its directory, the slot in the segment there.
    private var index = 0
    private var place = 0
    private var slot = 0

    /// How many keys are met between two looks at the clock.
    static let keysPerLook = 8

    init(of emulator: CacheEmulator) {
        self.emulator = emulator
        emulator.readClock()
        time = emulator.clock.now
        held = (emulator.memory.held(), emulator.memory.beginSnapshot())
        libraries = emulator.libraryCodes
        tables = emulator.databases.filter { $0.count > 0 }.map {
            FrozenTable(database: $0, table: $0.table, keys: $0.count, expiring: $0.expiringCount)
        }
    }

    /// Of what an image holds. `emulator` lives on the same loop; its own keys are not looked at.
    init(of image: KeyspaceImage, by emulator: CacheEmulator) {
        self.emulator = emulator
        self.image = image
        held = nil
        emulator.readClock()
        time = emulator.clock.now
        libraries = image.libraries
        tables = zip(emulator.databases, image.parts).filter { $1.table.count > 0 }.map {
            FrozenTable(database: $0, table: $1.table, keys: $1.table.count, expiring: $1.expiring)
        }
    }

    deinit {
        close()
    }

    /// Frees what was kept for it. Done again it does nothing.
    public func close() {
        guard !isComplete else { return }
        isComplete = true
        image = nil
        guard let held else { return }
        held.memory.memory.retireSnapshot(held.epoch)
        held.memory.memory.tidy(on: emulator.loop)
    }

    /// The next keys, each as a RESTORE that can be repeated: until there are `size` bytes or more, or until `deadline`;
    /// some are met in any case. The last part completes the snapshot.
    public func next(_ size: Int, until deadline: ContinuousClock.Instant) throws(Unreadable) -> [CommandSegment] {
        var segments: [CommandSegment] = []
        var written = 0
        var sinceLook = 0
        let codes = takeLibraries()
        if !codes.isEmpty {
            var segment = CommandSegment(database: 0)
            for code in codes { segment.bytes.append(command: ["FUNCTION", "LOAD", "REPLACE", .array(code)]) }
            segment.commands = codes.count
            segments.append(segment)
        }
        while let (frozen, entry) = nextEntry() {
            sinceLook += 1
            let isOver = entry.hasExpiry && entry.expiry <= time
            let length = isOver ? 0 : try write(entry, of: frozen.database, to: &segments)
            written += length
            if written >= size { return segments }
            if sinceLook == Self.keysPerLook || length > 16 << 10 {
                if ContinuousClock.now >= deadline { return segments }
                sinceLook = 0
            }
        }
        close()
        return segments
    }

    /// Writes the command for a key; returns how long it is.
    private func write(
        _ entry: Entry, of database: Database, to segments: inout [CommandSegment]
    ) throws(Unreadable) -> Int {
        if segments.last?.database != database.number { segments.append(CommandSegment(database: database.number)) }
        let last = segments.count - 1
        let before = segments[last].bytes.count
        do throws(RDBError) {
            segments[last].bytes.append(command: try database.restoring(entry, by: emulator.payloadMaker))
        } catch {
            throw Unreadable(reason: "\(error)")
        }
        segments[last].commands += 1
        return segments[last].bytes.count - before
    }

    /// The code of the libraries, once.
    func takeLibraries() -> [[UInt8]] {
        defer { libraries = [] }
        librariesTaken += libraries.count
        return libraries
    }

    /// The next key, whether its time is over or not; nil behind the last one.
    func nextEntry() -> (FrozenTable, Entry)? {
        while !isComplete, index < tables.count {
            let table = tables[index].table
            while place < table.directoryCount {
                let segment = Segment(block: table.directory[place])
                while slot < segment.capacity {
                    defer { slot += 1 }
                    if segment.slots[slot] != 0 {
                        return (tables[index], Segment.entry(segment.slots[slot]))
                    }
                }
                slot = 0
                place += 1 << Int(table.depth - segment.depth)
            }
            place = 0
            index += 1
        }
        return nil
    }
}

extension CacheEmulator {
    /// All keys as they are now.
    public func snapshot() -> KeyspaceSnapshot { KeyspaceSnapshot(of: self) }

    /// All keys of an image, of this or another emulator of the loop, to be handed out in the same way.
    public func snapshot(of image: KeyspaceImage) -> KeyspaceSnapshot { KeyspaceSnapshot(of: image, by: self) }
}
