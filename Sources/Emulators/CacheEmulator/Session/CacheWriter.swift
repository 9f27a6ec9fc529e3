import EventLoop
import RDBWire
import RESPWire

/// Runs commands in an emulator on behalf of nobody who is connected: what another server held, and what it changed.
///
/// Lives on the emulator's loop.
public final class CacheWriter {
    /// What was refused: the command's name, and the emulator's words.
    public struct Refusal: Error, Equatable, Sendable {
        public let command: String
        public let text: String
    }

    private let emulator: CacheEmulator
    private let client: CacheClient
    private let front = NoFront()
    private let batch = RequestBatch()
    private var framer = ReplyFramer()

    private let follows: Bool

    /// - Parameter follows: what comes is what another server does, which also says when a key is over.
    public init(_ emulator: CacheEmulator, follows: Bool = true) {
        self.follows = follows
        self.emulator = emulator
        let connection = Connection(id: 0, pool: BufferPool(), peerAddress: "", localAddress: "")
        connection.highWater = .max
        client = CacheClient(connection: connection, id: 0, isAuthenticated: true, front: front)
        if follows { emulator.clock.keepsExpired = true }
    }

    /// Nothing comes any more; from now on the emulator's own clock ends its keys.
    public func close() {
        if follows { emulator.clock.keepsExpired = false }
    }

    /// Runs whole commands of `bytes` from `start` on, 64 at most; returns where the next one begins.
    ///
    /// Throws the first refusal; what stands in front of it has been done.
    public func run(_ bytes: [UInt8], from start: Int, in database: Int) throws(Refusal) -> Int {
        guard database < CacheEmulator.databaseCount else {
            throw Refusal(command: "SELECT", text: "ERR DB index is out of range")
        }
        client.database = database
        var refusal: Refusal?
        let commands = emulator.statistics.commands
        let end = bytes.withUnsafeBytes { bytes in
            var partial = PartialRequest()
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            _ = batch.parse(rest, limits: .authenticated, partial: &partial)
            guard batch.count > 0 else { return bytes.count }
            var index = 0
            while index < batch.count, refusal == nil {
                let done = emulator.execute(batch, from: index, for: client)
                refusal = takeReplies(to: index)
                index = done
            }
            return start + batch[batch.count - 1].end
        }
        // Nobody has sent them.
        emulator.statistics.commands = commands
        if let refusal { throw refusal }
        return end
    }

    /// Looks at the replies to the commands of the batch from `first` on; the first refusal among them.
    private func takeReplies(to first: Int) -> Refusal? {
        let output = client.connection.output
        defer { output.consume(output.count) }
        let bytes = output.readable
        var position = 0
        var index = first
        while position < bytes.count {
            let start = position
            guard case .unit(let unit, let end) = framer.next(bytes, from: position) else { break }
            position = end
            if unit.type == UInt8(ascii: "-") {
                let line = bytes[(start + 1)..<end].prefix { $0 != 13 }
                return Refusal(
                    command: batch.arguments[batch[index].first].text.uppercased(),
                    text: String(decoding: line, as: UTF8.self))
            }
            index += 1
        }
        return nil
    }

    private final class NoFront: CacheFront {
        func run(_ command: FrontCommand, for client: CacheClient) {
            command.reply.error("ERR the command is about connections")
        }
        func end(_ client: CacheClient) {}
        func drop(_ client: CacheClient) {}
    }
}

/// Looking at what an emulator holds.
extension CacheEmulator {
    /// The number of keys of each database that has some.
    public var keyCounts: [Int: Int] {
        var counts: [Int: Int] = [:]
        for database in databases where database.count > 0 { counts[database.number] = database.count }
        return counts
    }

    /// Some keys of a database from a cursor on, as SCAN; the next cursor is 0 at the end.
    public func keys(of number: Int, from cursor: UInt64) -> (keys: [[UInt8]], next: UInt64) {
        guard number < databases.count, databases[number].count > 0 else { return ([], 0) }
        clock.now = loop.wallClock
        var keys: [[UInt8]] = []
        let database = databases[number]
        let next = database.table.scan(from: cursor, wanted: 500) { entry in
            if !entry.hasExpiry || entry.expiry > database.horizon { keys.append(entry.key.array) }
        }
        return (keys, next)
    }

    /// A digest of a key's value and expiry; nil where there is no such key.
    public func digest(of key: [UInt8], in number: Int) -> UInt64? {
        guard number < databases.count else { return nil }
        clock.now = loop.wallClock
        let database = databases[number]
        return key.withBytes { key in
            guard let entry = database.find(key, database.hash(key)),
                let payload = try? database.payload(of: entry, by: payloadMaker),
                let value = try? RDBValue.decode(payload)
            else { return nil }
            return value.digest(expiry: entry.hasExpiry ? entry.expiry : nil)
        }
    }
}
