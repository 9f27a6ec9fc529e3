import EventLoop
import RESPWire

/// What CLIENT TRACKING ON has set for one client.
struct ClientTracking {
    /// Whom the messages go to; 0 for the client itself.
    var redirect: Int64 = 0
    var isBroadcast = false
    var isOptIn = false
    var isOptOut = false
    var skipsOwn = false
    /// Of a broadcast: no prefix stands for all keys.
    var prefixes: [[UInt8]] = []
    /// CLIENT CACHING was called for the next command.
    var isCachingGiven = false
    /// The client that the messages went to is gone.
    var isBroken = false

    /// The command that sets all of it.
    var words: [[UInt8]] {
        var words = ["CLIENT", "TRACKING", "ON"]
        if redirect != 0 { words += ["REDIRECT", "\(redirect)"] }
        if isBroadcast { words.append("BCAST") }
        if isOptIn { words.append("OPTIN") }
        if isOptOut { words.append("OPTOUT") }
        if skipsOwn { words.append("NOLOOP") }
        // The empty prefix is that of who has named none.
        let named = prefixes.filter { !$0.isEmpty }.flatMap { [Array("PREFIX".utf8), $0] }
        return words.map { Array($0.utf8) } + named
    }
}

/// Which client has read which key, so that it can be told when the key changes: the first time only, as from then on it
/// does not keep it. Keys count by their names, in whatever database, as in Redis.
struct TrackingTable {
    private(set) var readers: [[UInt8]: Set<Int64>] = [:]
    /// Pairs of a key and a reader.
    private(set) var items = 0
    /// More keys than this are not kept (`tracking-table-max-keys`).
    var most = 1_000_000
    /// The clients that track.
    private(set) var clients: [Int64: CacheClient] = [:]
    /// What changed since the last broadcast, and by whom it did last.
    private(set) var changed: [[UInt8]: Int64] = [:]
    var isBroadcastScheduled = false
    /// For the client whose command runs: told behind its reply. Nil for everything.
    var pending: [[UInt8]?] = []
    /// A list from which somebody who waited is served: the next change of it was told when the element came.
    var untold: [UInt8]?

    /// What was read is dropped when it changes, also while nobody tracks for now.
    @inline(__always) var isOn: Bool { !clients.isEmpty || !readers.isEmpty }
    /// Different prefixes of all who have asked for some.
    var prefixCount: Int { Set(clients.values.flatMap { $0.tracking?.prefixes ?? [] }).count }
    /// Somebody is told of keys that he has not read.
    private(set) var broadcasters = 0

    mutating func add(_ client: CacheClient) {
        if clients.updateValue(client, forKey: client.id) == nil { countBroadcast(client, 1) }
    }

    /// What it has read stays known until those keys change: it may track again, and hears of them then.
    mutating func remove(_ client: CacheClient) {
        guard clients.removeValue(forKey: client.id) != nil else { return }
        countBroadcast(client, -1)
    }

    /// A client is gone for good. With the last one that tracks all is forgotten.
    mutating func forget(_ client: CacheClient) {
        let hasTracked = client.tracking != nil
        remove(client)
        if hasTracked, clients.isEmpty { self = TrackingTable(most: most) }
    }

    init(most: Int = 1_000_000) {
        self.most = most
    }

    private mutating func countBroadcast(_ client: CacheClient, _ step: Int) {
        if client.tracking?.isBroadcast == true { broadcasters += step }
    }

    /// How many keys are forgotten at once where there are too many.
    private static let forgottenAtOnce = 100

    /// Notes a reader; returns the keys that are forgotten for it where there are too many, with their readers.
    mutating func note(_ key: [UInt8], readBy id: Int64) -> [(key: [UInt8], readers: Set<Int64>)] {
        if readers[key, default: []].insert(id).inserted { items += 1 }
        guard readers.count > most else { return [] }
        let many = min(readers.count - most, Self.forgottenAtOnce)
        let others = readers.keys.lazy.filter { $0 != key }.prefix(many)
        return Array(others).map { ($0, take($0) ?? []) }
    }

    /// Forgets who has read a key.
    mutating func take(_ key: [UInt8]) -> Set<Int64>? {
        guard let ids = readers.removeValue(forKey: key) else { return nil }
        items -= ids.count
        return ids
    }

    mutating func takeAll() {
        readers = [:]
        items = 0
    }

    mutating func noteChange(_ key: [UInt8], by id: Int64) {
        changed[key] = id
    }

    /// In the order of the alphabet, as Redis keeps them.
    mutating func takeChanged() -> [(key: [UInt8], by: Int64)] {
        defer { changed = [:] }
        return changed.map { (key: $0.key, by: $0.value) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}

extension CacheEmulator {
    // MARK: what happens

    /// A key is another one now. `isOwn`: by a command, of the client that runs; else its time was over, or it had to go.
    @inline(never)
    func trackChange(of key: Bytes, isOwn: Bool) {
        let name = key.array
        if isOwn, tracking.untold == name {
            tracking.untold = nil
            return
        }
        if tracking.broadcasters > 0 {
            tracking.noteChange(name, by: isOwn ? current?.id ?? 0 : 0)
            if current == nil { broadcastSoon() }
        }
        guard let ids = tracking.take(name) else { return }
        invalidate(name, for: ids)
    }

    private func invalidate(_ key: [UInt8], for ids: Set<Int64>) {
        for id in ids.sorted() {
            guard let client = tracking.clients[id], let options = client.tracking, !options.isBroadcast else {
                continue
            }
            if client === current {
                if !options.skipsOwn { tracking.pending.append(key) }
            } else {
                send([key], about: client)
            }
        }
    }

    /// All keys of a database are gone. Who tracks is told to forget everything.
    func trackFlush() {
        guard tracking.isOn else { return }
        tracking.takeAll()
        for client in tracking.clients.values.sorted(by: { $0.id < $1.id }) {
            if client === current { tracking.pending.append(nil) } else { send(nil, about: client) }
        }
    }

    /// Notes the keys that a command has read, for who tracks them. A script reads for who runs it, and what that one has
    /// named counts, as in Redis.
    func trackReading(_ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient)
    {
        guard let reader = client.id == 0 ? current : client, let options = reader.tracking, !options.isBroadcast,
            command.flags.contains(.readonly), !command.flags.contains(.pubsub), !command.runsScript,
            !(options.isOptIn && !options.isCachingGiven), !(options.isOptOut && options.isCachingGiven)
        else { return }
        var (keys, arguments, count) = (command.keys, arguments, count)
        if client.id == 0 {
            guard let script = scriptCall else { return }
            (keys, arguments, count) = (script.row.pointee.keys, script.arguments, script.count)
        }
        guard let places = keys.places(arguments, count) else { return }
        for place in places {
            for (key, readers) in tracking.note(arguments[place].array, readBy: reader.id) {
                invalidate(key, for: readers)
            }
        }
    }

    /// Behind its reply, what the client has changed itself.
    func sendPending(to client: CacheClient) {
        guard !tracking.pending.isEmpty else { return }
        let pending = tracking.pending
        tracking.pending = []
        if client.tracking != nil { for key in pending { send(key.map { [$0] }, about: client) } }
    }

    /// Behind a command: what its own client is to be told, and whether CLIENT CACHING was for it.
    func trackingCommandEnded(_ command: Command, _ client: CacheClient) {
        sendPending(to: client)
        guard client.tracking?.isCachingGiven == true, client.transaction == nil else { return }
        let name = command.container ?? command.name
        if name.description != "client" { client.tracking?.isCachingGiven = false }
    }

    /// Tells who has asked for prefixes what has changed.
    func broadcastChanges() {
        guard !tracking.changed.isEmpty else { return }
        let changed = tracking.takeChanged()
        for client in tracking.clients.values.sorted(by: { $0.id < $1.id }) {
            guard let options = client.tracking, options.isBroadcast else { continue }
            for prefix in options.prefixes {
                let keys = changed.filter { key, by in
                    key.starts(with: prefix) && !(options.skipsOwn && by == client.id)
                }
                if !keys.isEmpty { send(keys.map(\.key), about: client) }
            }
        }
    }

    private func broadcastSoon() {
        guard !tracking.isBroadcastScheduled else { return }
        tracking.isBroadcastScheduled = true
        later {
            $0.tracking.isBroadcastScheduled = false
            $0.broadcastChanges()
        }
    }

    // MARK: messages

    private static let channel: StaticString = "__redis__:invalidate"

    /// Tells that keys, or all (nil), are not to be used any more, to whom the tracking client has named.
    private func send(_ keys: [[UInt8]]?, about client: CacheClient) {
        guard let options = client.tracking else { return }
        var target = client
        if options.redirect != 0 {
            guard let other = clients[options.redirect] else { return redirectIsBroken(client, options.redirect) }
            target = other
        }
        guard !target.isDropped else { return }
        let before = target.connection.output.count
        defer {
            target.keepMessage(from: before)
            checkOutput(of: target)
        }
        let writer = target.writer
        if target.version == 3 {
            writer.push(2)
            writer.bulk("invalidate")
        } else {
            guard options.redirect != 0, target.subscriptionCount + target.shardChannelCount > 0 else { return }
            writer.push(3)
            writer.bulk("message")
            writer.bulk(Self.channel)
        }
        // The form of "everything" is that of the tracking client, as in Redis.
        guard let keys else { return ReplyWriter(target.connection.output, version: client.version).null() }
        writer.array(keys.count)
        for key in keys { key.withBytes { writer.bulk($0) } }
    }

    private func redirectIsBroken(_ client: CacheClient, _ redirect: Int64) {
        client.tracking?.isBroken = true
        guard client.version == 3 else { return }
        let before = client.connection.output.count
        client.writer.push(2)
        client.writer.bulk("tracking-redir-broken")
        client.writer.integer(redirect)
        client.keepMessage(from: before)
    }

    /// Tells a client that has come from elsewhere to use nothing of what it keeps.
    func forgetEverythingKept(_ client: CacheClient) {
        send(nil, about: client)
    }
}
