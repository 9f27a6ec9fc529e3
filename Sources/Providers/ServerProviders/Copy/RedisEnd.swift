import BrokerModel
import Processes
import ProviderKit
import RDBWire
import ReplicationWire
import Synchronization

/// What both ends of a copy are asked, over a connection that is made when it is needed and lives on a thread of its own.
final class RedisEnd: Sendable {
    let server: CopyServer
    private let interruption = Interruption()
    private let worker = WorkerThread()
    private let held = Mutex<RedisConnection?>(nil)
    /// As the first connection has met it: all that this end says rests on the same.
    private let clock = Mutex<ClockOffset?>(nil)

    init(_ server: CopyServer) {
        self.server = server
    }

    /// Runs `body` on the thread, which may block.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BrokerError) -> Value
    ) async throws(BrokerError) -> Value {
        try await worker.run(body)
    }

    /// Runs `body` on the thread, with the connection.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (RedisConnection) throws(BrokerError) -> Value
    ) async throws(BrokerError) -> Value {
        try await worker.run { [self] () throws(BrokerError) in
            let connection = try connection()
            defer { if connection.isBroken { held.withLock { $0 = nil } } }
            return try body(connection)
        }
    }

    /// Ends a call that waits.
    func close() async {
        interruption.raise()
        await worker.stop()
        held.withLock { $0 = nil }
    }

    private func connection() throws(BrokerError) -> RedisConnection {
        if let connection = held.withLock({ $0 }) { return connection }
        let connection = try RedisConnection(server, interruption)
        connection.clock = clock.withLock { clock in
            clock = clock ?? connection.clock
            return clock ?? .none
        }
        held.withLock { $0 = connection }
        return connection
    }

    // MARK: what there is

    func counts() async throws(BrokerError) -> [Int: Int] {
        try await ask { connection throws(BrokerError) in try Self.counts(connection) }
    }

    private static func counts(_ connection: RedisConnection) throws(BrokerError) -> [Int: Int] {
        let info = try connection.ask("INFO", "keyspace").text ?? ""
        var counts: [Int: Int] = [:]
        // db0:keys=4,expires=1,avg_ttl=100
        for line in info.split(whereSeparator: \.isNewline) where line.hasPrefix("db") {
            let parts = line.dropFirst(2).split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let database = Int(parts[0]), parts[1].hasPrefix("keys="),
                let number = connection.server.scope.number(ofServers: database),
                let keys = Int(parts[1].dropFirst(5).prefix { $0 != "," })
            else { continue }
            if keys > 0 { counts[number] = keys }
        }
        return counts
    }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys {
        try await ask { connection throws(BrokerError) in
            let first = try cursor == nil ? Self.database(behind: -1, connection) : nil
            guard let cursor = cursor ?? first else { return CopyKeys(keys: [], next: nil) }
            try connection.select(try Self.serversNumber(of: cursor.database, connection.server))
            let reply = try connection.ask("SCAN", "\(cursor.place)", "COUNT", "1000")
            guard case .array(let parts) = reply, parts.count == 2, let place = parts[0].text.flatMap({ UInt64($0) }),
                case .array(let names) = parts[1]
            else { throw connection.server.error(.otherProtocol("it answers SCAN with something else")) }
            let keys = names.compactMap { name in
                if case .bytes(let name) = name { CopyKey(database: cursor.database, name: name) } else { nil }
            }
            let next =
                place == 0
                ? try Self.database(behind: cursor.database, connection)
                : CopyCursor(database: cursor.database, place: place)
            return CopyKeys(keys: keys, next: next)
        }
    }

    /// The beginning of the next database that has keys.
    private static func database(
        behind database: Int, _ connection: RedisConnection
    ) throws(BrokerError) -> CopyCursor? {
        try counts(connection).keys.filter { $0 > database }.min().map { CopyCursor(database: $0, place: 0) }
    }

    private static func serversNumber(of database: Int, _ server: CopyServer) throws(BrokerError) -> Int {
        guard let number = server.scope.serversNumber(of: database) else {
            throw BrokerError(
                .unsupported, "\"\(server.name)\" has no database \(database) for the resource",
                why: "one database of that server is the resource's, and the app uses several",
                fix: "choose a server of which all databases can be used: broker swap NAME --to exec:redis-server")
        }
        return number
    }

    /// The server's number of the resource's database.
    func serversNumber(of database: Int) throws(BrokerError) -> Int {
        try Self.serversNumber(of: database, server)
    }

    // MARK: digests

    /// Servers before Redis 7.0 do not say when a key expires, only in how long: their digests of keys with an expiry may
    /// differ from others' by the millisecond that passes between two commands.
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] {
        try await ask { connection throws(BrokerError) in
            var digests: [UInt64?] = []
            digests.reserveCapacity(keys.count)
            while digests.count < keys.count {
                // As many neighbours of one database as go into a question.
                let rest = keys[digests.count...]
                let database = rest[rest.startIndex].database
                let some = rest.prefix(connection.server.limits.digests).prefix { $0.database == database }
                try connection.select(try Self.serversNumber(of: database, connection.server))
                digests += try Self.digests(of: some, connection)
            }
            return digests
        }
    }

    static func digests(
        of keys: ArraySlice<CopyKey>, _ connection: RedisConnection
    ) throws(BrokerError) -> [UInt64?] {
        var digests: [UInt64?] = []
        for (key, value) in zip(keys, try values(of: keys, connection)) {
            digests.append(try value.map { value throws(BrokerError) in try digest(of: key, value, connection.server) })
        }
        return digests
    }

    /// A value as DUMP tells it, and when it ends, in milliseconds since 1970 by our clock.
    struct Value {
        let dump: [UInt8]
        let expiry: Int64?
    }

    /// Those of neighbours of the selected database; nil for a key that is not there.
    static func values(
        of keys: ArraySlice<CopyKey>, _ connection: RedisConnection
    ) throws(BrokerError) -> [Value?] {
        let expire = connection.lacksExpireTime ? "PTTL" : "PEXPIRETIME"
        var questions: [UInt8] = []
        for key in keys {
            questions += ReplicatedCommand([Array("DUMP".utf8), key.name]).bytes
            questions += ReplicatedCommand([Array(expire.utf8), key.name]).bytes
            if connection.lacksExpireTime { questions += ReplicatedCommand("TIME").bytes }
        }
        let width = connection.lacksExpireTime ? 3 : 2
        let replies = try connection.ask(questions, count: keys.count * width)
        var values: [Value?] = []
        for index in 0..<keys.count {
            switch replies[index * width + 1] {
            case .error(let words) where words.hasPrefix("ERR unknown command") && !connection.lacksExpireTime:
                connection.lacksExpireTime = true
                return try Self.values(of: keys, connection)
            case .error(let words): throw connection.server.refusal(of: expire, words)
            case .integer(let time) where time >= -1:
                var expiry = time == -1 ? nil : time
                if connection.lacksExpireTime, case .array(let parts) = replies[index * width + 2] {
                    expiry = expiry.map { $0 + (RedisConnection.milliseconds(parts) ?? 0) }
                }
                expiry = expiry.map { connection.clock.time($0, of: .theirs) }
                values.append(try value(replies[index * width], expiry, connection.server))
            default: values.append(nil)
            }
        }
        return values
    }

    private static func value(
        _ dump: RedisReply, _ expiry: Int64?, _ server: CopyServer
    ) throws(BrokerError) -> Value? {
        switch dump {
        case .error(let words): throw server.refusal(of: "DUMP", words)
        case .bytes(let bytes): Value(dump: bytes, expiry: expiry)
        default: nil
        }
    }

    private static func digest(
        of key: CopyKey, _ value: Value, _ server: CopyServer
    ) throws(BrokerError) -> UInt64 {
        do throws(RDBError) {
            let payload = try DumpPayload.open(value.dump, newest: RDBFormat.newestReadable)
            return try RDBValue.decode(payload).digest(expiry: value.expiry)
        } catch {
            let name = String(decoding: key.name.prefix(80), as: UTF8.self)
            throw server.unsupported("the key \"\(name)\" cannot be read: \(error)")
        }
    }
}
