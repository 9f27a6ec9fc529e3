import CacheEmulator
import EventLoop
import RESPWire

/// The front of every client of class `redis`: it knows who the client is, and hands commands to an upstream.
///
/// AUTH, HELLO, RESET, QUIT and CLIENT are answered here for emulator and real server alike, so that neither decides who is
/// who and an exchange of the upstream changes none of it. ACL is an emulator's own; before a server it is answered here.
final class RedisSession: ConnectionHandler, CacheFront {
    let connection: Connection
    /// The number that CLIENT ID answers: unique in the endpoint, whatever serves it.
    let id: Int64
    let endpoint: Endpoint
    let connectedAt: UInt64
    @exclusivity(unchecked) var upstream: SessionUpstream
    /// Who is to serve the session, as long as it is being moved.
    var next = SessionUpstream.none
    /// No request is taken: an emulator is being left.
    @exclusivity(unchecked) var isPaused = false
    /// Since when a request waits for the move to end; nil when none has come.
    var waitsSince: UInt64?
    /// What the client waited in when an emulator was to be left, or is to wait in at an emulator: asked again when it is
    /// known where.
    var suspended: BlockedRequest?
    /// Why what the client waits in cannot be moved: the emulator cannot be left before that is over.
    var pinned: String?
    /// The place of the request in which the client waits at an emulator.
    var emulatorWait: UInt64 = 0
    /// So much is read of what waits behind a command that blocks.
    private static let mostHeld = 64 << 10
    /// So many bytes of replies are kept for a client that does not take them, and it is read on meanwhile: client libraries
    /// send whole pipelines before they read. Beyond that it is not read until it has taken them all.
    private static let mostUnread = 128 << 20
    private static let mostUnreadByAll = 256 << 20
    private static let mostInATurn = 64 << 10
    private static let mostRequestsInATurn = 512
    /// The same of one that has not said who it is.
    private static let mostUnreadByStrangers = 64 << 10
    /// Who the client has shown to be.
    @exclusivity(unchecked) var grant: Grant? {
        willSet { if let grant, grant.holder != newValue?.holder { endpoint.keepUse(of: self) } }
        didSet {
            isAuthenticated = grant != nil
            endpoint.identified(self)
            boundOutput()
        }
    }
    @exclusivity(unchecked) private(set) var isAuthenticated = false
    /// CLIENT NO-EVICT
    var isSpared = false
    /// CLIENT SETNAME and SETINFO.
    var name: [UInt8] = [] { didSet { endpoint.identified(self) } }
    var library: [UInt8] = []
    var libraryVersion: [UInt8] = []
    @exclusivity(unchecked) private(set) var lastActive: UInt64
    @exclusivity(unchecked) var isEnding = false
    @exclusivity(unchecked) var partial = PartialRequest()
    /// Nil while no fault of the endpoint's is of commands, and none has left anything; `RedisSession+Faults`.
    @exclusivity(unchecked) var faults: SessionFaults?
    /// Faults that choose clients, and have met this one.
    var metFaults: Set<FaultID> = []

    init(connection: Connection, id: Int64, endpoint: Endpoint, upstream: Upstream) {
        self.connection = connection
        self.id = id
        self.endpoint = endpoint
        connectedAt = endpoint.loop.now
        lastActive = endpoint.loop.now
        self.upstream = .none
        grant = endpoint.grants.everybody
        isAuthenticated = grant != nil
        switch upstream {
        case .cache(let emulator):
            self.upstream = .emulator(emulator.value, makeClient(of: emulator.value))
        case .redisServer(let server):
            self.upstream = .relay(RedisRelay(session: self, server: server, loop: endpoint.loop))
        case .queue: preconditionFailure("an endpoint of class redis is routed to a redis upstream")
        }
        boundOutput()
    }

    private func boundOutput() {
        connection.highWater = mostUnread
    }

    /// What all clients of an endpoint leave unread is bounded, too.
    private var mostUnread: Int {
        guard isAuthenticated else { return Self.mostUnreadByStrangers }
        guard connection.output.count >= Self.mostInATurn else { return Self.mostUnread }
        let others = endpoint.redisSessions.values.reduce(0) { $0 + ($1 === self ? 0 : $1.connection.output.count) }
        return max(Self.mostInATurn, min(Self.mostUnread, Self.mostUnreadByAll - others))
    }

    func makeClient(of emulator: CacheEmulator) -> CacheClient {
        let client = CacheClient(connection: connection, id: id, isAuthenticated: isAuthenticated, front: self)
        emulator.clientConnected(client)
        emulator.logIn(client, as: grant.map(Grants.attachment))
        return client
    }

    /// Lets the present upstream go, or one that was prepared.
    func letGo(_ upstream: SessionUpstream) {
        switch upstream {
        case .emulator(let emulator, let client): emulator.clientGone(client)
        case .relay(let relay): relay.clientGone()
        case .none: break
        }
    }

    /// 2 or 3.
    var version: UInt8 {
        get {
            switch upstream {
            case .emulator(_, let client): client.version
            case .relay(let relay): relay.version
            case .none: 2
            }
        }
        set {
            switch upstream {
            case .emulator(_, let client): client.version = newValue
            case .relay(let relay): relay.version = newValue
            case .none: break
            }
        }
    }

    /// What the client's user is called: the attachment's, or one that the app has made. Nil before a log-in.
    var userName: String? {
        if case .emulator(let emulator, let client) = upstream, let made = emulator.madeUser(of: client) {
            return String(decoding: made, as: UTF8.self)
        }
        return grant?.user
    }

    // MARK: events of the connection

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        guard !isPaused else { return keepWaiting() }
        lastActive = endpoint.loop.now
        if let faults { return received(bytes, under: faults) }
        switch upstream {
        case .emulator(let emulator, let client):
            let used = client.isWaiting ? 0 : serve(bytes, emulator, client)
            if client.isReplica { emulator.heard(from: client) }
            // A client that is blocked may stay so for ever: only who reads notices that it goes.
            if client.isWaiting, bytes.count - used >= Self.mostHeld { connection.pauseReading() }
            return used
        case .relay(let relay): return serve(bytes, by: relay)
        case .none: return bytes.count
        }
    }

    func serve(_ bytes: UnsafeRawBufferPointer, by relay: RedisRelay) -> Int {
        let used = relay.serve(bytes, &partial)
        relay.heldBack(bytes.count - used)
        return used
    }

    /// What the client has sent stays where it is while it is being moved.
    func keepWaiting() -> Int {
        if waitsSince == nil { waitsSince = endpoint.loop.now }
        connection.pauseReading()
        return 0
    }

    /// A turn makes about so much for one client: what follows comes in the next one, and others are served in between.
    private func serve(_ bytes: UnsafeRawBufferPointer, _ emulator: CacheEmulator, _ client: CacheClient) -> Int {
        // How much waits for a replica is the stream's to say.
        guard !client.isReplica else { return serveTurn(bytes, emulator, client) }
        let ofTurn = connection.output.count + Self.mostInATurn
        connection.highWater = min(mostUnread, ofTurn)
        let used = serveTurn(bytes, emulator, client)
        guard !client.isReplica else { return used }
        boundOutput()
        let isCut = used < bytes.count && connection.output.count >= ofTurn && !connection.isOverHighWater
        if isCut, !client.isWaiting { deliverAgain() }
        return used
    }

    /// Of a client that does not read few requests are done in a turn: more are not taken apart.
    private var mostParsed: Int {
        guard isAuthenticated else { return 1 }
        return connection.output.count < Self.mostInATurn ? .max : 8
    }

    private func serveTurn(_ bytes: UnsafeRawBufferPointer, _ emulator: CacheEmulator, _ client: CacheClient) -> Int {
        let batch = emulator.isBusy ? endpoint.batchWithinScript : endpoint.batch
        var offset = 0
        var left = Self.mostRequestsInATurn
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let end = batch.parse(
                rest, limits: isAuthenticated ? emulator.requestLimits : .unauthenticated, partial: &partial,
                most: mostParsed)
            if batch.count > 0 {
                let done = emulator.execute(batch, from: 0, for: client)
                endpoint.requests &+= UInt64(done)
                if done > 0 { offset += batch[done - 1].end }
                if client.isEnding || isEnding {
                    emulator.clientLeaves(client)
                    connection.closeAfterFlush()
                    return bytes.count
                }
                if client.isWaiting { emulatorWait = endpoint.nextWait() }
                if done < batch.count || client.isWaiting || connection.isOverHighWater { return offset }
                left -= done
                if left <= 0 {
                    if offset < bytes.count { deliverAgain() }
                    return offset
                }
            } else {
                offset += batch.skipped
            }
            switch end {
            case .needsMore:
                guard bytes.count - offset > emulator.longestInput else { return offset }
                // As Redis, without a word: it is in the middle of a request.
                drop(client)
                return bytes.count
            case .full: break
            case .failed(let error):
                refuse(error)
                return bytes.count
            }
        }
        return offset
    }

    func idleNanoseconds(of client: CacheClient) -> UInt64 { endpoint.loop.now - lastActive }

    /// Answers bytes that are no request, and closes.
    func refuse(_ error: ProtocolError) {
        ReplyWriter(connection.output, version: 2).error(error.text)
        leave()
        connection.closeAfterFlush()
    }

    func inputEnded(on connection: Connection) {
        if let faults, outlivesInput(faults) { return }
        if case .relay(let relay) = upstream { return relay.clientInputEnded() }
        stopWaiting()
        leave()
        connection.closeAfterFlush()
    }

    func outputDrained(on connection: Connection) {
        switch upstream {
        case .relay(let relay): relay.clientOutputDrained()
        case .emulator(let emulator, let client): emulator.outputDrained(of: client)
        case .none: break
        }
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        endpoint.keepUse(of: self)
        letGo(upstream)
        letGo(next)
        upstream = .none
        next = .none
        endpoint.gone(connection)
    }

    // MARK: closing

    /// Closes when no reply is half-sent: an emulator's never is, a real server's is awaited.
    func closeAtBoundary() {
        guard !isEnding else { return }
        isEnding = true
        if case .emulator(let emulator, let client) = upstream {
            client.isEnding = true
            emulator.clientLeaves(client)
        }
        if case .relay(let relay) = upstream { return relay.closeAtBoundary() }
        stopWaiting()
        connection.closeAfterFlush()
    }

    /// A client that goes hears nothing any more.
    private func leave() {
        if case .emulator(let emulator, let client) = upstream { emulator.clientLeaves(client) }
    }

    /// A client that goes takes nothing any more.
    private func stopWaiting() {
        suspended = nil
        if case .emulator(let emulator, let client) = upstream { emulator.stopWaiting(client) }
    }

    /// It is being closed from this side: nothing that it asks is answered any more.
    var isLeaving: Bool {
        if case .emulator(_, let client) = upstream, client.isEnding { return true }
        return isEnding
    }

    func end(_ client: CacheClient) {
        connection.closeAfterFlush()
    }

    func drop(_ client: CacheClient) {
        // Taken out now, it would go from under whoever writes a reply.
        connection.pacer = Withheld()
        let bound = LoopBound(connection, on: endpoint.loop)
        endpoint.loop.post { bound.value.close() }
    }
}

/// Nothing that waits goes out any more.
private final class Withheld: OutputPacer {
    let allowsEnd = false

    func allowance(of output: ByteOutput) -> Int { 0 }
    func sent(_ count: Int, of output: ByteOutput) {}
}

/// Who serves a session.
enum SessionUpstream {
    case emulator(CacheEmulator, CacheClient)
    case relay(RedisRelay)
    /// The connection has ended.
    case none
}
