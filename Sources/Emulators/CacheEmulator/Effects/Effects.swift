import RDBWire
import RESPWire

/// Tells those who listen what changes: for every change the commands that make the same change elsewhere, whatever was
/// drawn at random or depended on the time. Exists while somebody listens.
///
/// The command itself is its effect unless its body tells another one (`Call.tell`). It goes to servers with clocks of
/// their own, and some time later: a key with an expiry may be over there while it still lives here. So
/// - what a command leaves with an expiry is followed by PEXPIREAT: a key that was over there, and that the effect has
///   made anew, without what was in it and without an end, is over again;
/// - what lets a key live on, and what takes from one key for another, is told by the value (`slack`).
final class Effects {
    /// A key that ends within this many milliseconds may be over where the effect arrives.
    static let slack: Int64 = 300_000

    private(set) var logs: [EffectLog] = []
    /// Hands what changes to replicas; nil where there are none.
    var replication: Replication?
    /// The running command's effect was told, or it has none.
    var isTold = false
    /// How many effects there were.
    private(set) var told: Int64 = 0
    private var command: [UInt8] = []

    func add(_ log: EffectLog) {
        logs.append(log)
    }

    var isUnheard: Bool { logs.isEmpty && replication == nil }

    func remove(_ log: EffectLog) {
        logs.removeAll { $0 === log }
    }

    func emit(in database: Int, _ words: [CommandWord]) {
        command.removeAll(keepingCapacity: true)
        command.append(command: words)
        spread(in: database)
    }

    func emit(in database: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        command.removeAll(keepingCapacity: true)
        command.append(command: arguments, count)
        spread(in: database)
    }

    /// What a key is now, expiry included.
    func emitValue(of key: Bytes, in database: Database, by maker: PayloadMaker) {
        guard let entry = database.find(key, database.hash(key)) else {
            return emit(in: database.number, ["DEL", .bytes(key)])
        }
        do throws(RDBError) {
            emit(in: database.number, try database.restoring(entry, by: maker))
        } catch {
            for log in logs { log.lose(.notEncodable("\(error)")) }
            replication?.lose()
        }
    }

    /// When a key ends, if it does.
    func emitExpiry(of key: Bytes, in database: Database) {
        guard let entry = database.find(key, database.hash(key)), entry.hasExpiry else { return }
        emit(in: database.number, ["PEXPIREAT", .bytes(key), .number(entry.expiry)])
    }

    private func spread(in database: Int) {
        told += 1
        for log in logs { log.append(command, in: database) }
        replication?.append(command, in: database)
        // A single large value does not hold its memory for ever.
        if command.capacity > 1 << 20 { command = [] }
    }
}

extension Database {
    /// The command that makes a key with its value and expiry, in the place of whatever is there.
    func restoring(_ entry: Entry, by maker: PayloadMaker) throws(RDBError) -> [CommandWord] {
        var payload = try payload(of: entry, by: maker)
        DumpPayload.seal(&payload)
        return [
            "RESTORE", .bytes(entry.key), .number(entry.hasExpiry ? entry.expiry : 0), .array(payload), "REPLACE",
            "ABSTTL",
        ]
    }
}
