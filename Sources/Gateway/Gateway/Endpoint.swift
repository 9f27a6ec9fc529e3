import CacheEmulator
import EventLoop
import QueueEmulator
import RESPWire

/// One stable address: its listener, who may use it, who serves it, and the clients that are connected.
final class Endpoint {
    /// Clients that wait for an upstream; more are refused.
    private static let mostHeld = 1024

    let loop: any EventLoop
    var listener: (any Listener)?
    var grants = Grants() { didSet { nameAttachments() } }
    private(set) var upstream: Upstream?
    /// Parses the requests of all sessions here, one read at a time.
    let batch = RequestBatch()
    /// The same within a script, while `batch` holds the requests behind it.
    private(set) lazy var batchWithinScript = RequestBatch()
    private(set) var redisSessions: [UInt64: RedisSession] = [:]
    private(set) var queueConnections: [UInt64: Connection] = [:]
    private(set) var queueClients: [UInt64: QueueClient] = [:]
    /// Nobody will serve it before a person has acted: who comes is told so at once.
    private var hasFailed = false
    /// Who waits for an upstream.
    private(set) var held: [UInt64: Connection] = [:]
    /// Nil but while the upstream is being exchanged under its clients; `Endpoint+Handover`.
    @exclusivity(unchecked) var handover: Handover?
    /// To the target of a handover, where scripts are to be put into its cache.
    var loader: ServerDialogue?
    /// To the present upstream where that is a server.
    private var dialogue: ServerDialogue?
    /// Of the present upstream's cursors.
    private(set) var scanEpoch = ScanEpoch.random()
    var scripts = ScriptCache()
    /// Who notes what clients ask; mostly nobody.
    var recorder: CommandRecorder?
    /// Who notes what is changed; mostly nobody.
    var watches: [ChangeNotes] = []
    /// What is to go wrong here; `Endpoint+Faults`.
    @exclusivity(unchecked) var faults = FaultTable()
    /// Connections whose bytes faults hold up.
    var shaped: [UInt64: ShapedClient] = [:]
    /// All sessions go on at another upstream at once; the connections that they leave are closed a few at a time.
    var isAdopting = false
    var left: [Connection] = []
    private var lastClientID: Int64 = 0
    private var lastWait: UInt64 = 0
    /// Taken since the endpoint was opened.
    @exclusivity(unchecked) var requests: UInt64 = 0
    private var retiredUnsupported: [String: Int] = [:]
    /// By holder of a grant, of clients that are gone; `CommandUse`.
    var usedCommands: [String: Set<String>] = [:]

    /// How long a client waits for an upstream, in nanoseconds; then it is told so, where its protocol can tell.
    private let longestHold: UInt64

    init(loop: any EventLoop, longestHold: Duration) {
        self.loop = loop
        self.longestHold = UInt64(longestHold / .nanoseconds(1))
    }

    func accept(_ connection: Connection) -> (any ConnectionHandler)? {
        faults.isEmpty ? admit(connection) : acceptUnderFaults(connection)
    }

    func admit(_ connection: Connection) -> any ConnectionHandler {
        guard let upstream, handover?.holdsClients != true else { return hold(connection) }
        let handler = serve(connection, by: upstream)
        if let handover { redisSessions[connection.id]?.prepare(for: handover.target) }
        return handler
    }

    private func hold(_ connection: Connection) -> any ConnectionHandler {
        guard held.count < Self.mostHeld, !hasFailed else {
            sayNotReady(connection)
            return RefusedClient()
        }
        held[connection.id] = connection
        loop.schedule(after: longestHold) { [weak self, weak connection] in
            if let connection { self?.giveUp(connection) }
        }
        return HeldClient(endpoint: self)
    }

    private func giveUp(_ connection: Connection) {
        guard held.removeValue(forKey: connection.id) != nil else { return }
        sayNotReady(connection)
    }

    /// Until an upstream is named.
    func fail() {
        hasFailed = upstream == nil
        for connection in Array(held.values) where hasFailed { giveUp(connection) }
    }

    private func sayNotReady(_ connection: Connection) {
        if !grants.isEmpty {
            ReplyWriter(connection.output, version: 2).error(
                hasFailed
                    ? "LOADING the resource behind this endpoint has failed, see 'broker status'"
                    : "LOADING the resource behind this endpoint is not ready")
        }
        connection.closeAfterFlush()
    }

    private func serve(_ connection: Connection, by upstream: Upstream) -> any ConnectionHandler {
        switch upstream {
        case .queue(let emulator):
            queueConnections[connection.id] = connection
            let session = QueueSession(emulator: emulator.value, connection: connection)
            let client = QueueClient(session, connection, endpoint: self)
            queueClients[connection.id] = client
            look(client)
            return client
        case .cache(let emulator) where !emulator.value.mayConnect():
            ReplyWriter(connection.output, version: 2).error("ERR max number of clients reached")
            connection.closeAfterFlush()
            return RefusedClient()
        case .cache, .redisServer:
            lastClientID += 1
            let session = RedisSession(connection: connection, id: lastClientID, endpoint: self, upstream: upstream)
            redisSessions[connection.id] = session
            look(session)
            return session
        }
    }

    func begin(_ beginning: EndpointBeginning) {
        if let grant = beginning.grant {
            if beginning.admitsAll { grants.admitAll(as: grant) } else { grants.add(grant) }
        }
        if let upstream = beginning.upstream { _ = route(to: upstream, closesHeld: false) }
    }

    /// Exchanges the upstream. Who is connected to the former one is closed at its next reply boundary.
    func route(to upstream: Upstream?, closesHeld: Bool) -> Int {
        abandonHandover()
        for watch in watches where upstream.map({ !watch.isOf($0) }) ?? true { watch.isBroken = true }
        exchange(upstream)
        let sessions = Array(redisSessions.values)
        let connections = Array(queueConnections.values)
        for session in sessions { session.closeAtBoundary() }
        for connection in connections { connection.closeAfterFlush() }
        let waiting = Array(held.values)
        if closesHeld {
            held = [:]
            for connection in waiting { connection.close() }
        } else {
            serveHeld()
        }
        return sessions.count + connections.count
    }

    /// Names another upstream; nobody is told.
    func exchange(_ upstream: Upstream?) {
        retireUnsupported()
        self.upstream = upstream
        hasFailed = false
        nameAttachments()
        scanEpoch.advance()
        if case .cache(let emulator) = upstream { emulator.value.scanEpoch = scanEpoch }
        dialogue?.close()
        dialogue = nil
    }

    /// Tells the emulators that serve, or are about to, who may come in: those are users of the resource.
    func nameAttachments() {
        for upstream in [upstream, handover?.target] {
            if case .cache(let emulator)? = upstream { emulator.value.setAttachments(grants.attachments) }
        }
    }

    /// Lets those in that were held.
    func serveHeld() {
        guard let upstream else { return }
        let waiting = held.values.sorted { $0.id < $1.id }
        held = [:]
        for connection in waiting {
            let handler = serve(connection, by: upstream)
            if let shaped = shaped[connection.id] { shaped.inner = handler } else { connection.handler = handler }
            // What it has sent meanwhile is delivered now.
            connection.pauseReading()
            connection.resumeReading()
        }
    }

    var heldCount: Int { held.count }

    func dialogue(with server: Upstream.RedisServer) -> ServerDialogue {
        if let dialogue { return dialogue }
        let made = ServerDialogue(server: server, loop: loop)
        dialogue = made
        return made
    }

    /// The place of a request that blocks among all that ever did.
    func nextWait() -> UInt64 {
        lastWait += 1
        return lastWait
    }

    /// What the server calls a client that waits there in a command that blocks; nil where it does not.
    func serverID(ofBlocked id: Int64) -> Int64? {
        let session = redisSessions.values.first { $0.id == id }
        guard case .relay(let relay)? = session?.upstream, relay.blocked != nil else { return nil }
        return relay.serverID
    }

    func revoke(holder: String) -> Int {
        grants.remove(holder: holder)
        usedCommands[holder] = nil
        let sessions = redisSessions.values.filter { $0.grant?.holder == holder }
        for session in sessions { session.closeAtBoundary() }
        return sessions.count
    }

    func gone(_ connection: Connection) {
        redisSessions[connection.id] = nil
        queueConnections[connection.id] = nil
        queueClients[connection.id] = nil
        held[connection.id] = nil
        shaped[connection.id] = nil
        stepEnded(connection.id, nil)
    }

    var statistics: EndpointStatistics {
        EndpointStatistics(
            connections: redisSessions.count + queueConnections.count + held.count, requests: requests,
            unsupported: retiredUnsupported.merging(currentUnsupported, uniquingKeysWith: +))
    }

    private var currentUnsupported: [String: Int] {
        switch upstream {
        case .cache(let emulator): emulator.value.unsupported
        case .queue(let emulator): emulator.value.unknownCommands
        case .redisServer, nil: [:]
        }
    }

    /// What the former emulator has counted is kept: a swap must not hide it.
    private func retireUnsupported() {
        retiredUnsupported.merge(currentUnsupported, uniquingKeysWith: +)
    }
}

/// A client that waits for an upstream: what it sends is kept, up to a bound, and its end is noticed.
private final class HeldClient: ConnectionHandler {
    private static let mostKept = 64 << 10
    /// Outlives its place in the table while the last of its clients are told to go.
    private let endpoint: Endpoint

    init(endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        if bytes.count >= Self.mostKept { connection.pauseReading() }
        return 0
    }

    /// Nobody is there to be served later; what was asked was not done.
    func inputEnded(on connection: Connection) {
        connection.close()
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        endpoint.gone(connection)
    }
}

/// A client for whom there is no room: it is told so, and closed.
final class RefusedClient: ConnectionHandler {
    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int { bytes.count }
    func closed(_ connection: Connection, because reason: CloseReason) {}
}
