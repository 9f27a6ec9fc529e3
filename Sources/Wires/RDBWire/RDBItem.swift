/// What follows next in an RDB file.
public enum RDBItem: Equatable, Sendable {
    /// A fact about the writer: `redis-ver`, `ctime`, `repl-id`, …
    case auxiliary(key: [UInt8], value: [UInt8])
    /// The entries that follow belong to this database.
    case selectDatabase(Int)
    /// How many entries, and entries with an expiry, the database has: a hint.
    case sizes(keys: Int, expires: Int)
    /// A library of functions, as FUNCTION LOAD takes it.
    case function(code: [UInt8])
    /// What a module keeps outside of keys, which was passed over.
    case moduleAuxiliary(module: UInt64)
    case entry(RDBEntry)
    /// The file is complete and its checksum right.
    case end
}

/// A key with its value and what stands beside it.
public struct RDBEntry: Equatable, Sendable {
    public var key: [UInt8]
    /// In Unix milliseconds.
    public var expiry: Int64?
    /// Seconds without access, where the server evicts by LRU.
    public var idle: UInt64?
    /// The logarithmic counter, where the server evicts by LFU.
    public var frequency: UInt8?
    /// A type byte and a body, to be taken apart by `RDBValue.decode`.
    public var payload: [UInt8]

    public init(
        key: [UInt8], payload: [UInt8], expiry: Int64? = nil, idle: UInt64? = nil, frequency: UInt8? = nil
    ) {
        self.key = key
        self.expiry = expiry
        self.idle = idle
        self.frequency = frequency
        self.payload = payload
    }
}
