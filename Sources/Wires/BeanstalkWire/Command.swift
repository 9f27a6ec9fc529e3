/// One well-formed command line. Tube names point into the received bytes and are valid only while those are.
public enum Command {
    /// The body follows as `ClientMessage.body`.
    case put(PutHeader)
    /// A `put` whose body exceeds the limit; `ClientMessage.bodyDiscarded` follows when its bytes have gone by.
    case oversizedPut
    case use(tube: UnsafeRawBufferPointer)
    case reserve
    /// A negative number of seconds waits without end.
    case reserveWithTimeout(seconds: Int32)
    case reserveJob(id: UInt64)
    case delete(id: UInt64)
    case release(id: UInt64, priority: UInt32, delay: UInt32)
    case bury(id: UInt64, priority: UInt32)
    case touch(id: UInt64)
    case watch(tube: UnsafeRawBufferPointer)
    case ignore(tube: UnsafeRawBufferPointer)
    case peek(id: UInt64)
    case peekReady
    case peekDelayed
    case peekBuried
    case kick(bound: UInt32)
    case kickJob(id: UInt64)
    case stats
    case statsJob(id: UInt64)
    case statsTube(tube: UnsafeRawBufferPointer)
    case listTubes
    case listTubeUsed
    case listTubesWatched
    case pauseTube(tube: UnsafeRawBufferPointer, seconds: UInt32)
    case quit

    public var name: CommandName {
        switch self {
        case .put, .oversizedPut: .put
        case .use: .use
        case .reserve: .reserve
        case .reserveWithTimeout: .reserveWithTimeout
        case .reserveJob: .reserveJob
        case .delete: .delete
        case .release: .release
        case .bury: .bury
        case .touch: .touch
        case .watch: .watch
        case .ignore: .ignore
        case .peek: .peek
        case .peekReady: .peekReady
        case .peekDelayed: .peekDelayed
        case .peekBuried: .peekBuried
        case .kick: .kick
        case .kickJob: .kickJob
        case .stats: .stats
        case .statsJob: .statsJob
        case .statsTube: .statsTube
        case .listTubes: .listTubes
        case .listTubeUsed: .listTubeUsed
        case .listTubesWatched: .listTubesWatched
        case .pauseTube: .pauseTube
        case .quit: .quit
        }
    }
}

/// What the line of a `put` says.
public struct PutHeader: Equatable, Sendable {
    /// The smallest is the most urgent.
    public var priority: UInt32
    /// In seconds.
    public var delay: UInt32
    /// In seconds, as sent: 0 is for the server to raise.
    public var timeToRun: UInt32
    /// Bytes of the body, without the CR LF after it.
    public var bodySize: Int

    public init(priority: UInt32, delay: UInt32, timeToRun: UInt32, bodySize: Int) {
        self.priority = priority
        self.delay = delay
        self.timeToRun = timeToRun
        self.bodySize = bodySize
    }
}

/// One thing that a client said, or did wrong.
public enum ClientMessage {
    case command(Command)
    /// The next bytes of the body of the last `put`, CR LF included.
    case body(UnsafeRawBufferPointer, BodyProgress)
    /// The whole body of a `put` that was not wanted has gone by.
    case bodyDiscarded
    /// A malformed line. `counted` names the command that the statistics count in spite of it.
    case badFormat(counted: CommandName?)
    /// A line that begins with no known command; its first word.
    case unknownCommand(UnsafeRawBufferPointer)
}

/// How far a body has come with the bytes at hand.
public enum BodyProgress: Equatable, Sendable {
    case partial
    case complete
    /// All bytes are there, and the last two are not CR LF.
    case unterminated
}
