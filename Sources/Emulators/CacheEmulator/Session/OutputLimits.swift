import EventLoop
public import RESPWire

/// How much of its replies and messages a client may leave unread before it is closed (`client-output-buffer-limit`).
///
/// A client of the class `normal` is not read from while it leaves much unread, so that a limit above that is seldom met.
struct OutputLimits: Equatable {
    /// Bytes; 0 for none.
    struct Limit: Equatable {
        var hard = 0
        /// That much for `seconds` on end.
        var soft = 0
        var seconds = 0

        var isNone: Bool { hard == 0 && soft == 0 }
    }

    var normal = Limit()
    var replica = Limit(hard: 256 << 20, soft: 64 << 20, seconds: 60)
    var pubsub = Limit(hard: 32 << 20, soft: 8 << 20, seconds: 60)

    static let classes = ["normal", "slave", "pubsub"]

    /// As CONFIG GET shows it.
    var text: String {
        zip(Self.classes, [normal, replica, pubsub]).map { "\($0) \($1.hard) \($1.soft) \($1.seconds)" }
            .joined(separator: " ")
    }

    /// Changes what the words name; nil when it could, else why not, in the words of Redis.
    mutating func change(_ text: String) -> String? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count % 4 == 0 else { return "Wrong number of arguments in buffer limit configuration." }
        var changed = self
        for index in stride(from: 0, to: words.count, by: 4) {
            guard let hard = Configuration.Kind.memory(words[index + 1]),
                let soft = Configuration.Kind.memory(words[index + 2]), let seconds = Int(words[index + 3]), hard >= 0,
                soft >= 0, (0...Int(Int32.max)).contains(seconds)
            else {
                return Self.isClass(words[index])
                    ? "Error in hard, soft or soft_seconds setting in buffer limit configuration."
                    : "Invalid client class specified in buffer limit configuration."
            }
            let limit = Limit(hard: Int(hard), soft: Int(soft), seconds: seconds)
            switch words[index].lowercased() {
            case "normal": changed.normal = limit
            case "slave", "replica": changed.replica = limit
            case "pubsub": changed.pubsub = limit
            default: return "Invalid client class specified in buffer limit configuration."
            }
        }
        self = changed
        return nil
    }

    private static func isClass(_ word: String) -> Bool {
        ["normal", "slave", "replica", "pubsub"].contains(word.lowercased())
    }
}

/// What is enforced of connections, as CONFIG has set it.
struct ConnectionLimits {
    var output = OutputLimits()
    /// `maxclients`
    var clients = 10_000
    /// `timeout`, in seconds; 0 for none.
    var idleSeconds = 0
    /// `proto-max-bulk-len`
    var bulk = Self.mostBulk
    /// More than that it never is.
    static let mostBulk = 512 << 20
    /// `client-query-buffer-limit`
    var input = 1 << 30

    init() {}

    init(_ configuration: Configuration) {
        _ = output.change(configuration["client-output-buffer-limit"])
        clients = configuration.number("maxclients")
        idleSeconds = configuration.number("timeout")
        bulk = configuration.number("proto-max-bulk-len")
        input = configuration.number("client-query-buffer-limit")
    }
}

extension CacheEmulator {
    /// What a client may ask that has said who it is.
    public var requestLimits: RequestLimits {
        RequestLimits(arguments: Int(Int32.max), bulk: connectionLimits.bulk, isAuthenticated: true)
    }

    /// More bytes than this may not wait for the end of a request.
    public var longestInput: Int { connectionLimits.input }

    /// Whether one client more may come; one that may not is counted.
    public func mayConnect() -> Bool {
        if clientCount < connectionLimits.clients { return true }
        statistics.rejectedConnections += 1
        return false
    }

    // MARK: output

    private func outputLimit(of client: CacheClient) -> OutputLimits.Limit {
        // What waits for a replica is counted where the stream is made (`Replication`).
        if client.isReplica { return OutputLimits.Limit() }
        if client.isMonitor { return connectionLimits.output.replica }
        let isSubscriber = client.subscriptionCount + client.shardChannelCount > 0
        return isSubscriber ? connectionLimits.output.pubsub : connectionLimits.output.normal
    }

    /// Closes a client that leaves more unread than it may. False when it is closed.
    @discardableResult
    func checkOutput(of client: CacheClient) -> Bool {
        let limit = outputLimit(of: client)
        let unread = client.connection.output.count
        guard !limit.isNone, client.connection.isOpen, !client.isDropped else { return !client.isDropped }
        if limit.hard > 0, unread >= limit.hard { return close(client) }
        guard limit.soft > 0, unread >= limit.soft else {
            client.softLimitSince = nil
            return true
        }
        guard let since = client.softLimitSince else {
            client.softLimitSince = loop.now
            watchConnections()
            return true
        }
        return loop.now - since <= UInt64(limit.seconds) * 1_000_000_000 || close(client)
    }

    /// From now on the time counts of those that have come over the soft limit; who is over the hard one is closed.
    func checkSubscribers() {
        let clients = channels.overLimit
        channels.overLimit = []
        for client in clients { checkOutput(of: client) }
    }

    private func close(_ client: CacheClient) -> Bool {
        client.isDropped = true
        client.front.drop(client)
        return false
    }

    // MARK: once a second

    /// Looks once a second at the clients while there is something to enforce.
    func watchConnections() {
        guard connectionTimer == nil,
            connectionLimits.idleSeconds > 0 || clients.values.contains(where: { $0.softLimitSince != nil })
        else { return }
        connectionTimer = later(after: 1_000_000_000) { $0.lookAtConnections() }
    }

    private func lookAtConnections() {
        connectionTimer = nil
        for client in Array(clients.values) {
            if client.softLimitSince != nil { checkOutput(of: client) }
            closeIfIdle(client)
        }
        watchConnections()
    }

    /// As in Redis: neither who waits nor who listens is idle.
    private func closeIfIdle(_ client: CacheClient) {
        guard connectionLimits.idleSeconds > 0, !client.isWaiting, !client.isMonitor, !client.isReplica,
            !client.isDropped,
            client.subscriptionCount + client.shardChannelCount == 0,
            client.front.idleNanoseconds(of: client) > UInt64(connectionLimits.idleSeconds) * 1_000_000_000
        else { return }
        _ = close(client)
    }
}
