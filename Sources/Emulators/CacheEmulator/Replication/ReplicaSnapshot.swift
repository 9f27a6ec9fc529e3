import EventLoop
import RDBWire
import RESPWire

/// All keys of one instant as an RDB file, written part by part. Confined to the loop.
///
/// Two of the same instant write the same bytes: nothing of it depends on what has been asked since. So it leaves out how
/// long keys have been idle.
final class ReplicaSnapshot {
    /// Where the bytes go: nowhere while there is no output.
    private final class Sink {
        var output: ByteOutput?
        var count = 0
    }

    private let keys: KeyspaceSnapshot
    private let setup: ReplicaSetup
    private let facts: [(String, String)]
    private let sink = Sink()
    private var writer: RDBWriter
    private var database: Int?
    private var isBegun = false
    private(set) var isComplete = false

    init(of emulator: CacheEmulator, _ setup: ReplicaSetup, id: String, offset: Int64) {
        keys = emulator.snapshot()
        self.setup = setup
        facts = [
            ("redis-ver", "\(CacheEmulator.redisVersion)"), ("redis-bits", "\(Int.bitWidth)"),
            ("ctime", "\(emulator.clock.now / 1000)"), ("used-mem", "\(emulator.usedMemory)"),
            // The stream behind it names its database.
            ("repl-stream-db", "0"), ("repl-id", id), ("repl-offset", "\(offset)"), ("aof-base", "0"),
        ]
        writer = RDBWriter { [sink] bytes in
            sink.count += bytes.count
            sink.output?.append(bytes)
        }
    }

    /// Bytes that were written.
    var size: Int { sink.count }

    /// Writes some more: until `deadline`, or, to an output, until that is full; a part in any case.
    func write(to connection: Connection?, until deadline: ContinuousClock.Instant) throws(KeyspaceSnapshot.Unreadable)
    {
        sink.output = connection?.output
        defer { sink.output = nil }
        do throws(RDBError) {
            if !isBegun { try begin() }
            repeat {
                if setup.wantsKeys { try keys.write(to: &writer, &database, until: deadline) } else { keys.close() }
            } while !keys.isComplete && connection?.isOverHighWater != true && ContinuousClock.now < deadline
            guard keys.isComplete, !isComplete else { return }
            isComplete = true
            try writer.end()
        } catch {
            throw KeyspaceSnapshot.Unreadable(reason: "\(error)")
        }
    }

    private func begin() throws(RDBError) {
        isBegun = true
        for (name, value) in facts { try writer.auxiliary(name, value) }
        let libraries = keys.takeLibraries()
        guard setup.wantsFunctions else { return }
        for code in libraries { try writer.function(code: code) }
    }

    func close() {
        keys.close()
    }
}

extension KeyspaceSnapshot {
    /// About so much is written at a time.
    private static let partSize = 64 << 10

    /// Writes some of the next keys. `selected` is the database that the writer has named last.
    fileprivate func write(
        to writer: inout RDBWriter, _ selected: inout Int?, until deadline: ContinuousClock.Instant
    ) throws(RDBError) {
        let before = writer.bytesWritten
        var met = 0
        while let (table, entry) = nextEntry() {
            met += 1
            if !entry.hasExpiry || entry.expiry > time {
                if selected != table.database.number {
                    selected = table.database.number
                    try writer.selectDatabase(table.database.number)
                    try writer.sizes(keys: table.keys, expires: table.expiring)
                }
                try writer.entry(
                    RDBEntry(
                        key: entry.key.array, payload: try table.database.payload(of: entry, by: emulator.payloadMaker),
                        expiry: entry.hasExpiry ? entry.expiry : nil))
            }
            if writer.bytesWritten - before >= Self.partSize { return }
            if met % Self.keysPerLook == 0, ContinuousClock.now >= deadline { return }
        }
        close()
    }
}
