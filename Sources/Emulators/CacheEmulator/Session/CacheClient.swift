public import EventLoop
public import RESPWire

/// One client of a cache: what its connection has set up.
///
/// Whoever owns the connection makes it, tells the emulator of its end, and answers the commands that concern the
/// connection itself (`CacheFront`).
public final class CacheClient {
    public let connection: Connection
    /// The number that CLIENT ID answers.
    public let id: Int64
    /// Answers AUTH, HELLO, CLIENT and the like; outlives the client's use by the emulator.
    unowned let front: any CacheFront

    /// 2 or 3: the version of the protocol that replies are written in.
    @exclusivity(unchecked) public var version: UInt8 = 2 { didSet { look() } }
    @exclusivity(unchecked) public var isAuthenticated: Bool { didSet { look() } }
    /// Who it is.
    var account = ClientAccount.unnamed {
        didSet {
            madeUser = account.made
            look()
        }
    }
    /// As whom it is logged in where an app has made that user: then every command is checked.
    @exclusivity(unchecked) private(set) var madeUser: AccessUser?
    @exclusivity(unchecked) public var database = 0
    /// What CLIENT REPLY has set.
    @exclusivity(unchecked) public var replies = ReplyMode.on
    /// A command of its own runs whose reply is not going to be sent.
    @exclusivity(unchecked) var isUnanswered = false
    /// Messages that this command has brought it.
    var ownMessages: [UInt8] = []
    /// Nothing has to be known of it before an ordinary command runs: it may, and it is neither in a transaction nor
    /// subscribed in a way that forbids it.
    @exclusivity(unchecked) private(set) var isPlain = false
    /// The row of the last command.
    @exclusivity(unchecked) var lastCommand: UnsafePointer<Command>?
    /// The number of the last command in the table, and which were ever sent: a bit each.
    @exclusivity(unchecked) private var lastUsed = -1
    private var used: [UInt64] = []
    /// Of the last command: its options, how many arguments it has at least when it has one, and which were noted.
    private var options: DatedOptions?
    @exclusivity(unchecked) private var leastWithOptions = Int.max
    private var notedOptions: UInt32 = 0
    private var usedOptions: Set<String> = []
    /// EXEC is running its queue.
    var isExecuting = false
    /// Nobody is there who could wait for what a command blocks for: a copy's intake.
    var mayWait = true
    /// The command that the client waits in.
    @exclusivity(unchecked) var waiter: Waiter? { didSet { lookWhetherWaiting() } }
    /// Its next request waits for the end of a pause.
    @exclusivity(unchecked) var isPostponed = false { didSet { lookWhetherWaiting() } }
    /// It waits for something else than a key.
    @exclusivity(unchecked) var pending: PendingReply? { didSet { lookWhetherWaiting() } }
    /// It waits in a command that blocks, or for the end of a pause: none of its requests runs before that is over.
    @exclusivity(unchecked) public private(set) var isWaiting = false
    /// What it has said of the replica that it is going to be.
    var replicaSetup: ReplicaSetup?
    /// Set from PSYNC or SYNC on.
    @exclusivity(unchecked) var replica: Replica? { didSet { look() } }
    /// The offset of the stream for replicas behind what it has written last.
    var writeOffset: Int64 = 0
    /// Nil outside MULTI.
    @exclusivity(unchecked) var transaction: Transaction? { didSet { look() } }
    var watched: [WatchedKey] = []
    /// A watched key was changed: EXEC answers nil.
    public internal(set) var isTainted = false
    /// What CLIENT TRACKING has set; nil where it is off.
    var tracking: ClientTracking? { didSet { look() } }
    /// Every command is shown to it.
    public internal(set) var isMonitor = false { didSet { look() } }
    @exclusivity(unchecked) var channels: Set<[UInt8]> = [] { didSet { look() } }
    @exclusivity(unchecked) var patterns: Set<[UInt8]> = [] { didSet { look() } }
    @exclusivity(unchecked) var shardChannels: Set<[UInt8]> = [] { didSet { look() } }
    /// More messages wait for it than for others.
    var isSlow = false
    /// It took its messages too slowly, and is about to be closed.
    var isDropped = false
    /// Since when it has more unread than the soft limit of its class, in the loop's nanoseconds.
    var softLimitSince: UInt64?
    /// Set when the rest of its requests must not run: QUIT, a protocol error.
    @exclusivity(unchecked) public var isEnding = false

    public init(connection: Connection, id: Int64, isAuthenticated: Bool, front: any CacheFront) {
        self.connection = connection
        self.id = id
        self.isAuthenticated = isAuthenticated
        self.front = front
        look()
    }

    private func look() {
        isPlain =
            isAuthenticated && transaction == nil && !isInSubscribedMode && replica == nil && tracking == nil
            && !isMonitor && madeUser == nil
    }

    private func lookWhetherWaiting() {
        isWaiting = waiter != nil || isPostponed || pending != nil
    }

    /// Notes a command of the table, and options of it that not every server has.
    @inline(__always) func noteUse(_ index: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        if index != lastUsed { noteOther(index) }
        if count >= leastWithOptions { noteOptions(arguments, count) }
    }

    private func noteOptions(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        guard let options else { return }
        let fresh = options.present(in: arguments, count) & ~notedOptions
        guard fresh != 0 else { return }
        notedOptions |= fresh
        usedOptions.formUnion(options.names(fresh))
    }

    private func noteOther(_ index: Int) {
        guard index >= 0 else { return }
        lastUsed = index
        (options, notedOptions) = (CommandTable.shared.options[index], 0)
        leastWithOptions = options?.least ?? .max
        while used.count <= index >> 6 { used.append(0) }
        used[index >> 6] |= 1 << UInt64(index & 63)
    }

    /// The commands that it has sent and the emulator has answered, in lower case and without their subcommands; options
    /// that not every server has as `set keepttl`.
    public var usedCommands: Set<String> {
        let commands = CommandTable.shared.commands
        return usedOptions.union(
            commands.indices.lazy.filter { [used] in $0 >> 6 < used.count && used[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
                .filter { Self.isNeededElsewhere(commands[$0]) }.map {
                    commands[$0].name.description
                })
    }

    /// Not what no app may ask of a real server: whoever has used it here goes on without it.
    private static func isNeededElsewhere(_ command: Command) -> Bool {
        // ACL is answered by the front before a server, too.
        guard command.flags.isDisjoint(with: [.refused, .front]), command.name.description != "acl" else {
            return false
        }
        if case .refused = CommandName(Bytes(command.name)).flatMap({ Interception.of($0) }) { return false }
        return true
    }

    var writer: ReplyWriter { ReplyWriter(connection.output, version: version) }

    /// What was written behind the first `before` bytes is no reply: it is sent where replies are not.
    func keepMessage(from before: Int) {
        guard isUnanswered, connection.output.count > before else { return }
        ownMessages += connection.output.readable[before...]
    }

    /// Channels and patterns, as the replies of SUBSCRIBE count them.
    public var subscriptionCount: Int { channels.count + patterns.count }
    public var channelCount: Int { channels.count }
    public var patternCount: Int { patterns.count }
    public var shardChannelCount: Int { shardChannels.count }
    /// The number of queued commands, -1 outside MULTI, for CLIENT LIST.
    public var queuedCount: Int { transaction?.queue.count ?? -1 }
    public var isWatching: Bool { !watched.isEmpty }
    /// The letters of CLIENT LIST for what it tracks.
    public var trackingFlags: String {
        (tracking == nil ? "" : "t") + (tracking?.isBroken == true ? "R" : "")
            + (tracking?.isBroadcast == true ? "B" : "")
    }
    /// As CLIENT GETREDIR answers: -1 where it does not track, 0 where messages come to itself.
    public var trackingRedirect: Int64 { tracking?.redirect ?? -1 }
    /// It takes a copy of everything: none of its requests is answered, and it cannot be moved to another server.
    public var isReplica: Bool { replica != nil }
    /// The last command as CLIENT LIST shows it: `get`, `client|list`.
    public var lastCommandName: String { lastCommand?.pointee.fullName ?? "NULL" }
    /// Of version 2 and subscribed to something: it may do little else, and messages look like replies.
    var isInSubscribedMode: Bool { version == 2 && subscriptionCount + shardChannelCount > 0 }
}

/// The commands between MULTI and EXEC.
struct Transaction {
    struct Request {
        let command: Int
        private let arguments: KeptArguments

        init(command: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
            self.command = command
            self.arguments = KeptArguments(arguments, count)
        }

        /// Calls `body` with the arguments; they are valid meanwhile.
        func withArguments<Result>(_ body: (UnsafeMutablePointer<Bytes>, _ count: Int) -> Result) -> Result {
            arguments.withArguments(body)
        }
    }

    private(set) var queue: [Request] = []
    /// A command was refused while queueing: EXEC answers EXECABORT.
    var isAborted = false

    mutating func append(_ request: Request) {
        queue.append(request)
    }
}

/// A key that a client watches.
struct WatchedKey: Hashable {
    var database: Int
    var key: [UInt8]
}

/// Who owns a client's connection: answers the commands that are not about data.
public protocol CacheFront: AnyObject {
    /// Runs a command that the table marks as the front's, and writes its one reply.
    func run(_ command: FrontCommand, for client: CacheClient)
    /// Closes the connection once its replies are sent.
    func end(_ client: CacheClient)
    /// Closes the connection without its replies, which it does not take; not within the call, but soon.
    func drop(_ client: CacheClient)
    /// A command in which the client has waited is answered, or the pause is over: its next requests may run. Called
    /// within another client's command.
    func waitEnded(_ client: CacheClient)
    /// The same, just before: the reply stands in the client's output behind the first `before` bytes.
    func replied(_ client: CacheClient, behind before: Int)
    /// What CLIENT SETNAME has called it; empty for nothing.
    func name(of client: CacheClient) -> [UInt8]
    /// Since it has last sent something.
    func idleNanoseconds(of client: CacheClient) -> UInt64
    /// A line about it as of CLIENT LIST, without a line break.
    func description(of client: CacheClient) -> String
}

extension CacheFront {
    /// For a front whose clients' next requests come by themselves.
    public func waitEnded(_ client: CacheClient) {}
    public func replied(_ client: CacheClient, behind before: Int) {}
    public func name(of client: CacheClient) -> [UInt8] { [] }
    public func idleNanoseconds(of client: CacheClient) -> UInt64 { 0 }
    public func description(of client: CacheClient) -> String { "" }
}

/// A command for the front, valid during the call.
public struct FrontCommand {
    /// In lower case: `auth`, `hello`, `client`, …
    public let name: StaticString
    public let arguments: UnsafeMutablePointer<Bytes>
    public let count: Int
    public let reply: ReplyWriter
}
