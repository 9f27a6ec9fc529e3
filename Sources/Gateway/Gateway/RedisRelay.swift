import EventLoop
import RESPWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A session's way to a real server: one connection of its own, opened with the first command that needs it.
///
/// Requests and replies pass as they come. Both directions are framed, so that it is known at any moment which replies
/// are awaited and whether one is half-sent: only then can the session answer for itself, close without harm, or be
/// moved to another server. What the client has set up here is `tracker.state`.
final class RedisRelay {
    /// Above this many bytes that the server does not take, the client is not read.
    static let outputLimit = 1 << 20
    /// So much is read of what waits behind a command that blocks.
    private static let mostHeld = 64 << 10
    private static let connectTimeout = Duration.seconds(5)
    /// How long a connection waits before it is tried again, in nanoseconds.
    private static let connectRetry: UInt64 = 2_000_000

    unowned let session: RedisSession
    let server: Upstream.RedisServer
    let loop: any EventLoop

    private(set) var link: Connection?
    /// Tells the attempt to connect that counts from one that was given up.
    private var attempt = 0
    private var linkHandler: RelayLink?
    private(set) var linkState = LinkState.idle
    var tracker = ReplyTracker()
    /// Whose user the connection is; nil for the broker's.
    var ownHolder: String?
    var use = CommandUse()
    /// The request that is being taken went to the server.
    var wasForwarded = false
    /// Filled while somebody watches; `ChangeWatch`.
    var changes = OpenChanges()
    /// A large request of which the server has the beginning: what follows is passed on as it comes.
    var passing: RequestRemainder?
    /// Commands of the relay's own that wait for its end.
    private var delayed: [(words: [[UInt8]], purpose: ReplyTracker.Purpose)] = []
    /// The number of the connection at the server; nil where it does not tell.
    private(set) var serverID: Int64?
    /// The command that blocks, as long as its reply is awaited.
    var blocked: BlockedRequest?
    /// The client's requests wait until every reply is in.
    private(set) var isHolding = false
    var isClosing = false
    /// How far it is with being handed over; `RedisRelay+Handover`.
    var handover = HandoverState.none
    /// A command that blocks and was given up, to be asked again.
    var cancelled: BlockedRequest?
    /// The server was asked to give it up and has not answered yet.
    var isCancelAsked = false
    /// What is to be restored as soon as the link is ready.
    var awaitedState: RESPSessionState?

    enum LinkState: Equatable {
        case idle
        case connecting
        /// Connected; the replies to the log-in are awaited.
        case loggingIn
        case ready
        case failed
    }

    init(session: RedisSession, server: Upstream.RedisServer, loop: any EventLoop) {
        self.session = session
        self.server = server
        self.loop = loop
    }

    var version: UInt8 {
        get { tracker.state.version }
        set { tracker.state.version = newValue }
    }

    var writer: ReplyWriter { ReplyWriter(session.connection.output, version: version) }

    var isInTransaction: Bool { tracker.state.transaction != nil }

    /// No reply is awaited and none is half-sent: the session may speak for itself.
    var isQuiet: Bool { tracker.isQuiet && passing == nil }

    /// Takes everything back to how a fresh connection is: a new link will be opened.
    func reset() { dropLink() }

    // MARK: forwarding

    var canForward: Bool {
        switch linkState {
        case .ready:
            guard let link else { return false }
            if link.output.count < Self.outputLimit { return true }
            session.connection.pauseReading()
            return false
        case .idle:
            open()
            return false
        case .connecting, .loggingIn: return false
        case .failed: return true
        }
    }

    /// Sends a request whose reply is the client's; false when it has to wait.
    func forward(_ raw: UnsafeRawBufferPointer, _ expect: (inout ReplyTracker) -> Void) -> Bool {
        guard canForward else { return false }
        guard let link, linkState == .ready else { return true }
        wasForwarded = true
        link.output.append(raw)
        switch tracker.state.replies {
        case .on: expect(&tracker)
        case .off: silence(expect)
        case .skipping:
            tracker.state.replies = .on
            silence(expect)
        case .skipNext: tracker.state.replies = .skipping
        }
        return true
    }

    private func silence(_ expect: (inout ReplyTracker) -> Void) {
        tracker.isSilencing = true
        expect(&tracker)
        tracker.isSilencing = false
    }

    /// Sends a command of the relay's own.
    func send(_ words: [[UInt8]], for purpose: ReplyTracker.Purpose) {
        guard let link else { return }
        guard passing == nil else { return delayed.append((words, purpose)) }
        tracker.expect(.own(purpose))
        Self.append(words, to: link.output)
    }

    func send(_ words: String..., for purpose: ReplyTracker.Purpose) {
        send(words.map { Array($0.utf8) }, for: purpose)
    }

    /// The request that was passed on has ended.
    func sendDelayed() {
        let waiting = delayed
        delayed = []
        for (words, purpose) in waiting { send(words, for: purpose) }
    }

    static func append(_ words: [[UInt8]], to output: ByteOutput) {
        let writer = ReplyWriter(output, version: 2)
        writer.array(words.count)
        for word in words { word.withBytes { writer.bulk($0) } }
    }

    /// What the client asked for inside MULTI and did not get: the server is made to refuse its EXEC, as it does after a
    /// command that it refuses itself.
    func abortTransaction() {
        tracker.state.transaction?.isAborted = true
        send("GET", for: .abortion)  // its arity is wrong
    }

    func hold() {
        isHolding = true
        // A client that is blocked may stay so for ever: only who reads notices that it goes.
        if blocked == nil { session.connection.pauseReading() }
    }

    /// After a read: the client is read on behind a command that blocks, but not without end.
    func heldBack(_ bytes: Int) {
        if isHolding, bytes >= Self.mostHeld { session.connection.pauseReading() }
    }

    func sendHello() {
        tracker.sentVersion = version
        send("HELLO", "\(version)", for: .hello)
    }

    // MARK: the link

    func open() {
        linkState = .connecting
        if handover.isServing { session.connection.pauseReading() }
        connect(until: loop.now + UInt64(Self.connectTimeout / .nanoseconds(1)))
    }

    private func connect(until deadline: UInt64) {
        attempt += 1
        let attempt = attempt
        loop.connect(to: server.address, timeout: Self.connectTimeout) { [weak self] result in
            guard let self, linkState == .connecting, attempt == self.attempt else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            switch result {
            case .success(let connection): connected(connection)
            // More clients came at once than the server's queue of new connections holds (unix(7)): it takes more soon.
            case .failure(let error) where error.errno == EAGAIN && loop.now < deadline:
                loop.schedule(after: Self.connectRetry) { [weak self] in
                    guard let self, linkState == .connecting, attempt == self.attempt else { return }
                    connect(until: deadline)
                }
            case .failure(let error): fail("the server behind this resource cannot be reached: \(error.reason)")
            }
        }
    }

    private func connected(_ connection: Connection) {
        let handler = RelayLink(relay: self)
        link = connection
        linkHandler = handler
        connection.handler = handler
        connection.highWater = Self.outputLimit
        linkState = .loggingIn
        if let secret = server.secret {
            let words = ["AUTH"] + (server.user.map { [$0] } ?? []) + [secret]
            send(words.map { Array($0.utf8) }, for: .logIn)
        }
        if let database = server.database, database != 0 { send("SELECT", "\(database)", for: .logIn) }
        send("CLIENT", "ID", for: .identity)
        becomeOwnUser()
        if version == 3 { sendHello() }
    }

    private func loggedIn() {
        linkState = .ready
        if isClosing { return finishClosing() }
        guard handover.isServing else { return linkIsReady() }
        session.connection.resumeReading()
    }

    /// Bytes from the server.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while let event = tracker.next(bytes, from: &position) {
            switch event {
            case .pass(let begin): pass(UnsafeRawBufferPointer(rebasing: bytes[begin..<position]))
            case .passWithheld(let reply): reply.withUnsafeBytes { pass($0) }
            case .own(let purpose, let reply): if !answered(purpose, reply) { return bytes.count }
            case .cancelled: wasCancelled()
            case .databaseUnknown: send("CLIENT", "INFO", for: .information)
            case .transactionRefused: changes.execute()
            case .malformed:
                fail("the server behind this resource answered what is no reply")
                return bytes.count
            }
        }
        afterReplies()
        return bytes.count
    }

    /// A reply to a command of the relay; false when the link is lost with it.
    private func answered(_ purpose: ReplyTracker.Purpose, _ reply: [UInt8]) -> Bool {
        let isError = reply.first == UInt8(ascii: "-")
        switch purpose {
        case .logIn where isError, .restore where isError:
            fail("the server behind this resource refused the broker: \(Self.line(reply, from: 1))")
            return false
        case .hello where isError && linkState == .loggingIn:
            fail("the server behind this resource refused the broker: \(Self.line(reply, from: 1))")
            return false
        case .ownLogIn:
            let words = Self.line(reply, from: 1)
            guard !isError || words.hasPrefix("WRONGPASS") else {
                fail("the server behind this resource refused the broker: \(words)")
                return false
            }
            if isError { makeOwnUser() }
        case .identity: serverID = isError ? nil : Int64(Self.line(reply, from: 1))
        case .information: if let database = Self.database(in: reply) { tracker.state.database = database }
        case .logIn, .hello, .sentinel, .restore, .queue, .monitor, .abortion: break
        }
        if linkState == .loggingIn, tracker.isQuiet { loggedIn() }
        return true
    }

    private static func line(_ reply: [UInt8], from: Int) -> String {
        String(decoding: reply.dropFirst(from).prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    }

    /// The number behind `db=` in the answer to CLIENT INFO.
    private static func database(in reply: [UInt8]) -> Int? {
        let fields = String(decoding: reply, as: UTF8.self).split { $0 == " " || $0.isNewline }
        return fields.first { $0.hasPrefix("db=") }.flatMap { Int($0.dropFirst(3)) }
    }

    private func afterReplies() {
        if session.connection.output.count >= Self.outputLimit, !tracker.isMuted {
            session.connection.tellsDrained = true
            link?.pauseReading()
        }
        if session.faults != nil, cutIsOver() { return }
        if isClosing, isCut { return finishClosing() }
        settleChanges()
        guard isQuiet, linkState == .ready || linkState == .failed else { return }
        blocked = nil
        if isClosing { return finishClosing() }
        guard handover.isServing else { return becameQuiet() }
        if isHolding { release() }
    }

    /// What was held is delivered again.
    func release() {
        isHolding = false
        session.connection.pauseReading()
        session.connection.resumeReading()
    }

    func linkDrained() {
        if passing != nil || !isHolding && handover.isServing { session.connection.resumeReading() }
    }

    func linkClosed() {
        loseChanges()
        link = nil
        linkHandler = nil
        let (wasServing, wasLoggingIn) = (linkState != .failed, linkState == .loggingIn)
        linkState = .failed
        guard session.connection.isOpen, wasServing else { return }
        if handover.isAhead { return restoreFailed("the server closed the connection") }
        // It was opened for a request, which waits.
        if wasLoggingIn { writer.error("ERR the server behind this resource closed the connection") }
        session.connection.closeAfterFlush()
        if handover != .none { becameQuiet() }
    }

    private func fail(_ why: String) {
        let isAtBoundary = tracker.isAtBoundary
        let isAhead = handover.isAhead
        dropLink()
        linkState = .failed
        guard session.connection.isOpen else { return }
        if isAhead { return restoreFailed(why) }
        if isAtBoundary { writer.error("ERR \(why)") }
        session.connection.closeAfterFlush()
        if handover != .none { becameQuiet() }
    }

    func dropLink() {
        loseChanges()
        let old = link
        link = nil
        linkHandler?.relay = nil
        linkHandler = nil
        tracker = ReplyTracker()
        passing = nil
        delayed = []
        blocked = nil
        isHolding = false
        serverID = nil
        ownHolder = nil
        linkState = .idle
        if let old { session.endpoint.close(old) }
    }

    // MARK: the client

    func clientOutputDrained() {
        link?.resumeReading()
    }

    func clientGone() {
        dropLink()
        linkState = .failed
    }

    /// The client is about to be closed otherwise: nothing more is awaited for it.
    func leaveServer() {
        dropLink()
        linkState = .failed
        if handover != .none { becameQuiet() }
    }
}
