/// What a connection of class `redis` has set up, as a value: whoever serves the connection can be exchanged for another
/// by taking it from the one and giving it to the other.
///
/// Who the client is, its id, its name and its library are not in it: those are kept by whoever owns the connection.
public struct RESPSessionState: Equatable, Sendable {
    /// 2 or 3: the version of the protocol.
    public var version: UInt8 = 2
    public var database = 0
    /// What CLIENT REPLY has set.
    public var replies = ReplyMode.on
    /// Nil outside MULTI.
    public var transaction: QueuedTransaction?
    /// Some key is watched.
    public var isWatching = false
    /// A watched key may have changed: EXEC answers nil.
    public var isTainted = false
    /// The words of CLIENT TRACKING ON as the client sent them; nil where it is off.
    public var tracking: [[UInt8]]?
    /// Lines about every command of the server come.
    public var isMonitoring = false
    public var channels: Set<[UInt8]> = []
    public var patterns: Set<[UInt8]> = []
    public var shardChannels: Set<[UInt8]> = []

    public init() {}

    /// Channels and patterns of every kind.
    public var subscriptionCount: Int { channels.count + patterns.count + shardChannels.count }
}

/// The commands between MULTI and EXEC, to be queued again elsewhere.
public struct QueuedTransaction: Equatable, Sendable {
    /// The most bytes of commands that are kept, in bytes; a transaction with more cannot be moved.
    public static let limit = 1 << 20

    /// The requests as they came, one behind the other.
    public private(set) var bytes: [UInt8] = []
    public private(set) var count = 0
    /// A command was refused while queueing: EXEC answers EXECABORT.
    public var isAborted = false
    /// It has outgrown `limit`: what is here is not all of it.
    public private(set) var isTooLong = false

    public init() {}

    /// Adds a command as long as there is room.
    public mutating func append(_ request: UnsafeRawBufferPointer) {
        guard !isTooLong, bytes.count + request.count <= Self.limit else {
            count += 1
            isTooLong = true
            bytes = []
            return
        }
        append(Array(request))
    }

    /// Adds a command from where all of them are kept anyway.
    public mutating func append(_ request: [UInt8]) {
        count += 1
        bytes.append(contentsOf: request)
    }
}

/// What CLIENT REPLY sets.
public enum ReplyMode: Sendable {
    case on
    case off
    /// The command after this one is not answered.
    case skipNext
    /// This command is not answered.
    case skipping
}
