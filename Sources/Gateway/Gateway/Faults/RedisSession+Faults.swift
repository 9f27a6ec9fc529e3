import CacheEmulator
import EventLoop
import RESPWire

/// What faults are about to do to a client, or have done; there is one as long as its endpoint has faults of commands.
final class SessionFaults {
    /// Of the request in front, once it is decided: it may be looked at again before it runs.
    var decided: FaultDecision?
    /// The request in front waits until then, in the loop's nanoseconds.
    var until: UInt64?
    /// The reply that is awaited meets this.
    var cut: ReplyCut?
    /// A command was dropped: nothing is answered any more.
    var mutedBy: FaultID?
    /// The connection is about to be reset: nothing is taken any more.
    var isResetting = false
    /// The client sends no more; what it has sent still waits.
    var hasInputEnded = false

    /// Nothing is left of what faults have done.
    var isIdle: Bool { decided == nil && until == nil && cut == nil && mutedBy == nil && !isResetting }
}

/// A request of a session's client.
struct RedisSubject: FaultSubject {
    let arguments: UnsafeMutablePointer<Bytes>
    let count: Int
    let session: RedisSession

    var isSetup: Bool {
        let name = arguments[0]
        return name.isWord("auth") || name.isWord("hello") || name.isWord("client") || name.isWord("reset")
            || name.isWord("quit")
    }

    func isNamed(_ name: [UInt8], _ subcommand: [UInt8]?) -> Bool {
        guard arguments[0].isWord(name) else { return false }
        return subcommand.map { count > 1 && arguments[1].isWord($0) } ?? true
    }

    var command: String { String(arguments[0].text.lowercased().prefix(64)) }
    var keys: [String] { CacheEmulator.keyPlaces(arguments, count).map { arguments[$0].text } }
    var client: String? { session.name.isEmpty ? nil : String(decoding: session.name, as: UTF8.self) }

    func hasKey(like pattern: [UInt8]) -> Bool {
        pattern.withBytes { pattern in
            CacheEmulator.keyPlaces(arguments, count).contains { CacheEmulator.matches(pattern, arguments[$0]) }
        }
    }

    func isOfClient(like pattern: [UInt8]) -> Bool {
        session.isOfClient(like: pattern)
    }
}

extension RedisSession {
    func isOfClient(like pattern: [UInt8]) -> Bool {
        var names = [name]
        if let grant { names.append(Array(grant.holder.utf8)) }
        if let userName { names.append(Array(userName.utf8)) }
        return pattern.withBytes { pattern in
            names.contains { name in name.withBytes { CacheEmulator.matches(pattern, $0) } }
        }
    }
}

/// Faults of commands: what a session does instead of what was asked, or behind it.
extension RedisSession {
    /// So much is kept of what waits behind a command that a fault holds up.
    private static let mostKept = 64 << 10

    /// Takes what a client sends while its endpoint has faults, or a fault has not done with it.
    func received(_ bytes: UnsafeRawBufferPointer, under faults: SessionFaults) -> Int {
        if faults.isResetting { return bytes.count }
        if faults.mutedBy != nil || faults.until.map({ endpoint.loop.now < $0 }) ?? false {
            // Only who reads notices that the client goes, but not without end.
            if bytes.count >= Self.mostKept { connection.pauseReading() }
            return 0
        }
        let used = take(bytes, faults)
        if faults.hasInputEnded, !waits(faults) {
            faults.hasInputEnded = false
            inputEnded(on: connection)
        }
        if faults.isIdle, !endpoint.faultsMeetCommands { self.faults = nil }
        return used
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ faults: SessionFaults) -> Int {
        switch upstream {
        case .emulator(let emulator, let client):
            let used = client.isWaiting || faults.cut != nil ? 0 : serve(bytes, emulator, client, under: faults)
            if client.isReplica { emulator.heard(from: client) }
            if used < bytes.count, bytes.count - used >= Self.mostKept, isHeld(client, faults) {
                connection.pauseReading()
            }
            return used
        case .relay(let relay): return serve(bytes, by: relay)
        case .none: return bytes.count
        }
    }

    /// Some of what the client has sent goes on by itself.
    private func waits(_ faults: SessionFaults) -> Bool {
        if faults.until != nil { return true }
        return switch upstream {
        case .emulator(_, let client): client.isWaiting
        case .relay(let relay): relay.isHolding || relay.linkState != .ready
        case .none: false
        }
    }

    /// The client has sent FIN: whether that is to be looked at later, behind a request that is delayed.
    func outlivesInput(_ faults: SessionFaults) -> Bool {
        // RST is about to be sent: an end in order would come before it.
        if faults.isResetting { return true }
        guard faults.mutedBy == nil, faults.until != nil || faults.decided != nil && waits(faults) else { return false }
        faults.hasInputEnded = true
        return true
    }

    private func isHeld(_ client: CacheClient, _ faults: SessionFaults) -> Bool {
        client.isWaiting || faults.cut != nil || faults.mutedBy != nil || faults.until != nil
    }

    /// What is to be done with the request in front; decided once.
    func decision(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ faults: SessionFaults) -> FaultDecision {
        if faults.until != nil {
            faults.until = nil
            faults.decided = .pass
        }
        if let decided = faults.decided { return decided }
        let subject = RedisSubject(arguments: arguments, count: count, session: self)
        guard !isReplica, isAuthenticated || subject.isSetup else { return .pass }
        let decided = endpoint.decide(subject)
        faults.decided = decided
        return decided
    }

    /// Has the request in front wait.
    func delay(_ nanoseconds: UInt64, _ faults: SessionFaults) {
        let until = endpoint.loop.now + nanoseconds
        faults.until = until
        endpoint.loop.schedule(after: nanoseconds) { [weak self, weak faults] in
            guard let self, faults?.until == until else { return }
            deliverAgain()
        }
    }

    // MARK: at an emulator

    private func serve(
        _ bytes: UnsafeRawBufferPointer, _ emulator: CacheEmulator, _ client: CacheClient, under faults: SessionFaults
    ) -> Int {
        let batch = emulator.isBusy ? endpoint.batchWithinScript : endpoint.batch
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let limits = isAuthenticated ? emulator.requestLimits : .unauthenticated
            let end = batch.parse(rest, limits: limits, partial: &partial, most: 1)
            if batch.count > 0 {
                guard take(batch, emulator, client, faults) else { return offset }
                offset += batch[0].end
                if faults.isResetting { return bytes.count }
                if client.isEnding || isEnding {
                    emulator.clientLeaves(client)
                    connection.closeAfterFlush()
                    return bytes.count
                }
                if client.isWaiting || faults.mutedBy != nil || connection.isOverHighWater { return offset }
                continue
            }
            offset += batch.skipped
            switch end {
            case .needsMore:
                guard bytes.count - offset > emulator.longestInput else { return offset }
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

    /// False when the request has to wait; then it comes again.
    private func take(
        _ batch: RequestBatch, _ emulator: CacheEmulator, _ client: CacheClient, _ faults: SessionFaults
    ) -> Bool {
        let request = batch[0]
        let arguments = batch.arguments + request.first
        let decision = decision(arguments, request.count, faults)
        switch decision.action {
        case .pass:
            guard execute(batch, emulator, client) else { return false }
        case .error(let text):
            emulator.refuse(arguments, request.count, with: text, for: client)
        case .delay(let time):
            delay(time, faults)
            return false
        case .reply(let effect):
            let before = connection.output.count
            let cut = cut(effect, by: decision)
            guard execute(batch, emulator, client) else { return false }
            faults.cut = cut
            if !client.isWaiting { cutReply(behind: before, faults) }
        case .reset: resetSoon(faults)
        case .drop: faults.mutedBy = decision.id
        }
        faults.decided = nil
        endpoint.requests &+= 1
        return true
    }

    private func execute(_ batch: RequestBatch, _ emulator: CacheEmulator, _ client: CacheClient) -> Bool {
        guard emulator.execute(batch, from: 0, for: client) > 0 else { return false }
        if client.isWaiting { emulatorWait = endpoint.nextWait() }
        return true
    }

    /// A command in which the client has waited is answered.
    func replied(_ client: CacheClient, behind before: Int) {
        if let faults, faults.cut != nil { cutReply(behind: before, faults) }
    }

    /// Runs what may answer at once a command in which the client has waited elsewhere.
    func answerAgain(_ body: () -> Void) {
        let before = connection.output.count
        body()
        guard let faults, faults.cut != nil else { return }
        if case .emulator(_, let client) = upstream, client.isWaiting { return }
        cutReply(behind: before, faults)
    }

    // MARK: replies

    func cut(_ effect: ReplyCut.Effect, by decision: FaultDecision) -> ReplyCut {
        ReplyCut(
            effect, by: decision.id ?? FaultID(rawValue: 0),
            messagesLookLikeReplies: version == 2 && subscriptionCount > 0)
    }

    /// The whole reply stands in the output, behind the first `before` bytes.
    func cutReply(behind before: Int, _ faults: SessionFaults) {
        let output = connection.output
        // What a request before it has ended with may have been sent meanwhile.
        let begin = min(before, output.count)
        let reply = Array(output.readable[begin...])
        output.truncate(to: begin)
        reply.withUnsafeBytes { pass($0, faults) }
        replyEnded(faults)
    }

    /// Hands bytes of the reply on, as many as may pass.
    func pass(_ bytes: UnsafeRawBufferPointer, _ faults: SessionFaults) {
        guard var cut = faults.cut else { return connection.output.append(bytes) }
        let passed = cut.take(bytes)
        faults.cut = cut
        passed.withUnsafeBytes { connection.output.append($0) }
    }

    /// The reply is complete, or has passed as far as it may.
    func replyEnded(_ faults: SessionFaults) {
        guard let cut = faults.cut else { return }
        faults.cut = nil
        switch cut.effect {
        case .cut:
            faults.isResetting = true
            let bound = LoopBound(connection, on: endpoint.loop)
            endpoint.loop.post { bound.value.closeAfterFlush() }
        case .reset: resetSoon(faults)
        case .drop: faults.mutedBy = cut.id
        }
    }

    /// Behind what was answered before, which goes out at the end of the turn.
    func resetSoon(_ faults: SessionFaults) {
        faults.isResetting = true
        let bound = LoopBound(connection, on: endpoint.loop)
        endpoint.loop.post { bound.value.abort() }
    }

    // MARK: the end of faults

    /// Lets go what a fault holds that was removed: a request goes on; a client that waits for what was dropped is
    /// closed, as it could not tell later replies from that one.
    func released(by id: FaultID) {
        guard let faults else { return }
        if faults.mutedBy == id {
            faults.isResetting = true
            return connection.closeAfterFlush()
        }
        if faults.until != nil, faults.decided?.id == id {
            faults.until = nil
            faults.decided = .pass
            deliverAgain()
        }
    }
}
