import RDBWire
import Testing

/// The real server's files and payloads are what we read and write.
@Suite(.enabled(if: RedisServer.isInstalled)) struct RealServerTests {
    private static let seeds: [UInt64] = [1, 2, 3]
    private static let libraries = ["one", "two"].map {
        "#!lua name=\($0)\nredis.register_function('\($0)', function(keys, args) return '\($0) '..args[1] end)\n"
    }

    /// A server with a random database of `seed`, and its file.
    private func filledServer(_ seed: UInt64, _ settings: [String] = []) throws -> (server: RedisServer, file: [UInt8])
    {
        let server = try RedisServer(settings: settings)
        var database = RandomDatabase(seed: seed)
        _ = try server.client.pipeline(database.build(databases: [0, 3, 15], rounds: 12))
        for library in Self.libraries { _ = try server.client.command("FUNCTION", "LOAD", library) }
        return (server, try server.save())
    }

    /// A list that names the streams' rest, of which DEBUG DIGEST does not speak.
    private func streams(_ server: RedisServer, _ read: ReadFile) throws -> [RESPReply] {
        try read.entries.compactMap { database, entry in
            guard entry.key.prefix(7).contains("~stream".bytes) || entry.key.prefix(7).contains("=stream".bytes) else {
                return nil
            }
            _ = try server.client.command("SELECT", "\(database)")
            let info = try server.client.command([
                "XINFO".bytes, "STREAM".bytes, entry.key, "FULL".bytes, "COUNT".bytes, "0".bytes,
            ])
            // How many nodes there are depends on where deleted entries were.
            guard let elements = info.elements else { return info }
            return .array(Array(elements[..<2] + elements[6...]))
        }
    }

    @Test(arguments: seeds) func `every payload in a saved file, with its footer, is what DUMP answers`(
        seed: UInt64
    ) throws {
        let (server, file) = try filledServer(seed)
        let read = try ReadFile(file)
        #expect(read.version == 10)
        #expect(read.consumed == file.count)
        #expect(read.items.contains(.auxiliary(key: "redis-ver".bytes, value: "7.0.15".bytes)))
        let functions = read.items.compactMap { if case .function(let code) = $0 { code } else { nil } }
        #expect(Set(functions) == Set(Self.libraries.map(\.bytes)))
        for database in 0..<16 {
            _ = try server.client.command("SELECT", "\(database)")
            let entries = read.entries.filter { $0.database == database }.map(\.entry)
            #expect(try server.client.command("DBSIZE") == .integer(Int64(entries.count)))
            if !entries.isEmpty {
                let expiries = entries.filter { $0.expiry != nil }.count
                #expect(read.items.contains(.sizes(keys: entries.count, expires: expiries)))
            }
            for entry in entries {
                let name = String(decoding: entry.key.prefix(40), as: UTF8.self)
                let dump = try server.client.command(["DUMP".bytes, entry.key]).bytes
                #expect(dump == DumpPayload.seal(entry.payload), "seed \(seed), key \(name)")
                #expect(try DumpPayload.open(dump ?? []) == entry.payload)
                let expiry = try server.client.command(["PEXPIRETIME".bytes, entry.key]).number
                #expect(expiry == entry.expiry ?? -1, "seed \(seed), key \(name)")
            }
        }
    }

    @Test(arguments: seeds) func `values that are taken apart and put together again are the same to a server`(
        seed: UInt64
    ) throws {
        let (server, file) = try filledServer(seed)
        let read = try ReadFile(file)
        let other = try RedisServer()
        var encoder = RDBEncoder()
        for (database, entry) in read.entries {
            let payload = try encoder.encode(try RDBValue.decode(entry.payload))
            _ = try other.client.command("SELECT", "\(database)")
            let reply = try other.client.command([
                "RESTORE".bytes, entry.key, "\(entry.expiry ?? 0)".bytes, DumpPayload.seal(payload), "ABSTTL".bytes,
            ])
            #expect(reply == .text("OK".bytes), "seed \(seed), \(entry.key.prefix(20))")
        }
        #expect(try server.digest() == other.digest(), "seed \(seed)")
        #expect(try streams(server, read) == streams(other, read), "seed \(seed)")
    }

    @Test(arguments: seeds) func `where the server's bytes follow from the value, ours are the same`(
        seed: UInt64
    ) throws {
        let (_, file) = try filledServer(seed)
        var encoder = RDBEncoder()
        var exact = 0
        for (_, entry) in try ReadFile(file).entries where entry.key.first == UInt8(ascii: "=") {
            let payload = try encoder.encode(try RDBValue.decode(entry.payload))
            #expect(payload == entry.payload, "seed \(seed), \(String(decoding: entry.key.prefix(20), as: UTF8.self))")
            exact += 1
        }
        #expect(exact > 100)
    }

    @Test(arguments: seeds) func `a server loads a file that we wrote, and redis-check-rdb accepts it`(
        seed: UInt64
    ) throws {
        let (server, file) = try filledServer(seed)
        let read = try ReadFile(file)
        var encoder = RDBEncoder()
        let written = try writtenFile(checksums: seed % 2 == 0) { writer in
            for item in read.items {
                switch item {
                case .auxiliary(let key, let value): try writer.auxiliary(key, value)
                case .selectDatabase(let number): try writer.selectDatabase(number)
                case .sizes(let keys, let expires): try writer.sizes(keys: keys, expires: expires)
                case .function(let code): try writer.function(code: code)
                case .entry(var entry):
                    entry.payload = try encoder.encode(try RDBValue.decode(entry.payload))
                    try writer.entry(entry)
                case .moduleAuxiliary, .end: break
                }
            }
        }
        #expect(try ReadFile(written).entries.count == read.entries.count)
        let other = try RedisServer(file: written, settings: ["--rdbchecksum", "yes"])
        #expect(try server.digest() == other.digest(), "seed \(seed)")
        #expect(try streams(server, read) == streams(other, read), "seed \(seed)")
        #expect(try other.client.command("FCALL", "one", "0", "x") == .text("one x".bytes))
        #expect(try RedisServer.checkAccepts(written))
        var broken = written
        broken[written.count - 12] ^= 1
        #expect(try !RedisServer.checkAccepts(broken) || seed % 2 == 1, "redis-check-rdb looks at the checksum")
    }

    @Test func `an unchanged file is written again byte by byte`() throws {
        let (_, file) = try filledServer(7)
        let written = try writtenFile { writer in
            for item in try ReadFile(file).items {
                switch item {
                case .auxiliary(let key, let value): try writer.auxiliary(key, value)
                case .selectDatabase(let number): try writer.selectDatabase(number)
                case .sizes(let keys, let expires): try writer.sizes(keys: keys, expires: expires)
                case .function(let code): try writer.function(code: code)
                case .entry(let entry): try writer.entry(entry)
                case .moduleAuxiliary, .end: break
                }
            }
        }
        #expect(written == file)
    }

    @Test func `without compression the server's bytes are ours as well`() throws {
        let (_, file) = try filledServer(8, ["--rdbcompression", "no"])
        var thresholds = EncodingThresholds()
        thresholds.compresses = false
        for (_, entry) in try ReadFile(file).entries where entry.key.first == UInt8(ascii: "=") {
            let payload = try RDBValue.decode(entry.payload).encoded(thresholds)
            #expect(payload == entry.payload, "\(String(decoding: entry.key.prefix(20), as: UTF8.self))")
        }
    }

    @Test func `other thresholds give the bytes of a server with these settings`() throws {
        let settings = [
            "--list-max-listpack-size", "7", "--set-max-intset-entries", "600", "--hash-max-listpack-entries", "100",
            "--hash-max-listpack-value", "1000", "--zset-max-listpack-entries", "200", "--zset-max-listpack-value",
            "20", "--stream-node-max-bytes", "0", "--stream-node-max-entries", "30",
        ]
        let (_, file) = try filledServer(9, settings)
        var thresholds = EncodingThresholds()
        thresholds.listMaxListpackSize = 7
        thresholds.setMaxIntsetEntries = 600
        thresholds.hashMaxListpackEntries = 100
        thresholds.hashMaxListpackValue = 1000
        thresholds.sortedSetMaxListpackEntries = 200
        thresholds.sortedSetMaxListpackValue = 20
        thresholds.streamNodeMaxBytes = 0
        thresholds.streamNodeMaxEntries = 30
        for (_, entry) in try ReadFile(file).entries where entry.key.first == UInt8(ascii: "=") {
            let payload = try RDBValue.decode(entry.payload).encoded(thresholds)
            if entry.payload[0] == RDBType.hash.rawValue {
                #expect(payload[0] == RDBType.hash.rawValue)
            } else {
                #expect(payload == entry.payload, "\(String(decoding: entry.key.prefix(20), as: UTF8.self))")
            }
        }
    }

    @Test func `large elements of a list stand in plain nodes`() throws {
        let server = try RedisServer()
        #expect(try server.client.command("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "100b") == .text("OK".bytes))
        for length in [5, 99, 100, 101, 20, 30, 5000, 9000, 7] {
            _ = try server.client.command("RPUSH", "list", String(repeating: "x", count: length))
        }
        var thresholds = EncodingThresholds()
        thresholds.listPlainBytes = 100
        let payload = try DumpPayload.open(try server.client.command("DUMP", "list").bytes ?? [])
        let value = try RDBValue.decode(payload)
        #expect(value == .list(try server.client.command("LRANGE", "list", "0", "-1").strings))
        #expect(try value.encoded(thresholds) == payload)
    }

    @Test(arguments: ["allkeys-lru", "allkeys-lfu"]) func `idle time and frequency are read and written`(
        policy: String
    ) throws {
        let server = try RedisServer(settings: ["--maxmemory-policy", policy])
        let payload = DumpPayload.seal(try RDBValue.string("v".bytes).encoded())
        let isLRU = policy == "allkeys-lru"
        _ = try server.client.command([
            "RESTORE".bytes, "k".bytes, "0".bytes, payload, (isLRU ? "IDLETIME" : "FREQ").bytes, "77".bytes,
        ])
        let entry = try #require(try ReadFile(try server.save()).entries.first?.entry)
        #expect(isLRU ? (77...90).contains(entry.idle ?? 0) : entry.frequency == 77)
        let written = try writtenFile { writer in
            try writer.selectDatabase(0)
            try writer.entry(entry)
        }
        let other = try RedisServer(file: written, settings: ["--maxmemory-policy", policy])
        let seen = try other.client.command("OBJECT", isLRU ? "IDLETIME" : "FREQ", "k").number ?? 0
        #expect(isLRU ? (77...100).contains(seen) : (70...77).contains(seen))
    }
}
