import EventLoop
public import RDBWire
import RESPWire

/// What an emulator holds and what changes from then on, as commands for whoever follows it: a snapshot, taken in one
/// instant and read in parts, and the effects behind it. Lives on the emulator's loop.
public final class CacheFeed {
    /// Commands for one database, in the form of version 2.
    public struct Part: Equatable, Sendable {
        public var database: Int
        public var bytes: [UInt8] = []
        public var commands = 0
    }

    /// Some of what there is.
    public struct Batch: Equatable, Sendable {
        public var parts: [Part] = []
        /// How many of the commands are keys of the snapshot.
        public var keys = 0
        /// How many bytes of effects were handed out with it and before; nil as long as the snapshot is not complete.
        public var position: Int64?
    }

    /// What may wait to be taken; whoever is slower than that has lost the connection.
    public static let limit = 256 << 20
    private static let batchSize = 256 << 10

    private unowned let emulator: CacheEmulator
    private var snapshot: Snapshot?
    private var waiting: [Part] = []
    private var waitingBytes = 0
    private var takenBytes: Int64 = 0
    /// Effects were thrown away, because nobody took them in time.
    public private(set) var isLost = false
    public private(set) var isClosed = false
    /// Called once, when there is something to be taken.
    public var whenFilled: (() -> Void)?

    /// The keyspace as it was in one instant.
    private struct Snapshot {
        let name: UInt32
        let tables: [Table]
        let time: Int64
        var database = 0
        var cursor: UInt64 = 0
    }

    init(_ emulator: CacheEmulator, withSnapshot: Bool) {
        self.emulator = emulator
        guard withSnapshot else { return }
        snapshot = Snapshot(
            name: emulator.memory.beginSnapshot(), tables: emulator.databases.map(\.table),
            time: emulator.loop.wallClock)
    }

    /// Where the effects are now, in bytes: who has taken up to here has every change so far.
    public var position: Int64 { takenBytes + Int64(waitingBytes) }

    public var isEmpty: Bool { snapshot == nil && waitingBytes == 0 }

    /// Ends it; the emulator forgets it.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        if let snapshot { emulator.memory.endSnapshot(snapshot.name) }
        snapshot = nil
        waiting = []
        waitingBytes = 0
        emulator.forget(self)
        filled()
    }

    /// The next part, which may be empty. Throws where a value has no form that can be handed out.
    public func take() throws(RDBError) -> Batch {
        if snapshot != nil { return try takeSnapshot() }
        var batch = Batch(parts: waiting)
        takenBytes += Int64(waitingBytes)
        waiting = []
        waitingBytes = 0
        batch.position = takenBytes
        return batch
    }

    private func takeSnapshot() throws(RDBError) -> Batch {
        guard var reading = snapshot else { return Batch() }
        var batch = Batch()
        var part = Part(database: reading.database)
        var failure: RDBError?
        while part.bytes.count < Self.batchSize, failure == nil, reading.database < reading.tables.count {
            let database = emulator.databases[reading.database]
            let table = reading.tables[reading.database]
            let next =
                table.count == 0
                ? 0
                : table.scan(from: reading.cursor, wanted: 16) { entry in
                    guard failure == nil, !entry.hasExpiry || entry.expiry > reading.time else { return }
                    do throws(RDBError) {
                        try Effects.append(entry, of: database, emulator.payloadMaker, to: &part.bytes)
                        part.commands += 1
                    } catch {
                        failure = error
                    }
                }
            reading.cursor = next
            guard next == 0 else { continue }
            if part.commands > 0 { batch.parts.append(part) }
            batch.keys += part.commands
            reading.database += 1
            part = Part(database: reading.database)
            if batch.parts.reduce(0, { $0 + $1.bytes.count }) >= Self.batchSize { break }
        }
        if let failure { throw failure }
        if part.commands > 0 { batch.parts.append(part) }
        batch.keys += part.commands
        snapshot = reading
        if reading.database == reading.tables.count {
            emulator.memory.endSnapshot(reading.name)
            snapshot = nil
            batch.position = takenBytes
        }
        return batch
    }

    // MARK: the emulator's side

    func append(_ command: [UInt8], to database: Int) {
        guard !isLost else { return }
        guard waitingBytes + command.count <= Self.limit else {
            isLost = true
            waiting = []
            waitingBytes = 0
            return filled()
        }
        if waiting.last?.database != database { waiting.append(Part(database: database)) }
        waiting[waiting.count - 1].bytes += command
        waiting[waiting.count - 1].commands += 1
        waitingBytes += command.count
        filled()
    }

    private func filled() {
        guard let tell = whenFilled else { return }
        whenFilled = nil
        tell()
    }
}

extension CacheEmulator {
    /// Follows the emulator from now on; with a snapshot of what it holds in front.
    public func openFeed(withSnapshot: Bool) -> CacheFeed {
        let feed = CacheFeed(self, withSnapshot: withSnapshot)
        let effects = effects ?? Effects()
        effects.feeds.append(feed)
        self.effects = effects
        return feed
    }

    func forget(_ feed: CacheFeed) {
        effects?.feeds.removeAll { $0 === feed }
        if effects?.feeds.isEmpty == true { effects = nil }
    }
}
