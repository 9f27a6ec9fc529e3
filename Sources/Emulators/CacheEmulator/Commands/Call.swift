import EventLoop
import RESPWire

/// One command while it runs: its arguments, the database it works on, where its reply goes.
///
/// It serves the commands of a pipeline one after the other: its references are counted once for all of them.
struct Call: ~Copyable {
    let emulator: CacheEmulator
    let client: CacheClient
    private(set) var database: Database
    /// The arguments with the command's name in front.
    private(set) var arguments: UnsafeMutablePointer<Bytes>
    private(set) var count: Int
    /// The hash of argument 1, for commands whose first key that is.
    private(set) var hash: UInt64
    private(set) var reply: ReplyWriter

    /// In the client's database, where none is named.
    init(
        _ emulator: CacheEmulator, _ client: CacheClient, in database: Int? = nil,
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, hash: UInt64
    ) {
        self.emulator = emulator
        self.client = client
        self.database = emulator.databases[database ?? client.database]
        self.arguments = arguments
        self.count = count
        self.hash = hash
        reply = client.writer
    }

    /// The client's next command.
    @inline(__always) mutating func goOn(
        with arguments: UnsafeMutablePointer<Bytes>, _ count: Int, hash: UInt64
    ) {
        self.arguments = arguments
        self.count = count
        self.hash = hash
        if client.database != database.number { database = emulator.databases[client.database] }
        if client.version != reply.version { reply = client.writer }
    }

    @inline(__always) subscript(index: Int) -> Bytes { arguments[index] }

    var now: Int64 { database.now }

    /// The reply is larger than any may be, and the client lost: what is left of it need not be made.
    var hasOverflowed: Bool { client.connection.output.hasOverflowed }

    // MARK: keys

    /// The entry of the first key, to be read: counts as a hit or a miss, and as an access.
    @inline(__always) func findFirst() -> Entry? {
        let entry = database.find(arguments[1], hash)
        emulator.noteLookup(entry)
        if entry == nil { notify(.missed, "keymiss", arguments[1]) }
        return entry
    }

    /// The entry of a key, to be read.
    func find(_ key: Bytes) -> Entry? {
        let entry = database.find(key, database.hash(key))
        emulator.noteLookup(entry)
        if entry == nil { notify(.missed, "keymiss", key) }
        return entry
    }

    /// The same, but that it counts as no access.
    func glance(_ key: Bytes) -> Entry? { glance(key, database.hash(key)) }

    func glance(_ key: Bytes, _ hash: UInt64) -> Entry? {
        let entry = database.find(key, hash)
        if entry == nil {
            emulator.statistics.misses &+= 1
            notify(.missed, "keymiss", key)
        } else {
            emulator.statistics.hits &+= 1
        }
        return entry
    }

    /// Whether an entry, where there is one, is of a type: false after the error reply when it is of another.
    @inline(__always) func accepts(_ entry: Entry?, _ type: ValueType) -> Bool {
        guard let entry, entry.type != type else { return true }
        reply.error(ErrorText.wrongType)
        return false
    }

    /// A key was changed: whoever watches it is told.
    @inline(__always) func changed(_ key: Bytes) {
        emulator.keyChanged(key, in: database)
    }

    /// Redis counts so many changes, elements mostly, where one was told.
    @inline(__always) func counts(_ changes: Int, insteadOf told: Int = 1) {
        emulator.statistics.elements &+= changes &- told
    }

    /// Something was changed of which who watches a key is not told, as in Redis: what a stream keeps of its groups.
    @inline(__always) func changedUnseen() {
        emulator.statistics.changes &+= 1
    }

    /// So many bytes a string may have. What comes from another server is taken whatever was set here.
    var longestString: Int { client.mayWait ? emulator.connectionLimits.bulk : ConnectionLimits.mostBulk }

    // MARK: arguments

    /// An argument as an integer, or nil after the usual error.
    func integer(_ index: Int) -> Int64? {
        guard let value = arguments[index].integer else {
            reply.error(ErrorText.notAnInteger)
            return nil
        }
        return value
    }

    /// An argument as the number of a database, or nil after an error.
    func databaseNumber(_ index: Int) -> Int? {
        guard let value = integer(index) else { return nil }
        guard let number = Int32(exactly: value) else {
            reply.error(ErrorText.outOfInt32)
            return nil
        }
        guard number >= 0, number < CacheEmulator.databaseCount else {
            reply.error(ErrorText.databaseOutOfRange)
            return nil
        }
        return Int(number)
    }

    /// An argument as an integer of at least `least`, or nil after an error with this text.
    func integer(_ index: Int, atLeast least: Int64, _ text: StaticString) -> Int64? {
        guard let value = arguments[index].integer, value >= least else {
            reply.error(text)
            return nil
        }
        return value
    }

    /// An argument as a double, or nil after the usual error.
    func double(_ index: Int) -> Double? {
        guard let value = arguments[index].double else {
            reply.error(ErrorText.notAFloat)
            return nil
        }
        return value
    }

    /// Whether an argument is a word, without regard to case; `word` is lower-case.
    @inline(__always) func isWord(_ index: Int, _ word: StaticString) -> Bool {
        arguments[index].isWord(word)
    }
}
