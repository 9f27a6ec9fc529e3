import EventLoop
import RESPWire

/// How far a relay is with being left, or with being moved to.
enum HandoverState {
    /// It serves.
    case none
    /// Left: no request is taken, what was asked is awaited.
    case pausing
    /// Left: nothing is under way.
    case quiet
    /// Left: all that was published before is awaited.
    case fencing
    /// Moved to: it connects and logs in.
    case preparing
    case prepared
    /// Moved to: what the client has set up is set up.
    case restoring
    case restored

    var isServing: Bool { self == .none }

    /// Nobody is served from here yet.
    var isAhead: Bool {
        switch self {
        case .preparing, .prepared, .restoring, .restored: true
        case .none, .pausing, .quiet, .fencing: false
        }
    }
}

/// Leaving a server between two requests, and going on at another one. Every step ends with `session.stepEnded`.
extension RedisRelay {
    var takesRequests: Bool {
        switch handover {
        case .none: true
        // Its EXEC is awaited: the server alone has all of the queue.
        case .pausing: tracker.state.transaction?.isTooLong == true
        case .quiet, .fencing, .preparing, .prepared, .restoring, .restored: false
        }
    }

    /// Why the client cannot be moved now; nil when nothing is in the way but replies that will come.
    var pin: (why: String, mayEnd: Bool)? {
        if let blocked, !blocked.isMovable { return (blocked.pin, false) }
        if tracker.state.transaction?.isTooLong == true { return ("has more than 1 MiB queued in MULTI", false) }
        if isQuiet { return nil }
        let isFull = session.connection.output.count >= Self.outputLimit
        return isFull ? ("does not read its replies", false) : ("waits for a reply", true)
    }

    // MARK: leaving

    /// Takes no more requests; ends when every reply is in.
    func pause() {
        handover = .pausing
        if let blocked, blocked.isMovable, let serverID {
            tracker.isCancelling = true
            isCancelAsked = true
            session.endpoint.cancel(blocked, of: serverID, database: tracker.state.database, at: server) {
                [weak self] request in
                guard let self else { return }
                isCancelAsked = false
                if cancelled != nil { cancelled = request }
                if self.blocked != nil { self.blocked = request }
                if isQuiet { becameQuiet() }
            }
        }
        if isQuiet { becameQuiet() }
    }

    /// Ends when all that was published before this call has been handed to the client.
    func fence() {
        handover = .fencing
        // The answer could not be told from a line of MONITOR.
        guard linkState == .ready, tracker.state.subscriptionCount > 0, !tracker.state.isMonitoring else {
            return becameQuiet()
        }
        send("PING", for: .sentinel)
    }

    /// The move is off: everything goes on here.
    func resume() {
        handover = .none
        askAgain()
        release()
    }

    func wasCancelled() {
        cancelled = blocked
        // The move was given up before the server gave up the command.
        if handover.isServing { askAgain() }
    }

    /// Every reply is in, in one of the steps.
    func becameQuiet() {
        switch handover {
        case .pausing where isCancelAsked || tracker.state.transaction?.isTooLong == true: return
        case .pausing, .fencing: handover = .quiet
        case .restoring: handover = .restored
        case .preparing where linkState == .ready && awaitedState != nil: return linkIsReady()
        case .none, .quiet, .preparing, .prepared, .restored: return
        }
        session.stepEnded(nil)
    }

    // MARK: going on

    /// Connects and logs in, ahead of the pause.
    func prepare(version: UInt8) {
        handover = .preparing
        tracker.isMuted = true
        tracker.state.version = version
        open()
    }

    func linkIsReady() {
        switch handover {
        case .preparing:
            handover = .prepared
            if let state = awaitedState {
                awaitedState = nil
                return restore(state, cancelled)
            }
            session.stepEnded(nil)
        case .pausing, .fencing: becameQuiet()
        case .none, .quiet, .prepared, .restoring, .restored: break
        }
    }

    /// Sets up here what the client has set up elsewhere; ends when the server has confirmed it.
    func restore(_ state: RESPSessionState, _ request: BlockedRequest?) {
        cancelled = request
        guard handover != .preparing else {
            awaitedState = state
            return
        }
        guard linkState == .ready, let link else { return restoreFailed("the server closed the connection") }
        guard state.database == 0 || server.database == nil else {
            return restoreFailed("a client has selected database \(state.database), and the target has one only")
        }
        guard !state.isMonitoring || server.database == nil else {
            return restoreFailed("a client monitors, and the target has other users")
        }
        guard server.database == nil || state.tracking?.contains(where: { $0.withBytes { $0.isWord("bcast") } }) != true
        else { return restoreFailed("a client tracks all keys (BCAST), and the target has other users") }
        // The client may have logged in, or become somebody else, since the connection was made.
        if becomeOwnUser() {
            handover = .preparing
            awaitedState = state
            return
        }
        handover = .restoring
        let transaction = state.transaction
        tracker.state = state
        tracker.state.transaction = nil
        tracker.state.isTainted = state.isTainted || state.isWatching
        if state.version != tracker.sentVersion { sendHello() }
        if state.database != 0 { send("SELECT", "\(state.database)", for: .restore) }
        subscribe("SUBSCRIBE", state.channels)
        subscribe("PSUBSCRIBE", state.patterns)
        subscribe("SSUBSCRIBE", state.shardChannels)
        restoreTracking()
        if let transaction {
            send("MULTI", for: .restore)
            transaction.bytes.withUnsafeBytes { link.output.append($0) }
            for _ in 0..<transaction.count { tracker.expect(.own(.queue)) }
            tracker.resume(transaction)
            noteChanges(transaction)
            if transaction.isAborted { abortTransaction() }
        }
        if isQuiet { becameQuiet() }
    }

    private func subscribe(_ command: String, _ names: Set<[UInt8]>) {
        guard !names.isEmpty, let link else { return }
        Self.append([Array(command.utf8)] + names, to: link.output)
        tracker.expectConfirmations(names.count)
    }

    func restoreFailed(_ why: String) {
        session.stepEnded(why)
    }

    /// From now on the client is served from here.
    func adopt() {
        handover = .none
        tracker.isMuted = false
        resumeTracking()
        askAgain()
        release()
    }

    /// Asks what was given up again, with the time that is left.
    private func askAgain() {
        guard let request = cancelled else { return }
        cancelled = nil
        guard let words = request.renewed(now: loop.now) else {
            return session.answerAgain {
                if !request.isSilent { writer.nullArray() }
            }
        }
        guard let link, linkState == .ready else { return }
        Self.append(words, to: link.output)
        tracker.isSilencing = request.isSilent
        tracker.expect(.blocked)
        tracker.isSilencing = false
        blocked = request
        if let watch { noteChanges(request, watch) }
    }
}
