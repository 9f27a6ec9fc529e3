import EventLoop
import RESPWire

/// A session's way to a real server: one connection of its own, opened with the first command that needs it.
///
/// Requests and replies pass as they come. Both directions are framed, so that it is known at any moment which replies
/// are awaited and whether one is half-sent: only then can the session answer for itself, or close without harm.
final class RedisRelay {
    /// Above this many bytes that the server does not take, the client is not read.
    private static let outputLimit = 1 << 20
    private static let connectTimeout = Duration.seconds(5)

    unowned let session: RedisSession
    private let server: Upstream.RedisServer
    private let loop: any EventLoop
    var version: UInt8 = 2
    /// As the server's own HELLO or INFO named it; nil before the first command.
    private(set) var serverVersion: String?

    private var link: Connection?
    private var linkHandler: RelayLink?
    private var state = LinkState.idle
    private var awaited = AwaitedReplies()
    private var framer = ReplyFramer()
    private var isInTransaction = false
    private var subscriptions = Subscriptions()
    /// The client's requests wait until every reply is in.
    private var isHolding = false
    private var isClosing = false
    private var sentVersion: UInt8 = 2

    private enum LinkState {
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

    // MARK: requests

    /// Hands requests on, or answers them; returns how many bytes were used.
    func serve(_ bytes: UnsafeRawBufferPointer, _ partial: inout PartialRequest) -> Int {
        let batch = session.endpoint.batch
        var offset = 0
        while offset < bytes.count, !isClosing {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let end = batch.parse(
                rest, limits: session.isAuthenticated ? .authenticated : .unauthenticated, partial: &partial,
                most: session.isAuthenticated ? .max : 1)
            var used = batch.count == 0 ? batch.skipped : 0
            for index in 0..<batch.count {
                let request = batch[index]
                let raw = UnsafeRawBufferPointer(rebasing: rest[used..<request.end])
                guard take(raw, batch.arguments + request.first, request.count) else { return offset + used }
                used = request.end
                if isClosing { return bytes.count }
            }
            offset += used
            switch end {
            case .needsMore: return offset
            case .full: break
            case .failed(let error):
                guard isQuiet else {
                    hold()
                    return offset
                }
                session.refuse(error)
                return bytes.count
            }
        }
        return isClosing ? bytes.count : offset
    }

    /// False when the request has to wait; then it comes again.
    private func take(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        let rule = Interception.of(arguments[0])
        guard session.isAuthenticated else {
            if case .answered = rule, !arguments[0].isWord("client"), !arguments[0].isWord("acl") {
                return answer(arguments, count)
            }
            writer.error("NOAUTH Authentication required.")
            return true
        }
        guard let rule else { return forward(raw, replies: 1) }
        switch rule {
        case .answered: return answer(arguments, count)
        case .refused: return refuse(arguments)
        case .configuration:
            guard count > 1, arguments[1].isWord("get") else { return refuse(arguments) }
            return forward(raw, replies: 1)
        case .select: return select(raw, arguments, count)
        case .allDatabases:
            guard server.database != 0 else { return forward(raw, replies: 1) }
            if arguments[0].isWord("flushall") {
                return Array("*1\r\n$7\r\nFLUSHDB\r\n".utf8).withUnsafeBytes { forward($0, replies: 1) }
            }
            return refuse(arguments)
        case .subscription(let word):
            guard !isInTransaction else { return forward(raw, replies: 1) }
            guard canForward else { return false }
            let confirmations = subscriptions.note(word, arguments, count)
            return forward(raw, confirmations: confirmations)
        case .multi:
            guard forward(raw, replies: 1) else { return false }
            isInTransaction = true
            return true
        case .endOfTransaction:
            guard forward(raw, replies: 1) else { return false }
            isInTransaction = false
            return true
        }
    }

    private var writer: ReplyWriter { ReplyWriter(session.connection.output, version: version) }

    /// No reply is awaited and none is half-sent: the session may speak for itself.
    private var isQuiet: Bool { awaited.isEmpty && framer.isAtBoundary }

    private func answer(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        let name = arguments[0].text.lowercased()
        let least = ["auth": 2, "client": 2, "acl": 2][name] ?? 1
        guard count >= least, name != "reset" || count == 1 else {
            writer.error("ERR wrong number of arguments for '\(name)' command")
            return true
        }
        if isInTransaction, name != "quit", name != "reset" {
            writer.error("ERR Command not allowed inside a transaction")
            return true
        }
        session.run(name, arguments, count, writer)
        if version != sentVersion, state == .ready { sendHello() }
        return true
    }

    private func refuse(_ arguments: UnsafeMutablePointer<Bytes>) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        writer.error("NOPERM this user has no permissions to run the '\(arguments[0].text.lowercased())' command")
        return true
    }

    private func select(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard server.database != 0, count == 2 else { return forward(raw, replies: 1) }
        guard isQuiet else {
            hold()
            return false
        }
        // A resource that is one database of a server has that one, by the name of 0.
        if arguments[1] == Bytes("0") { writer.ok() } else { writer.error("ERR DB index is out of range") }
        return true
    }

    /// Takes everything back to how a fresh connection is: a new link will be opened.
    func reset() {
        version = 2
        dropLink()
    }

    // MARK: forwarding

    private var canForward: Bool {
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

    private func forward(_ raw: UnsafeRawBufferPointer, replies: Int) -> Bool {
        guard canForward else { return false }
        guard let link, state == .ready else { return true }
        link.output.append(raw)
        awaited.add(.replies(replies))
        return true
    }

    private func forward(_ raw: UnsafeRawBufferPointer, confirmations: Int) -> Bool {
        guard let link, state == .ready else { return true }
        link.output.append(raw)
        awaited.add(.confirmations(confirmations))
        return true
    }

    private func linkIsFull() {
        session.connection.pauseReading()
    }

    private func hold() {
        isHolding = true
        session.connection.pauseReading()
    }

    // MARK: the link

    private func open() {
        state = .connecting
        session.connection.pauseReading()
        loop.connect(to: server.address, timeout: Self.connectTimeout) { [weak self] result in
            guard let self, state == .connecting else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            switch result {
            case .success(let connection): connected(connection)
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
        if server.database != 0 {
            send(["SELECT", "\(server.database)"], on: connection)
            awaitedReplies += 1
        }
        if version == 3 {
            send(["HELLO", "3"], on: connection)
            awaitedReplies += 1
        }
        sentVersion = version
        if awaitedReplies == 0 { loggedIn() } else { awaited.add(.swallowed(awaitedReplies)) }
    }

    private func sendHello() {
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
            let isSwallowing = awaited.isSwallowing && framer.isAtBoundary || swallowsRest
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

    private func count(_ unit: ReplyFramer.Unit) {
        if unit.type == UInt8(ascii: ">") || subscriptions.everSubscribed, let word = unit.word {
            if word.isMessage { return }
            return awaited.confirmed()
        }
        awaited.replied()
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
        if isClosing { return finishClosing() }
        if isHolding {
            isHolding = false
            session.connection.resumeReading()
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

    /// Closes the client when every awaited reply is in.
    func closeAtBoundary() {
        isClosing = true
        if isQuiet || state == .connecting || state == .failed { finishClosing() }
    }

    private func finishClosing() {
        session.connection.closeAfterFlush()
        dropLink()
        state = .failed
    }
}

/// The relay's connection to the server.
private final class RelayLink: ConnectionHandler {
    weak var relay: RedisRelay?

    init(relay: RedisRelay) {
        self.relay = relay
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        relay?.received(bytes) ?? bytes.count
    }

    func outputDrained(on connection: Connection) {
        relay?.linkDrained()
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        relay?.linkClosed()
    }
}

/// What is still to come from the server, in order.
struct AwaitedReplies {
    enum Item: Equatable {
        /// So many replies that go to the client.
        case replies(Int)
        /// So many confirmations of a subscription.
        case confirmations(Int)
        /// So many replies to commands of the relay itself.
        case swallowed(Int)
    }

    private var items: [Item] = []
    private var first = 0

    var isEmpty: Bool { first == items.count }

    var isSwallowing: Bool {
        if first < items.count, case .swallowed = items[first] { return true }
        return false
    }

    mutating func add(_ item: Item) {
        if case .replies(let more) = item, first < items.count, case .replies(let count)? = items.last {
            items[items.count - 1] = .replies(count + more)
        } else {
            items.append(item)
        }
    }

    mutating func replied() {
        guard first < items.count else { return }
        switch items[first] {
        case .replies(let count): advance(.replies(count - 1), count - 1)
        case .confirmations: advance(.confirmations(0), 0)  // an error in the place of confirmations
        case .swallowed(let count): advance(.swallowed(count - 1), count - 1)
        }
    }

    mutating func confirmed() {
        guard first < items.count, case .confirmations(let count) = items[first] else { return }
        advance(.confirmations(count - 1), count - 1)
    }

    mutating func swallowed() {
        guard first < items.count, case .swallowed(let count) = items[first] else { return }
        advance(.swallowed(count - 1), count - 1)
    }

    private mutating func advance(_ item: Item, _ rest: Int) {
        items[first] = item
        guard rest <= 0 else { return }
        first += 1
        if first == items.count {
            items.removeAll(keepingCapacity: true)
            first = 0
        }
    }
}

/// What a client of a real server is subscribed to, as far as its requests tell.
struct Subscriptions {
    private var names: [PushWord: Set<[UInt8]>] = [:]
    /// From the first subscription on, arrays that begin with its words are not replies.
    private(set) var everSubscribed = false

    var count: Int { names.values.reduce(0) { $0 + $1.count } }

    /// Notes a request; returns how many confirmations it will have.
    mutating func note(_ word: PushWord, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int {
        everSubscribed = true
        switch word {
        case .subscribe, .psubscribe, .ssubscribe:
            for index in 1..<max(count, 1) { names[word, default: []].insert(arguments[index].array) }
            return max(count - 1, 1)
        case .unsubscribe: return remove(.subscribe, arguments, count)
        case .punsubscribe: return remove(.psubscribe, arguments, count)
        case .sunsubscribe: return remove(.ssubscribe, arguments, count)
        case .message, .pmessage, .smessage, .invalidate: return 0
        }
    }

    private mutating func remove(_ word: PushWord, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int {
        guard count > 1 else {
            let all = names[word]?.count ?? 0
            names[word] = []
            return max(all, 1)
        }
        for index in 1..<count { names[word]?.remove(arguments[index].array) }
        return count - 1
    }
}
