import EventLoop
import RDBWire
import RESPWire

/// What commands have changed, as commands that do the same whenever and wherever they run: what was drawn is named,
/// what was relative to the clock is absolute. Nothing is told of what changed nothing.
final class Effects {
    var feeds: [CacheFeed] = []
    /// What the command that runs has changed so far.
    private var changed: [WatchedKey] = []
    /// What the command makes depends on a key that ends: a follower whose clock is ahead may have it no more.
    private var usesEnding = false

    /// Commands that fail, or do something else, where a key is over.
    private static let readsOthers: Set<String> = [
        "rename", "renamenx", "copy", "move", "lset", "lmove", "rpoplpush", "smove", "bitop", "zrangestore", "lmpop",
        "zmpop", "sinterstore", "sunionstore", "sdiffstore", "zinterstore", "zunionstore", "zdiffstore",
    ]

    /// A command is about to run.
    func begin(_ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ database: Database) {
        changed.removeAll(keepingCapacity: true)
        usesEnding =
            Self.readsOthers.contains(command.name.description)
            && (1..<count).contains {
                database.table.find(arguments[$0], database.hash(arguments[$0]))?.hasExpiry == true
            }
    }

    func note(_ key: Bytes, in database: Int) {
        changed.append(WatchedKey(database: database, key: key.array))
    }

    func expired(_ key: Bytes, in database: Int) {
        emit([Array("DEL".utf8), key.array], to: database)
    }

    /// How what a command did is told.
    private enum Form {
        /// As it was asked for.
        case verbatim
        /// As what its key holds now.
        case value
        /// As when its key ends now.
        case expiry
        /// As the field it has set.
        case field
        /// As the members it has drawn.
        case drawn
        /// As it was asked for, though no key is named.
        case whole
    }

    /// What is not in it is told as it was asked for.
    private static let forms: [String: Form] = [
        "set": .value, "setex": .value, "psetex": .value, "incrbyfloat": .value, "restore": .value,
        "expire": .expiry, "pexpire": .expiry, "expireat": .expiry, "pexpireat": .expiry, "getex": .expiry,
        // Ranges of members in a set of several scores are left open by the documentation: servers differ.
        "zremrangebylex": .value, "zrangestore": .value,
        "hincrbyfloat": .field, "spop": .drawn, "flushall": .whole, "flushdb": .whole, "swapdb": .whole,
    ]

    /// Tells what a command has done that has just run; its reply begins at `before` in the client's output.
    func tell(
        _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient,
        _ emulator: CacheEmulator, repliedFrom before: Int
    ) {
        let form = Self.forms[command.name.description] ?? .verbatim
        let reply = UnsafeRawBufferPointer(rebasing: client.connection.output.readable.dropFirst(before))
        guard !changed.isEmpty || form == .whole && reply.first != UInt8(ascii: "-") else { return }
        let database = client.database
        guard !usesEnding else {
            for key in changed { tellValue(of: key.key, emulator.databases[key.database], emulator) }
            return
        }
        let words = (0..<count).map { arguments[$0].array }
        switch form {
        case .whole: return emit(words, to: database)
        case .verbatim: emit(words, to: database)
        case .value: return tellValue(of: words[1], emulator.databases[database], emulator)
        case .expiry: return tellExpiry(of: words[1], emulator.databases[database])
        case .field: tellField(words, emulator.databases[database])
        case .drawn:
            guard let members = Self.bulks(in: reply), !members.isEmpty else {
                return tellValue(of: words[1], emulator.databases[database], emulator)
            }
            emit([Array("SREM".utf8), words[1]] + members, to: database)
        }
        // Where the follower's clock is ahead, it had forgotten the key already and made it anew, without an end.
        for key in changed {
            guard let time = Self.entry(key.key, emulator.databases[key.database])?.end else { continue }
            emit([Array("PEXPIREAT".utf8), key.key, Array("\(time)".utf8)], to: key.database)
        }
    }

    private func tellValue(of key: [UInt8], _ database: Database, _ emulator: CacheEmulator) {
        guard let entry = Self.entry(key, database) else {
            return emit([Array("DEL".utf8), key], to: database.number)
        }
        var bytes: [UInt8] = []
        // Only a stream has no form, and no stream can be made.
        guard (try? Self.append(entry, of: database, emulator.payloadMaker, to: &bytes)) != nil else { return }
        for feed in feeds { feed.append(bytes, to: database.number) }
    }

    private func tellExpiry(of key: [UInt8], _ database: Database) {
        guard let entry = Self.entry(key, database) else {
            return emit([Array("DEL".utf8), key], to: database.number)
        }
        guard let time = entry.end else { return emit([Array("PERSIST".utf8), key], to: database.number) }
        emit([Array("PEXPIREAT".utf8), key, Array("\(time)".utf8)], to: database.number)
    }

    private func tellField(_ words: [[UInt8]], _ database: Database) {
        guard let entry = Self.entry(words[1], database) else { return }
        let value = words[2].withBytes { field in database.hashValue(entry).value(of: field)?.array }
        guard let value else { return }
        emit([Array("HSET".utf8), words[1], words[2], value], to: database.number)
    }

    private func emit(_ words: [[UInt8]], to database: Int) {
        let bytes = RequestEncoding.bytes(words)
        for feed in feeds { feed.append(bytes, to: database) }
    }

    private static func entry(_ key: [UInt8], _ database: Database) -> Entry? {
        key.withBytes { database.table.find($0, database.hash($0)) }
    }

    /// The bulk strings of a reply that is one, or an array or set of them; nil where it is neither.
    private static func bulks(in reply: UnsafeRawBufferPointer) -> [[UInt8]]? {
        var bulks: [[UInt8]] = []
        var rest = reply[...]
        while let type = rest.popFirst() {
            guard let end = rest.firstIndex(of: 13), rest.distance(from: end, to: rest.endIndex) >= 2 else {
                return nil
            }
            let number = Int(String(decoding: rest[..<end], as: UTF8.self)) ?? -1
            rest = rest[(end + 2)...]
            switch type {
            case UInt8(ascii: "*"), UInt8(ascii: "~"): continue
            case UInt8(ascii: "$"):
                guard number >= 0, rest.count >= number + 2 else { return nil }
                bulks.append(Array(rest.prefix(number)))
                rest = rest.dropFirst(number + 2)
            default: return nil
            }
        }
        return bulks
    }

    // MARK: commands

    /// RESTORE of an entry as it is.
    static func append(
        _ entry: Entry, of database: Database, _ maker: PayloadMaker, to bytes: inout [UInt8]
    ) throws(RDBError) {
        var payload = try database.payload(of: entry, by: maker)
        DumpPayload.seal(&payload)
        RequestEncoding.append(
            [
                Array("RESTORE".utf8), entry.key.array, Array("\(entry.end ?? 0)".utf8), payload,
                Array("REPLACE".utf8), Array("ABSTTL".utf8),
            ], to: &bytes)
    }
}

extension Entry {
    /// When it ends, in milliseconds since 1970; nil when it does not.
    fileprivate var end: Int64? { hasExpiry ? expiry : nil }
}
