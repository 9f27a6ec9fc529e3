import RESPWire

/// What is still to come from a server, in order, and what the replies change of the client's state. It reads bytes and
/// decides for each whether the client gets it; it sends nothing.
struct ReplyTracker {
    /// What one reply is.
    enum Expectation: Hashable {
        /// The client's.
        case reply
        /// The client's; it changes the client's state unless it is an error.
        case change(Change)
        /// The client's, to MULTI, which begins the transaction of this number unless it is refused.
        case begin(Int)
        /// The client's, to a command inside the transaction of this number.
        case queued(Int)
        /// The client's, to EXEC or DISCARD inside MULTI: nothing is watched behind it, whatever it says.
        case endOfTransaction(selects: Bool)
        /// The client's, to a command that blocks.
        case blocked
        /// The client's, with a cursor.
        case scan(ScanEpoch)
        /// To a command of the relay.
        case own(Purpose)
    }

    enum Change: Hashable {
        case select(Int)
        case watch
        case unwatch
        case tracking([[UInt8]]?)
        case monitor
    }

    /// Why the relay has asked.
    enum Purpose: Hashable {
        case logIn
        /// As the attachment's own user.
        case ownLogIn
        case identity
        case hello
        /// Behind it everything earlier has arrived.
        case sentinel
        case restore
        /// A command of a transaction that is queued again: its refusal is for EXEC to tell.
        case queue
        case information
        case monitor
        case abortion
    }

    /// What is to be done with what has come.
    enum Event: Equatable {
        /// These bytes, up to the position that was reached, are the client's.
        case pass(from: Int)
        /// One whole reply for the relay.
        case own(Purpose, [UInt8])
        /// The command that blocks was given up, as asked.
        case cancelled
        /// A transaction in which SELECT was queued has ended.
        case databaseUnknown
        /// MULTI was refused: what seemed to be queued runs at once.
        case transactionRefused
        /// A reply that was withheld is the client's.
        case passWithheld([UInt8])
        case malformed
    }

    private enum Item: Equatable {
        case one(Expectation, count: Int, isSilent: Bool)
        /// So many confirmations of a subscription, and whether the client is subscribed to anything after them.
        case confirmations(Int, leavesSubscribed: Bool, added: Names)
    }

    /// What a subscription has added to the client's state, to be taken back when it is refused.
    private struct Names: Equatable {
        var channels: Set<[UInt8]> = []
        var patterns: Set<[UInt8]> = []
        var shardChannels: Set<[UInt8]> = []
    }

    /// What happens to the unit that is being read.
    private enum Mode {
        case pass
        /// Nobody gets it before it is complete and known.
        case withhold
        case drop
    }

    var state = RESPSessionState()
    /// The version that the server speaks with this connection.
    var sentVersion: UInt8 = 2
    /// Set while what is expected is not to reach the client, who has silenced it.
    var isSilencing = false
    /// Nothing goes to the client: it is not served from here yet.
    var isMuted = false
    /// The command that blocks was asked to be given up: an UNBLOCKED is not for the client.
    var isCancelling = false
    /// By the server's confirmations; `state` is ahead of it by what is under way.
    private(set) var isSubscribed = false

    private var items: [Item] = []
    private var first = 0
    private var framer = ReplyFramer()
    private var mode = Mode.pass
    private var withheld: [UInt8] = []
    /// Told with the next call.
    private var pending: Event?
    /// A reply for the relay is longer than any that it asks for.
    private static let longestOwn = 64 << 10
    private static let longestScan = 256 << 20
    private static let mostKept = 256
    private var transactionNumber = 0
    private var selectsInTransaction = false

    /// How many replies are still to come.
    var awaitedCount: Int {
        items[first...].reduce(0) { sum, item in
            switch item {
            case .one(_, let count, _), .confirmations(let count, _, _): sum + count
            }
        }
    }

    /// No reply is awaited and none is half-read.
    var isQuiet: Bool { first == items.count && framer.isAtBoundary }

    /// Not inside a reply: what is written to the client now is not taken for a part of one.
    var isAtBoundary: Bool { framer.isAtBoundary || mode != .pass }

    // MARK: what is asked

    mutating func expect(_ expectation: Expectation) {
        if let last = items.indices.last, last >= first, case .one(expectation, let count, isSilencing) = items[last] {
            items[last] = .one(expectation, count: count + 1, isSilent: isSilencing)
        } else {
            items.append(.one(expectation, count: 1, isSilent: isSilencing))
        }
    }

    /// - Parameter before: the state without what is being subscribed to.
    mutating func expectConfirmations(_ count: Int, before: RESPSessionState? = nil) {
        var added = Names()
        if let before {
            added.channels = state.channels.subtracting(before.channels)
            added.patterns = state.patterns.subtracting(before.patterns)
            added.shardChannels = state.shardChannels.subtracting(before.shardChannels)
        }
        items.append(.confirmations(count, leavesSubscribed: state.subscriptionCount > 0, added: added))
    }

    /// MULTI was sent.
    mutating func begin() {
        guard state.transaction == nil else { return expect(.reply) }
        state.transaction = QueuedTransaction()
        transactionNumber += 1
        selectsInTransaction = false
        expect(.begin(transactionNumber))
    }

    /// A transaction was queued again.
    mutating func resume(_ transaction: QueuedTransaction) {
        state.transaction = transaction
        transactionNumber += 1
        // Which of its commands were SELECT is not known any more: the database is asked for at its end.
        selectsInTransaction = true
    }

    /// A command was sent inside MULTI.
    mutating func queue(_ request: UnsafeRawBufferPointer, selects: Bool) {
        state.transaction?.append(request)
        if selects { selectsInTransaction = true }
        expect(.queued(transactionNumber))
    }

    /// EXEC or DISCARD was sent.
    mutating func endTransaction(executes: Bool) {
        guard state.transaction != nil else { return expect(.reply) }
        state.transaction = nil
        expect(.endOfTransaction(selects: executes && selectsInTransaction))
    }

    /// The transaction is given up on both sides.
    mutating func discard() {
        state.transaction = nil
        state.isTainted = false
        state.isWatching = false
    }

    // MARK: what comes

    /// Reads on from `position`; nil when all bytes are dealt with. To be called again until then.
    mutating func next(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Event? {
        if let event = pending {
            pending = nil
            return event
        }
        // What is behind it is for the client, up to the position.
        var begin = position
        while position < bytes.count {
            if framer.isAtBoundary {
                let next = mode(ofUnit: bytes[position])
                if next != .pass, position > begin {
                    if !isMuted { return .pass(from: begin) }
                    begin = position
                }
                mode = next
            }
            let start = position
            let step = framer.next(bytes, from: start)
            position = if case .unit(_, let end) = step { end } else { bytes.count }
            guard step != .malformed, withhold(bytes, start, position) else { return .malformed }
            if mode != .pass { begin = position }
            guard case .unit(let unit, _) = step else { break }
            if mode != .pass {
                if let event = decide(unit) { return event }
            } else {
                arrived(unit)
                if pending != nil {
                    if !isMuted { return .pass(from: begin) }
                    begin = position
                }
            }
            if let event = pending {
                pending = nil
                return event
            }
        }
        return position > begin && !isMuted ? .pass(from: begin) : nil
    }

    /// Keeps what is not to be passed yet; false when it is longer than anything the relay has asked for.
    private mutating func withhold(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        guard mode == .withhold else { return true }
        withheld.append(contentsOf: bytes[start..<end])
        if withheld.count <= Self.longestOwn || isSubscribed && sentVersion == 2 { return true }
        if first < items.count, case .one(.scan, _, _) = items[first] { return withheld.count <= Self.longestScan }
        return false
    }

    private func mode(ofUnit byte: UInt8) -> Mode {
        if byte == UInt8(ascii: ">") { return .pass }  // what comes unasked between two replies is the client's
        guard first < items.count, case .one(let expectation, _, let isSilent) = items[first] else { return .pass }
        if expectation == .blocked, isCancelling, byte == UInt8(ascii: "-") { return .withhold }
        if isSilent { return .drop }
        switch expectation {
        case .own, .scan: return .withhold
        case .reply, .change, .begin, .queued, .endOfTransaction, .blocked: return .pass
        }
    }

    /// What was withheld or dropped is complete.
    private mutating func decide(_ unit: ReplyFramer.Unit) -> Event? {
        let whole = withheld
        withheld.removeAll(keepingCapacity: whole.count <= Self.longestOwn)
        guard first < items.count, case .one(let expectation, _, let isSilent) = items[first] else { return nil }
        switch expectation {
        case .own(let purpose):
            // A message to a subscriber of version 2 looks like a reply.
            if sentVersion == 2, isSubscribed, let word = unit.word, word.isMessage { break }
            advance()
            return .own(purpose, whole)
        case .scan(let epoch):
            if sentVersion == 2, isSubscribed, let word = unit.word, word.isMessage { break }
            advance()
            return isMuted || isSilent ? nil : .passWithheld(epoch.tagged(reply: whole))
        case .blocked where whole.starts(with: Array("-UNBLOCKED".utf8)):
            advance()
            isCancelling = false
            return .cancelled
        default: arrived(unit)
        }
        return isMuted || isSilent ? nil : .passWithheld(whole)
    }

    /// Tells replies from what comes unasked. In version 3 the type says it; in version 2 arrays of a subscriber do, who
    /// gets no array as a reply that begins with such a word.
    private mutating func arrived(_ unit: ReplyFramer.Unit) {
        let isPush = unit.type == UInt8(ascii: ">")
        guard isPush || sentVersion == 2 && unit.word != nil && (isSubscribed || isConfirming) else {
            return replied(isError: unit.type == UInt8(ascii: "-"))
        }
        guard let word = unit.word, !word.isMessage, isConfirming else { return }
        confirmed()
    }

    private var isConfirming: Bool {
        if first < items.count, case .confirmations = items[first] { return true }
        return false
    }

    private mutating func replied(isError: Bool) {
        guard first < items.count else { return }
        if case .confirmations(_, _, let added) = items[first] {  // an error in their place
            state.channels.subtract(added.channels)
            state.patterns.subtract(added.patterns)
            state.shardChannels.subtract(added.shardChannels)
            return removeFirst()
        }
        guard case .one(let expectation, _, _) = items[first] else { return }
        advance()
        switch expectation {
        case .reply, .own, .scan: break
        case .blocked: isCancelling = false
        case .begin(let number):
            guard isError else { return }
            // What was sent behind it runs at once.
            if number == transactionNumber { state.transaction = nil }
            pending = .transactionRefused
        case .queued(let number):
            if isError, number == transactionNumber { state.transaction?.isAborted = true }
        case .endOfTransaction(let selects):
            state.isWatching = false
            state.isTainted = false
            if selects { pending = .databaseUnknown }
        case .change(let change):
            guard !isError else { return }
            switch change {
            case .select(let number): state.database = number
            case .watch: state.isWatching = true
            case .tracking(let words): state.tracking = words
            case .monitor: state.isMonitoring = true
            case .unwatch:
                state.isWatching = false
                state.isTainted = false
            }
        }
    }

    private mutating func confirmed() {
        guard first < items.count, case .confirmations(let count, let leaves, let added) = items[first] else { return }
        isSubscribed = count > 1 ? true : leaves
        if count > 1 {
            items[first] = .confirmations(count - 1, leavesSubscribed: leaves, added: added)
        } else {
            removeFirst()
        }
    }

    private mutating func advance() {
        guard case .one(let expectation, let count, let isSilent) = items[first], count > 1 else {
            return removeFirst()
        }
        items[first] = .one(expectation, count: count - 1, isSilent: isSilent)
    }

    private mutating func removeFirst() {
        first += 1
        if first == items.count {
            items.removeAll(keepingCapacity: items.count <= Self.mostKept)
            first = 0
        } else if first > Self.mostKept, first * 2 > items.count {
            // A client that never pauses must not leave a trail.
            items.removeFirst(first)
            first = 0
        }
    }
}
