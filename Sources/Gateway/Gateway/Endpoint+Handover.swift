import CacheEmulator
import EventLoop
import RESPWire

/// Exchanging the upstream under connected clients: prepare, pause, restore, then adopt, or resume.
extension Endpoint {
    typealias Ended = (HandoverFailure?) -> Void

    /// Every client gets a connection to the target beside the present one. Clients that come meanwhile, too.
    func prepare(for target: Upstream, within limit: Duration, _ ended: @escaping Ended) {
        guard upstream != nil, handover == nil else { return ended(.notServing) }
        handover = Handover(target: target)
        nameAttachments()
        loadScripts()
        run(.preparing, within: limit, ended)
    }

    /// Takes no more requests, awaits every reply and everything that was published.
    func pause(within limit: Duration, _ ended: @escaping Ended) {
        guard handover != nil else { return ended(.notServing) }
        let begin = loop.now
        run(.pausing, within: limit) { [weak self] failure in
            guard let self, failure == nil else { return ended(failure) }
            let passed = Duration.nanoseconds(Int64(loop.now - begin))
            run(.fencing, within: max(limit - passed, .milliseconds(1)), ended)
        }
    }

    /// Sets up at the target what the paused clients have set up here.
    func restore(within limit: Duration, _ ended: @escaping Ended) {
        guard handover?.holdsClients == true else { return ended(.notServing) }
        // Those that have come since; most are there already.
        loadScripts()
        guard let loader else { return run(.restoring, within: limit, ended) }
        let begin = loop.now
        // One that does not answer is not waited for: its own clients will say so.
        var isGoingOn = false
        let goOn = { [weak self] in
            guard !isGoingOn else { return }
            isGoingOn = true
            guard let self else { return ended(.notServing) }
            let passed = Duration.nanoseconds(Int64(loop.now - begin))
            run(.restoring, within: max(limit - passed, .milliseconds(1)), ended)
        }
        loop.schedule(after: UInt64(max(limit / .nanoseconds(2), 1))) { goOn() }
        loader.ask([Array("PING".utf8)]) { _ in goOn() }
    }

    /// Puts into the target's cache what clients have put into the present one. A script that is refused there will be
    /// refused when it is asked for.
    private func loadScripts() {
        if case .cache(let emulator)? = upstream { scripts.follow(emulator.value.scriptTexts) }
        guard let target = handover?.target, let number = handover?.scriptsLoaded, number < scripts.end else { return }
        if case .cache(let emulator) = target {
            for script in scripts.from(number) { emulator.value.cacheScript(script) }
            handover?.scriptsLoaded = scripts.end
        }
        guard case .redisServer(let server) = target else { return }
        let loader = loader ?? ServerDialogue(server: server, loop: loop)
        self.loader = loader
        for script in scripts.from(number) { loader.ask([Array("SCRIPT".utf8), Array("LOAD".utf8), script]) }
        handover?.scriptsLoaded = scripts.end
    }

    /// The target serves from now on.
    func adopt() -> Adoption? {
        guard let handover, handover.step == .restoring, handover.waiting.isEmpty else { return nil }
        self.handover = nil
        endLoading()
        // Those that wait longest ask first.
        let sessions = redisSessions.values.sorted { $0.waitOrder < $1.waitOrder }
        let held = heldCount
        let moved = sessions.count { !$0.isReplica && !$0.isLeaving }
        let now = loop.now
        let waits = sessions.compactMap { session in
            session.waitsSince.map { Duration.nanoseconds(Int64(now &- $0)) }
        }
        exchange(handover.target)
        isAdopting = true
        for session in sessions { session.adopt() }
        isAdopting = false
        serveHeld()
        closeLeft()
        return Adoption(moved: moved, held: held, waits: waits)
    }

    /// The present upstream serves on, as if nothing had been.
    func abandonHandover() {
        guard handover != nil else { return }
        endStep { $0.failed(.notServing) }
        handover = nil
        endLoading()
        for session in redisSessions.values.sorted(by: { $0.waitOrder < $1.waitOrder }) { session.resume() }
        serveHeld()
    }

    private func endLoading() {
        loader?.close()
        loader = nil
    }

    func stepEnded(_ connection: UInt64, _ failure: String?) {
        endStep { handover in
            if let failure { handover.failed(.target(failure)) } else { handover.done(connection) }
        }
    }

    /// What is told at the end of a step runs when nothing of the handover is in use.
    private func endStep(_ body: (inout Handover) -> (() -> Void)?) {
        // Taken out: a copy of everybody who waits, for each who does not any more, would cost the square of them.
        guard var changed = handover.take() else { return }
        let tell = body(&changed)
        handover = changed
        tell?()
    }

    private func run(_ step: Handover.Step, within limit: Duration, _ ended: @escaping Ended) {
        guard let target = handover?.target else { return ended(.notServing) }
        if let failure = handover?.failure { return ended(failure) }
        let sessions = Array(redisSessions.values)
        var timer: TimerToken?
        handover?.begin(step, sessions.map(\.connection.id)) { [loop] failure in
            if let timer { loop.cancel(timer) }
            ended(failure)
        }
        timer = loop.schedule(after: UInt64(max(limit / .nanoseconds(1), 1))) { [weak self] in
            guard let self, handover?.step == step else { return }
            let failure = HandoverFailure.tooLate(pinned)
            endStep { $0.failed(failure) }
        }
        guard !sessions.isEmpty else {
            return endStep { $0.finish() }
        }
        switch step {
        case .preparing: prepare(sessions[...], for: target)
        case .pausing: for session in sessions { session.pause() }
        case .fencing: for session in sessions { session.fence() }
        case .restoring: for session in sessions { session.restore() }
        }
    }

    /// A few at a time: everybody is served meanwhile, and would wait for thousands of connections to be made.
    private func prepare(_ sessions: ArraySlice<RedisSession>, for target: Upstream) {
        for session in sessions.prefix(Self.atOnce) where session.connection.isOpen { session.prepare(for: target) }
        let rest = LoopBound(sessions.dropFirst(Self.atOnce), on: loop)
        guard !rest.value.isEmpty else { return }
        let bound = LoopBound(self, on: loop)
        loop.post {
            guard bound.value.handover?.step == .preparing, bound.value.handover?.failure == nil else { return }
            bound.value.prepare(rest.value, for: target)
        }
    }

    /// Closes what a session has left; when all are left at once, a few at a time, behind the clients that wait.
    func close(_ connection: Connection) {
        if isAdopting { left.append(connection) } else { connection.close() }
    }

    private func closeLeft() {
        for connection in left.prefix(Self.atOnce) { connection.close() }
        left = Array(left.dropFirst(Self.atOnce))
        guard !left.isEmpty else { return }
        let bound = LoopBound(self, on: loop)
        loop.post { bound.value.closeLeft() }
    }

    private static let atOnce = 32

    private var pinned: [PinnedClient] {
        let waiting = handover?.waiting ?? []
        return redisSessions.values.filter { waiting.contains($0.connection.id) }.sorted { $0.id < $1.id }.prefix(16)
            .map {
                PinnedClient(
                    address: $0.connection.peerAddress, $0.pin,
                    age: Int((loop.now - $0.connectedAt) / 1_000_000_000))
            }
    }

    // MARK: commands that block

    /// Has a server give up the command that one of its clients waits in; what XREAD wants from "now" on is resolved
    /// first, to be asked elsewhere as if it had been asked here.
    ///
    /// - Parameter asked: called with the request as it is to be asked elsewhere, when the server knows.
    func cancel(
        _ request: BlockedRequest, of client: Int64, database: Int, at server: Upstream.RedisServer,
        _ asked: @escaping (BlockedRequest) -> Void
    ) {
        let dialogue = dialogue(with: server)
        var request = request
        let open = request.openIDs
        if !open.isEmpty { dialogue.ask("SELECT", "\(server.database ?? database)") }
        for (key, word) in open {
            dialogue.ask([Array("XINFO".utf8), Array("STREAM".utf8), key]) { reply in
                guard let reply else { return }
                request.resolve(word, to: Self.lastID(in: reply))
            }
        }
        // Not TIMEOUT: to the client's eyes a timeout has passed that has not.
        dialogue.ask(["CLIENT", "UNBLOCK", "\(client)", "ERROR"].map { Array($0.utf8) }) { _ in asked(request) }
    }

    /// The id behind `last-generated-id` in the answer to XINFO STREAM; 0-0 where there is no stream.
    private static func lastID(in reply: [UInt8]) -> [UInt8] {
        var lines = reply.split(separator: 13, omittingEmptySubsequences: false).map { $0.drop { $0 == 10 } }[...]
        while let line = lines.popFirst() {
            guard line.elementsEqual("last-generated-id".utf8), lines.count >= 2 else { continue }
            return Array(lines[lines.startIndex + 1])
        }
        return Array("0-0".utf8)
    }
}

extension RedisSession {
    /// The place of the client's request among those that block; the others come behind.
    fileprivate var waitOrder: UInt64 {
        if let suspended { return suspended.order }
        let request: BlockedRequest? =
            switch (upstream, next) {
            case (.relay(let relay), _) where relay.cancelled != nil: relay.cancelled
            case (_, .relay(let relay)): relay.cancelled
            default: nil
            }
        return request?.order ?? .max
    }
}
