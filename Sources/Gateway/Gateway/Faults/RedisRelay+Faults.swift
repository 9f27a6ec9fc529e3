import EventLoop
import RESPWire

/// Faults of commands before a real server. What answers in a command's place waits until every reply before it is in.
extension RedisRelay {
    /// False when the request has to wait; then it comes again.
    func take(
        _ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int,
        under faults: SessionFaults
    ) -> Bool {
        if faults.isResetting { return true }
        guard faults.mutedBy == nil else { return false }
        guard faults.cut == nil, blocked == nil else {
            hold()
            return false
        }
        let decision = session.decision(arguments, count, faults)
        switch decision.action {
        case .pass:
            guard take(raw, arguments, count) else { return false }
        case .delay(let time):
            session.delay(time, faults)
            return false
        case .error(let text):
            guard isFree else { return false }
            refuse(arguments, with: text)
        case .reset:
            guard isFree else { return false }
            session.resetSoon(faults)
        case .drop:
            guard isFree else { return false }
            faults.mutedBy = decision.id
        case .reply(let effect):
            guard isFree else { return false }
            let before = session.connection.output.count
            faults.cut = session.cut(effect, by: decision)
            guard take(raw, arguments, count) else {
                faults.cut = nil
                return false
            }
            // The session has answered for itself.
            if isQuiet { session.cutReply(behind: before, faults) }
        }
        faults.decided = nil
        return true
    }

    private var isFree: Bool {
        if !isQuiet { hold() }
        return isQuiet
    }

    /// As a server that refuses: inside MULTI, EXEC will not run; a refused EXEC ends the transaction.
    private func refuse(_ arguments: UnsafeMutablePointer<Bytes>, with text: String) {
        respond { $0.error(text) }
        guard isInTransaction else { return }
        guard arguments[0].isWord("exec") else { return abortTransaction() }
        tracker.discard()
        send("DISCARD", for: .abortion)
    }

    /// Bytes for the client.
    func pass(_ bytes: UnsafeRawBufferPointer) {
        guard let faults = session.faults, faults.cut != nil else { return session.connection.output.append(bytes) }
        session.pass(bytes, faults)
    }

    /// Behind what came from the server: true when the client is not to be served any more.
    func cutIsOver() -> Bool {
        // What was given up here is answered elsewhere.
        guard !handover.isAhead, let faults = session.faults, let cut = faults.cut,
            cut.isOver || isQuiet && cancelled == nil
        else { return false }
        blocked = nil
        session.replyEnded(faults)
        guard faults.isResetting else {
            // Dropped: it stays, and may be moved.
            return false
        }
        leaveServer()
        return true
    }
}
