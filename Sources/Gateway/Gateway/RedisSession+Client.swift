import CacheEmulator
import EventLoop
import RESPWire

/// CLIENT: what a client says and asks about connections.
extension RedisSession {
    func runClient(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        let word = arguments[1].text.lowercased()
        guard let row = Self.subcommands.first(where: { $0.name == word }) else {
            let name = arguments[1].text(upTo: 128)
            return reply.error(Array("ERR unknown subcommand '".utf8) + name + Array("'. Try CLIENT HELP.".utf8))
        }
        guard row.arity >= 0 ? count == row.arity : count >= -row.arity else {
            return reply.error("ERR wrong number of arguments for 'client|\(word)' command")
        }
        row.run(self, arguments, count, reply)
    }

    private typealias Body = @Sendable (RedisSession, UnsafeMutablePointer<Bytes>, Int, ReplyWriter) -> Void

    private static let subcommands: [(name: String, arity: Int, run: Body)] = [
        ("id", 2, { session, _, _, reply in reply.integer(session.id) }),
        ("getname", 2, { session, _, _, reply in session.replyName(reply) }),
        ("setname", 3, { session, arguments, _, reply in session.setName(arguments[2], reply) }),
        ("setinfo", 4, { session, arguments, _, reply in session.setInfo(arguments, reply) }),
        ("info", 2, { session, _, _, reply in reply.verbatim(session.description + "\n") }),
        ("list", -2, { session, arguments, count, reply in session.list(arguments, count, reply) }),
        ("kill", -3, { session, arguments, count, reply in session.kill(arguments, count, reply) }),
        ("reply", 3, { session, arguments, _, reply in session.setReplies(arguments[2], reply) }),
        ("no-evict", 3, { session, arguments, _, reply in session.setEviction(arguments[2], reply) }),
        ("getredir", 2, { session, _, _, reply in session.atEmulator(reply) { reply.integer($1.trackingRedirect) } }),
        (
            "tracking", -3,
            { session, arguments, count, reply in
                session.atEmulator(reply) { $0.track(arguments, count, for: $1, reply) }
            }
        ),
        (
            "caching", 3,
            { session, arguments, _, reply in
                session.atEmulator(reply) { $0.setCaching(arguments[2], for: $1, reply) }
            }
        ),
        ("trackinginfo", 2, { session, _, _, reply in session.atEmulator(reply) { $0.replyTracking(of: $1, reply) } }),
        ("help", 2, { _, _, _, reply in reply.help(clientHelp) }),
        ("unblock", -3, { session, arguments, count, reply in session.unblock(arguments, count, reply) }),
        ("pause", -3, { session, arguments, count, reply in session.pause(arguments, count, reply) }),
        ("unpause", 2, { session, _, _, reply in session.unpause(reply) }),
    ]

    func name(of client: CacheClient) -> [UInt8] { name }

    /// What a relay hands to its server (`RedisRelay.track`), and an emulator answers.
    private func atEmulator(_ reply: ReplyWriter, _ body: (CacheEmulator, CacheClient) -> Void) {
        guard case .emulator(let emulator, let client) = upstream else {
            return reply.error("ERR nobody serves this resource now")
        }
        body(emulator, client)
    }
    func description(of client: CacheClient) -> String { description }

    private func replyName(_ reply: ReplyWriter) {
        if name.isEmpty { reply.null() } else { name.withBytes { reply.bulk($0) } }
    }

    private func setName(_ value: Bytes, _ reply: ReplyWriter) {
        guard Self.isValidName(value) else { return reply.error(Self.invalidName) }
        name = value.array
        reply.ok()
    }

    private func setInfo(_ arguments: UnsafeMutablePointer<Bytes>, _ reply: ReplyWriter) {
        let isName = arguments[2].isWord("lib-name")
        guard isName || arguments[2].isWord("lib-ver") else {
            return reply.error("ERR Unrecognized option '\(arguments[2].text)'")
        }
        guard Self.isValidName(arguments[3]) else {
            return reply.error(
                "ERR \(arguments[2].text) cannot contain spaces, newlines or special characters.")
        }
        if isName { library = arguments[3].array } else { libraryVersion = arguments[3].array }
        reply.ok()
    }

    private func list(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        var sessions = endpoint.redisSessions.values.filter { !$0.isEnding }.sorted { $0.id < $1.id }
        if count > 2 {
            if arguments[2].isWord("type"), count == 4 {
                let type = arguments[3].text.lowercased()
                guard let isWanted = Self.isOfType(type) else {
                    return reply.error("ERR Unknown client type '\(arguments[3].text)'")
                }
                sessions = sessions.filter(isWanted)
            } else if arguments[2].isWord("id"), count > 3 {
                // In the order in which they are named, as often as they are.
                let known = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) })
                sessions = []
                for index in 3..<count {
                    guard let id = arguments[index].integer else { return reply.error("ERR Invalid client ID") }
                    if let session = known[id] { sessions.append(session) }
                }
            } else {
                return reply.error("ERR syntax error")
            }
        }
        reply.verbatim(sessions.map { $0.description + "\n" }.joined())
    }

    private func kill(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        if count == 3 {
            let address = arguments[2].text
            guard
                let victim = endpoint.redisSessions.values.first(where: {
                    !$0.isEnding && $0.connection.peerAddress == address
                })
            else { return reply.error("ERR No such client") }
            reply.ok()
            return victim.closeAtBoundary()
        }
        guard count % 2 == 0 else { return reply.error("ERR syntax error") }
        var skipsMe = true
        // Of several of a kind the last one counts.
        var filters: [String: (RedisSession) -> Bool] = [:]
        for index in stride(from: 2, to: count, by: 2) {
            let value = arguments[index + 1].text
            if arguments[index].isWord("id") {
                guard let wanted = arguments[index + 1].integer, wanted > 0 else {
                    return reply.error("ERR client-id should be greater than 0")
                }
                filters["id"] = { $0.id == wanted }
            } else if arguments[index].isWord("addr") {
                filters["addr"] = { $0.connection.peerAddress == value }
            } else if arguments[index].isWord("laddr") {
                filters["laddr"] = { $0.connection.localAddress == value }
            } else if arguments[index].isWord("user") {
                guard value == "default" || endpoint.grants.knows(user: value) || isMade(arguments[index + 1]) else {
                    return reply.error(Array("ERR No such user '".utf8) + arguments[index + 1].array + [39])
                }
                filters["user"] = { $0.userName == value }
            } else if arguments[index].isWord("type") {
                guard let isWanted = Self.isOfType(value.lowercased()) else {
                    return reply.error("ERR Unknown client type '\(value)'")
                }
                filters["type"] = isWanted
            } else if arguments[index].isWord("skipme"), ["yes", "no"].contains(value.lowercased()) {
                skipsMe = value.lowercased() == "yes"
            } else {
                return reply.error("ERR syntax error")
            }
        }
        let victims = endpoint.redisSessions.values.filter { session in
            !session.isEnding && (!skipsMe || session !== self) && filters.values.allSatisfy { $0(session) }
        }
        reply.integer(victims.count)
        for victim in victims { victim.closeAtBoundary() }
    }

    private func isMade(_ user: Bytes) -> Bool {
        guard case .emulator(let emulator, _) = upstream else { return false }
        return emulator.hasMadeUser(user.array)
    }

    private func setReplies(_ mode: Bytes, _ reply: ReplyWriter) {
        if mode.isWord("on") {
            replies = .on
            reply.ok()
        } else if mode.isWord("off") {
            replies = .off
        } else if mode.isWord("skip") {
            if replies != .off { replies = .skipNext }
        } else {
            reply.error("ERR syntax error")
        }
    }

    private var replies: ReplyMode {
        get {
            switch upstream {
            case .emulator(_, let client): client.replies
            case .relay(let relay): relay.tracker.state.replies
            case .none: .on
            }
        }
        set {
            switch upstream {
            case .emulator(_, let client): client.replies = newValue
            case .relay(let relay): relay.tracker.state.replies = newValue
            case .none: break
            }
        }
    }

    /// No client is evicted, whatever is asked for (`maxmemory-clients` is refused): CLIENT LIST tells what was.
    private func setEviction(_ mode: Bytes, _ reply: ReplyWriter) {
        guard mode.isWord("on") || mode.isWord("off") else { return reply.error("ERR syntax error") }
        isSpared = mode.isWord("on")
        reply.ok()
    }

    private func unblock(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        guard count <= 4 else {
            return reply.error(
                "ERR unknown subcommand or wrong number of arguments for '\(arguments[1].text)'. Try CLIENT HELP.")
        }
        if count == 4, !arguments[3].isWord("timeout"), !arguments[3].isWord("error") {
            return reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
        }
        guard let wanted = arguments[2].integer else {
            return reply.error("ERR value is not an integer or out of range")
        }
        // Who waits at a server is known to its relay (`RedisRelay.unblock`).
        let session = endpoint.redisSessions.values.first { $0.id == wanted }
        guard case .emulator(let emulator, let client) = session?.upstream else { return reply.integer(0) }
        let withError = count == 4 && arguments[3].isWord("error")
        reply.integer(emulator.unblock(client, withError: withError) ? 1 : 0)
    }

    private static let noPause = "ERR CLIENT PAUSE is not possible while a real server serves this resource"

    private func pause(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        guard count <= 4 else {
            return reply.error(
                "ERR unknown subcommand or wrong number of arguments for '\(arguments[1].text)'. Try CLIENT HELP.")
        }
        let isOfAll = count == 3 || arguments[3].isWord("all")
        guard isOfAll || arguments[3].isWord("write") else {
            return reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL")
        }
        guard let milliseconds = arguments[2].integer else {
            return reply.error("ERR timeout is not an integer or out of range")
        }
        guard milliseconds >= 0 else { return reply.error("ERR timeout is negative") }
        guard case .emulator(let emulator, _) = upstream else { return reply.error(Self.noPause) }
        // What is beyond the end of time is over at once, as in Redis.
        let ends = milliseconds <= Int64.max - emulator.time
        emulator.pause(milliseconds: ends ? milliseconds : 0, isOfAll: isOfAll)
        reply.ok()
    }

    private func unpause(_ reply: ReplyWriter) {
        guard case .emulator(let emulator, _) = upstream else { return reply.error(Self.noPause) }
        emulator.unpause()
        reply.ok()
    }

    /// As the filters of CLIENT LIST and KILL name it.
    var type: String { isReplica ? "replica" : subscriptionCount > 0 ? "pubsub" : "normal" }

    /// It takes a copy of an emulator.
    var isReplica: Bool {
        if case .emulator(_, let client) = upstream { client.isReplica } else { false }
    }

    private static func isOfType(_ word: String) -> ((RedisSession) -> Bool)? {
        let type = word == "slave" ? "replica" : word
        guard ["normal", "master", "replica", "pubsub"].contains(type) else { return nil }
        return { $0.type == type }
    }

    var subscriptionCount: Int {
        switch upstream {
        case .emulator(_, let client): client.subscriptionCount + client.shardChannelCount
        case .relay(let relay): relay.tracker.state.subscriptionCount
        case .none: 0
        }
    }

    /// It waits in a command that blocks.
    private var isBlocked: Bool {
        switch upstream {
        case .emulator(_, let client): client.isWaiting
        case .relay(let relay): relay.blocked != nil
        case .none: false
        }
    }

    /// About what a connection takes of which nothing waits, in bytes; `make bench BENCH="--only memory"` tells.
    private static let ownMemory = 1024

    /// One line of CLIENT LIST.
    var description: String {
        let now = endpoint.loop.now
        var (database, channels, patterns, shards, queued) = (0, 0, 0, 0, -1)
        var (command, isMonitor, tracking, redirect) = ("NULL", false, "", Int64(-1))
        var isTainted = false
        switch upstream {
        case .emulator(_, let client):
            (database, channels, patterns) = (client.database, client.channelCount, client.patternCount)
            (shards, queued) = (client.shardChannelCount, client.queuedCount)
            (command, isMonitor, tracking) = (client.lastCommandName, client.isMonitor, client.trackingFlags)
            (redirect, isTainted) = (client.trackingRedirect, client.isTainted)
        case .relay(let relay):
            let state = relay.tracker.state
            (database, channels, patterns) = (state.database, state.channels.count, state.patterns.count)
            (shards, queued, isTainted) = (state.shardChannels.count, state.transaction?.count ?? -1, state.isTainted)
        case .none: break
        }
        let flags =
            (isMonitor ? "O" : isReplica ? "S" : "") + (subscriptionCount > 0 ? "P" : "") + (queued >= 0 ? "x" : "")
            + (isBlocked ? "b" : "") + tracking + (isTainted ? "d" : "") + (isSpared ? "e" : "")
        let fields = [
            ("id", "\(id)"), ("addr", connection.peerAddress), ("laddr", connection.localAddress), ("fd", "0"),
            ("name", String(decoding: name, as: UTF8.self)), ("age", "\((now - connectedAt) / 1_000_000_000)"),
            ("idle", "\((now - lastActive) / 1_000_000_000)"), ("flags", flags.isEmpty ? "N" : flags),
            ("db", "\(database)"), ("sub", "\(channels)"), ("psub", "\(patterns)"), ("ssub", "\(shards)"),
            ("multi", "\(queued)"), ("qbuf", "\(connection.unusedInput)"), ("qbuf-free", "0"), ("argv-mem", "0"),
            ("multi-mem", "0"),
            ("rbs", "0"), ("rbp", "0"), ("obl", "\(connection.output.count)"), ("oll", "0"),
            ("omem", "\(connection.output.count)"),
            ("tot-mem", "\(Self.ownMemory + connection.unusedInput + connection.output.count)"), ("events", "r"),
            ("cmd", command),
            ("user", userName ?? "(superuser)"), ("redir", "\(redirect)"), ("resp", "\(version)"),
            ("lib-name", String(decoding: library, as: UTF8.self)),
            ("lib-ver", String(decoding: libraryVersion, as: UTF8.self)),
        ]
        return fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
    }
}
