import CacheEmulator
import EventLoop
import RESPWire

/// Moving a session from one upstream to another while its client stays connected. Each step ends with `stepEnded`.
extension RedisSession {
    /// A step of the upstream's, or of the next one's, was done or has failed.
    func stepEnded(_ failure: String?) {
        endpoint.stepEnded(connection.id, failure)
    }

    func prepare(for target: Upstream) {
        // A replica goes on with no other server's stream: it is closed when its server is left.
        if isReplica { return stepEnded(nil) }
        switch target {
        case .cache(let emulator):
            next = .emulator(emulator.value, makeClient(of: emulator.value))
            stepEnded(nil)
        case .redisServer(let server):
            let relay = RedisRelay(session: self, server: server, loop: endpoint.loop)
            next = .relay(relay)
            relay.prepare(version: version)
        case .queue: preconditionFailure("an endpoint of class redis is routed to a redis upstream")
        }
    }

    func pause() {
        if isReplica { return stepEnded(nil) }
        switch upstream {
        case .relay(let relay): relay.pause()
        case .emulator(let emulator, let client):
            isPaused = true
            // No other server knows its user: the step is not done before it goes.
            guard emulator.bond(of: client) == nil else { return }
            if let (words, since, isSilent) = emulator.awaited(by: client) {
                let request = BlockedRequest(words, since: since, order: emulatorWait, isSilent: isSilent)
                // One that cannot be moved goes on waiting; `waitEnded` ends the step, if anything does.
                guard let request, request.isMovable else {
                    pinned = request?.pin ?? "waits in what cannot be asked again elsewhere"
                    return
                }
                emulator.stopWaiting(client)
                suspended = request
            }
            stepEnded(nil)
        case .none: stepEnded(nil)
        }
    }

    func waitEnded(_ client: CacheClient) {
        guard isPaused else { return deliverAgain() }
        if case .emulator(let emulator, let client) = upstream, emulator.bond(of: client) != nil { return }
        if pinned != nil { stepEnded(nil) }
        pinned = nil
    }

    /// Why the step is not done, for a person, and whether it may be over soon by itself.
    var pin: (why: String, mayEnd: Bool) {
        if case .relay(let relay) = upstream, let pin = relay.pin { return pin }
        if isPaused, case .emulator(let emulator, let client) = upstream, let bond = emulator.bond(of: client) {
            return (bond, false)
        }
        if let pinned { return (pinned, false) }
        return ("is not set up at the target yet", true)
    }

    func fence() {
        if case .relay(let relay) = upstream { relay.fence() } else { stepEnded(nil) }
    }

    func restore() {
        if isReplica { return stepEnded(nil) }
        let state: RESPSessionState
        var request: BlockedRequest?
        switch upstream {
        case .emulator(let emulator, let client):
            if let bond = emulator.bond(of: client) { return stepEnded("a client \(bond)") }
            state = emulator.state(of: client)
            request = suspended
        case .relay(let relay):
            state = relay.tracker.state
            request = relay.cancelled
        case .none: return stepEnded(nil)
        }
        switch next {
        case .emulator(let emulator, let client):
            guard request.map({ CacheEmulator.commandNames.contains($0.name) }) ?? true else {
                return stepEnded("a client waits in a command that the emulator does not have")
            }
            suspended = request
            client.isAuthenticated = isAuthenticated
            emulator.logIn(client, as: grant.map(Grants.attachment))
            stepEnded(emulator.restore(state, to: client) ? nil : "the emulator does not have what a client has set up")
        case .relay(let relay): relay.restore(state, request)
        case .none: stepEnded("a client has no connection to the target")
        }
    }

    /// The next upstream serves; the former one is let go.
    func adopt() {
        endpoint.keepUse(of: self)
        if isReplica {
            letGo(next)
            next = .none
            return closeAtBoundary()
        }
        waitsSince = nil
        let former = upstream
        upstream = next
        next = .none
        isPaused = false
        pinned = nil
        letGo(former)
        switch upstream {
        case .relay(let relay):
            suspended = nil
            relay.adopt()
        case .emulator(let emulator, let client):
            emulator.adopted(client)
            askAgain()
            deliverAgain()
        case .none: break
        }
    }

    /// The present upstream serves on; the next one is let go.
    func resume() {
        waitsSince = nil
        letGo(next)
        next = .none
        guard isPaused else {
            suspended = nil
            if case .relay(let relay) = upstream, !relay.handover.isServing { relay.resume() }
            return
        }
        isPaused = false
        pinned = nil
        askAgain()
        deliverAgain()
    }

    /// Asks an emulator what was given up elsewhere, or here, with the time that is left.
    private func askAgain() {
        guard let request = suspended, case .emulator(let emulator, let client) = upstream else { return }
        suspended = nil
        guard let words = request.renewed(now: endpoint.loop.now) else {
            return answerAgain {
                if !request.isSilent { ReplyWriter(connection.output, version: version).nullArray() }
            }
        }
        answerAgain { emulator.ask(words, isSilent: request.isSilent, for: client) }
        emulatorWait = request.order
    }

    func deliverAgain() {
        connection.pauseReading()
        connection.resumeReading()
    }
}
