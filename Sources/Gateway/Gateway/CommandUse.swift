import CacheEmulator
import RESPWire

/// Which commands a client has sent to a server, and what the session does with the last one's: most clients send the
/// same few, one after the other.
struct CommandUse {
    /// In lower case, subcommands as `xgroup|create`, options that not every server has as `set keepttl`.
    private(set) var names: Set<String> = []
    private var seen: Set<CommandName> = []
    private var last: CommandName?
    private var rule: Interception?
    /// Of the last command, and which of them were noted.
    private var options: DatedOptions?
    private var noted: UInt32 = 0

    /// Nobody needs more to know what a client uses.
    private static let most = 512
    private static let longestSubcommand = 32

    /// Commands whose first argument says what they do.
    private static let containers = Set(
        [
            "xgroup", "xinfo", "object", "memory", "script", "function", "pubsub", "latency", "slowlog", "command",
            "config",
        ].compactMap { name in Array(name.utf8).withBytes { CommandName($0) } })

    /// Notes a command that an app may send, and returns what is to be done with it.
    mutating func note(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Interception? {
        guard let name = CommandName(arguments[0]) else { return nil }
        if name == last {
            if let options, count >= options.least { note(options, arguments, count) }
            return rule
        }
        let rule = Interception.of(name)
        (options, noted) = (DatedOptions.of(name), 0)
        if let options { note(options, arguments, count) }
        if Self.containers.contains(name) {
            if count > 1, arguments[1].count <= Self.longestSubcommand, names.count < Self.most {
                names.insert("\(name.text)|\(arguments[1].text.lowercased())")
            }
            return rule
        }
        (last, self.rule) = (name, rule)
        switch rule {
        case .refused, .answered: break
        default:
            if seen.count < Self.most, seen.insert(name).inserted { names.insert(name.text) }
        }
        return rule
    }

    private mutating func note(_ options: DatedOptions, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        let fresh = options.present(in: arguments, count) & ~noted
        guard fresh != 0 else { return }
        noted |= fresh
        names.formUnion(options.names(fresh))
    }
}

/// What a client of class `redis` is doing: what a move has to carry.
public enum ClientState: String, Sendable, CaseIterable {
    case idle
    case blocked
    case transaction = "in a transaction"
    case watching
    case subscribed
}

/// What the clients of an endpoint do, and what they have used since the daemon started.
public struct EndpointUse: Sendable {
    /// How many clients are in which state; of several states the first of those named above counts.
    public var clients: [ClientState: Int] = [:]
    /// The commands of each holder of a grant, in lower case, subcommands as `xgroup|create`.
    public var commands: [String: Set<String>] = [:]

    /// The numbers that its clients' connections have at the server behind it.
    public var serverIDs: Set<Int64> = []

    public init() {}
}

extension Endpoint {
    var use: EndpointUse {
        var use = EndpointUse()
        use.commands = usedCommands
        for session in redisSessions.values {
            use.clients[session.state, default: 0] += 1
            if case .relay(let relay) = session.upstream, let id = relay.serverID { use.serverIDs.insert(id) }
            if let holder = session.grant?.holder { use.commands[holder, default: []].formUnion(session.usedCommands) }
        }
        return use
    }

    /// Keeps what a client has used that goes, or that is somebody else from now on.
    func keepUse(of session: RedisSession) {
        guard let holder = session.grant?.holder else { return }
        usedCommands[holder, default: []].formUnion(session.usedCommands)
    }
}

extension RedisSession {
    fileprivate var state: ClientState {
        switch upstream {
        case .relay(let relay) where relay.blocked != nil: .blocked
        case .relay(let relay):
            Self.state(
                isInTransaction: relay.isInTransaction, isWatching: relay.tracker.state.isWatching,
                subscriptions: subscriptionCount)
        case .emulator(_, let client):
            Self.state(
                isInTransaction: client.queuedCount >= 0, isWatching: client.isWatching,
                subscriptions: subscriptionCount)
        case .none: .idle
        }
    }

    private static func state(isInTransaction: Bool, isWatching: Bool, subscriptions: Int) -> ClientState {
        isInTransaction ? .transaction : isWatching ? .watching : subscriptions > 0 ? .subscribed : .idle
    }

    /// Of the present upstream.
    fileprivate var usedCommands: Set<String> {
        switch upstream {
        case .emulator(_, let client): client.usedCommands
        case .relay(let relay): relay.use.names
        case .none: []
        }
    }
}
