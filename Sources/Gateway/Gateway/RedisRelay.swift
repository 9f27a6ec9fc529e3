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
/// are awaited and whether one is half-sent: only then can the session answer for itself, or close without harm.
final class RedisRelay {
    /// Above this many bytes that the server does not take, the client is not read.
    private static let outputLimit = 1 << 20
    /// So much is read of what waits behind a command that blocks.
    private static let mostHeld = 64 << 10
    private static let connectTimeout = Duration.seconds(5)
    /// How long replies are awaited for a client that is to be closed, in nanoseconds.
    private static let closeTimeout: UInt64 = 5_000_000_000
    /// How long a connection waits before it is tried again, in nanoseconds.
    private static let connectRetry: UInt64 = 2_000_000

    unowned let session: RedisSession
    let server: Upstream.RedisServer
    private let loop: any EventLoop
    var version: UInt8 = 2

    private var link: Connection?
    /// Tells the attempt to connect that counts from one that was given up.
    private var attempt = 0
    private var linkHandler: RelayLink?
    var state = LinkState.idle
    private var awaited = AwaitedReplies()
    private var framer = ReplyFramer()
    var isInTransaction = false
    var subscriptions = Subscriptions()
    /// By the server's confirmations; `subscriptions` is ahead of it by what is under way.
    private var isSubscribed = false
    /// A command was sent whose reply may never come.
    var mayBlock = false
    /// The client's requests wait until every reply is in.
    private var isHolding = false
    var isClosing = false
    var sentVersion: UInt8 = 2

    enum LinkState {
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

    var subscriptionCount: Int { subscriptions.count }

    var writer: ReplyWriter { ReplyWriter(session.connection.output, version: version) }

    /// No reply is awaited and none is half-sent: the session may speak for itself.
    var isQuiet: Bool { awaited.isEmpty && framer.isAtBoundary }

    /// Takes everything back to how a fresh connection is: a new link will be opened.
    func reset() {
        version = 2
        dropLink()
    }

    // MARK: forwarding

    var canForward: Bool {
        switch state {
        case .ready:
            guard let link else { return false }
            if link.output.count < Self.outputLimit { return true }
            linkIsFull()
            return false
        case .idle:
            open()
            return false
        case .connecting, .loggingIn: return false
        case .failed: return true
        }
    }

    func forward(_ raw: UnsafeRawBufferPointer, replies: Int) -> Bool {
        guard canForward else { return false }
        guard let link, state == .ready else { return true }
        link.output.append(raw)
        awaited.add(.replies(replies))
        return true
    }

    func forward(_ raw: UnsafeRawBufferPointer, confirmations: Int) -> Bool {
        guard let link, state == .ready else { return true }
        link.output.append(raw)
        awaited.add(.confirmations(confirmations, leavesSubscribed: subscriptions.count > 0))
        return true
    }

    /// What the client asked for inside MULTI and did not get: the server is made to refuse its EXEC, as it does after a
    /// command that it refuses itself.
    func abortTransaction() {
        guard let link, state == .ready else { return }
        send(["GET"], on: link)  // its arity is wrong
        awaited.add(.swallowed(1))
    }

    private func linkIsFull() {
        session.connection.pauseReading()
    }

    func hold() {
        isHolding = true
        // A client that is blocked may stay so for ever: only who reads notices that it goes.
        if !mayBlock { session.connection.pauseReading() }
    }

    /// After a read: the client is read on behind a command that blocks, but not without end.
    func heldBack(_ bytes: Int) {
        if isHolding, bytes >= Self.mostHeld { session.connection.pauseReading() }
    }

    // MARK: the link

    private func open() {
        state = .connecting
        session.connection.pauseReading()
        connect(until: loop.now + UInt64(Self.connectTimeout / .nanoseconds(1)))
    }

    private func connect(until deadline: UInt64) {
        attempt += 1
        let attempt = attempt
        loop.connect(to: server.address, timeout: Self.connectTimeout) { [weak self] result in
            guard let self, state == .connecting, attempt == self.attempt else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            switch result {
            case .success(let connection): connected(connection)
            // More clients came at once than the server's queue of new connections holds (unix(7)): it takes more soon.
            case .failure(let error) where error.errno == EAGAIN && loop.now < deadline:
                loop.schedule(after: Self.connectRetry) { [weak self] in
                    guard let self, state == .connecting, attempt == self.attempt else { return }
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
        framer = ReplyFramer()
        state = .loggingIn
        var awaitedReplies = 0
        if let secret = server.secret {
            let words = ["AUTH"] + (server.user.map { [$0] } ?? []) + [secret]
            send(words, on: connection)
            awaitedReplies += 1
        }
        if let database = server.database, database != 0 {
            send(["SELECT", "\(database)"], on: connection)
            awaitedReplies += 1
        }
        if version == 3 {
            send(["HELLO", "3"], on: connection)
            awaitedReplies += 1
        }
        sentVersion = version
        if awaitedReplies == 0 { loggedIn() } else { awaited.add(.swallowed(awaitedReplies)) }
    }

    func sendHello() {
        guard let link else { return }
        sentVersion = version
        send(["HELLO", "\(version)"], on: link)
        awaited.add(.swallowed(1))
    }

    private func loggedIn() {
        state = .ready
        if isClosing { return finishClosing() }
        session.connection.resumeReading()
    }

    private func send(_ words: [String], on connection: Connection) {
        let writer = ReplyWriter(connection.output, version: 2)
        writer.array(words.count)
        for word in words { writer.bulk(word) }
    }

    /// Bytes from the server.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        let client = session.connection
        var position = 0
        var unsent = 0
        while position < bytes.count {
            let begin = position
            // What comes unasked between two replies is the client's.
            let isPush = bytes[position] == UInt8(ascii: ">")
            let isSwallowing = awaited.isSwallowing && framer.isAtBoundary && !isPush || swallowsRest
            switch framer.next(bytes, from: position) {
            case .unit(let unit, let end):
                position = end
                if isSwallowing {
                    unsent = end
                    swallowsRest = false
                    guard swallowed(unit, Bytes(raw: bytes.baseAddress.unsafelyUnwrapped + begin, end - begin)) else {
                        return bytes.count
                    }
                    continue
                }
                client.output.append(UnsafeRawBufferPointer(rebasing: bytes[unsent..<end]))
                unsent = end
                count(unit)
            case .needsMore:
                if isSwallowing {
                    swallowsRest = true
                } else {
                    client.output.append(UnsafeRawBufferPointer(rebasing: bytes[unsent...]))
                }
                position = bytes.count
            case .malformed:
                fail("the server behind this resource answered what is no reply")
                return bytes.count
            }
        }
        afterReplies()
        return bytes.count
    }

    /// The reply that is half-read is one that the client must not see.
    private var swallowsRest = false

    /// Tells replies from what comes unasked. In version 3 the type says it; in version 2 arrays of a subscriber do, who
    /// gets no array as a reply that begins with such a word.
    private func count(_ unit: ReplyFramer.Unit) {
        let isPush = unit.type == UInt8(ascii: ">")
        guard isPush || sentVersion == 2 && unit.word != nil && (isSubscribed || awaited.isConfirming) else {
            return awaited.replied()
        }
        guard let word = unit.word, !word.isMessage, awaited.isConfirming else { return }
        isSubscribed = awaited.confirmed() ?? true
    }

    private func swallowed(_ unit: ReplyFramer.Unit, _ bytes: Bytes) -> Bool {
        awaited.swallowed()
        if unit.type == UInt8(ascii: "-"), state == .loggingIn {
            fail("the server behind this resource refused the broker: \(bytes.text.split(separator: "\r").first ?? "")")
            return false
        }
        if state == .loggingIn, awaited.isEmpty { loggedIn() }
        return true
    }

    private func afterReplies() {
        if session.connection.isOverHighWater { link?.pauseReading() }
        guard isQuiet else { return }
        mayBlock = false
        if isClosing { return finishClosing() }
        if isHolding {
            isHolding = false
            session.connection.pauseReading()
            session.connection.resumeReading()  // what was held is delivered again
        }
    }

    func linkDrained() {
        if !isHolding { session.connection.resumeReading() }
    }

    func linkClosed() {
        link = nil
        linkHandler = nil
        guard session.connection.isOpen else { return }
        state = .failed
        session.connection.closeAfterFlush()
    }

    private func fail(_ why: String) {
        state = .failed
        dropLink()
        guard session.connection.isOpen else { return }
        if framer.isAtBoundary { writer.error("ERR \(why)") }
        state = .failed
        session.connection.closeAfterFlush()
    }

    private func dropLink() {
        let old = link
        link = nil
        linkHandler?.relay = nil
        linkHandler = nil
        awaited = AwaitedReplies()
        subscriptions = Subscriptions()
        isSubscribed = false
        mayBlock = false
        framer = ReplyFramer()
        swallowsRest = false
        isInTransaction = false
        sentVersion = 2
        state = .idle
        old?.close()
    }

    // MARK: the client

    func clientOutputDrained() {
        link?.resumeReading()
    }

    /// The client sends no more: what it has asked is still answered.
    func clientInputEnded() {
        closeAtBoundary()
    }

    func clientGone() {
        dropLink()
        state = .failed
    }

    /// Closes the client when every awaited reply is in. For what may never come nobody waits: a client that is blocked
    /// would go on taking elements from a server that is no longer its own.
    func closeAtBoundary() {
        isClosing = true
        if isQuiet || mayBlock || state == .connecting || state == .failed { return finishClosing() }
        loop.schedule(after: Self.closeTimeout) { [weak self] in
            guard let self, isClosing, state != .failed else { return }
            finishClosing()
        }
    }

    private func finishClosing() {
        session.connection.closeAfterFlush()
        dropLink()
        state = .failed
    }
}
