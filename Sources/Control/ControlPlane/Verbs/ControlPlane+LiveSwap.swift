import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

/// The steps of a live swap: the data is carried across while the clients are served, then they are moved within one
/// short pause.
extension ControlPlane {
    // MARK: while the clients are served

    func copy(_ run: inout SwapRun) async throws(BrokerError) {
        run.requestsBefore = await requests(run)
        if run.options.isRollback {
            // The former provider has followed since the swap; what it lacks is said before anybody is paused.
            if let wayBack = run.wayBack, let failure = await wayBack.failure, !run.options.discards {
                throw Self.incomplete(
                    failure, after: await wayBack.changes, run.resource.name, to: run.target.provider)
            }
            run.response = try await provision(
                run.target, run.resource, plan: try plan(of: run.target, run.resource))
            run.outcome.server = run.response?.server
            return
        }
        guard let former = run.former else { throw Self.internalFailure }
        let serviceClass = run.resource.serviceClass
        let copier = try copier(for: run.target.provider)
        try await checkFitness(&run, former, copier)
        guard run.options.mode != .adopt else {
            run.outcome.noWayBack = "the target's own data is used, and the former provider's is given up"
            return
        }
        let target = try await copier.openTarget(CopyTargetRequest(backing: run.target, serviceClass: serviceClass))
        do throws(BrokerError) {
            if run.options.mode == .overwrite { try await (target as? any StandingCopyTarget)?.removeAll() }
            run.hasWritten = true
            // While it is empty: what it will say about our own copying is thrown away.
            run.wayBack = await followTarget(&run, copier)
            let source = try await self.copier(for: former.provider).openSource(
                CopySourceRequest(
                    backing: former, serviceClass: serviceClass, contents: .everything,
                    watch: watch(run, run.open(routes).compactMap { routes[$0]??.server }.first)))
            run.copy = DataCopy(source: source, target: target, progress[run.resource.id])
        } catch {
            await target.close()
            throw error
        }
        await reached(.swapCopying)
        let share = run.options.maxPause / 4
        try await run.copy?.copySnapshot()
        try await run.copy?.converge(within: share)
        await reached(.swapCopied)
    }

    /// Nil, with the reason in the outcome, where the target's changes cannot be followed.
    private func followTarget(_ run: inout SwapRun, _ copier: any CopiesData) async -> WayBack? {
        let target: Upstream.RedisServer? =
            if case .redisServer(let server)? = run.response?.upstream { server } else { nil }
        do throws(BrokerError) {
            let wayBack = WayBack(
                source: try await copier.openSource(
                    CopySourceRequest(
                        backing: run.target, serviceClass: run.resource.serviceClass, contents: .changes,
                        watch: watch(run, target))))
            await wayBack.start()
            return wayBack
        } catch {
            run.outcome.noWayBack = error.reason
            return nil
        }
    }

    /// How what the clients change at `server` can be noted, for a server that hands its changes to nobody.
    private func watch(_ run: SwapRun, _ server: Upstream.RedisServer?) -> CopySourceRequest.Watch? {
        guard let server else { return nil }
        return { [gateway, endpoints = run.endpoints] keys in
            await gateway.watchChanges(of: endpoints, at: server, keys)
        }
    }

    /// Looks at both sides once more, now that the target serves: the first reason against the swap is thrown.
    private func checkFitness(
        _ run: inout SwapRun, _ former: Backing, _ copier: any CopiesData
    ) async throws(BrokerError) {
        let serviceClass = run.resource.serviceClass
        let source = try await self.copier(for: former.provider).survey(
            SurveyRequest(backing: former, serviceClass: serviceClass))
        let offer = try await copier.survey(SurveyRequest(backing: run.target, serviceClass: serviceClass))
        let clients = await gateway.statistics()
        let fitness = SwapFitness(
            resource: run.resource, target: run.target.provider, source: source, offer: offer,
            used: await used(by: run.attachments, of: run.resource),
            clients: run.endpoints.reduce(0) { $0 + (clients[$1]?.connections ?? 0) }, mode: run.options.mode)
        if let problem = fitness.problems.first { throw problem }
        progress[run.resource.id] = SwapProgress(to: run.target.provider.description, total: source.count)
        run.evictedBefore = offer.evictedKeys
    }

    /// That the resource's clients have asked so far.
    func requests(_ run: SwapRun) async -> UInt64 {
        let statistics = await gateway.statistics()
        return run.endpoints.reduce(0) { $0 &+ (statistics[$1]?.requests ?? 0) }
    }

    /// A target that throws keys away would lose what it is given.
    private func checkEvictions(_ run: SwapRun) async throws(BrokerError) {
        guard run.copy != nil, let before = run.evictedBefore else { return }
        let now = try await copier(for: run.target.provider).survey(
            SurveyRequest(backing: run.target, serviceClass: run.resource.serviceClass))
        guard let evicted = now.evictedKeys, evicted > before else { return }
        throw BrokerError(
            .rolledBack, "\"\(run.target.provider)\" throws keys away",
            why: "\(evicted - before) keys since the copy began: its maxmemory is too little for the data",
            fix: "raise maxmemory of that server, or choose another one")
    }

    /// Removes from a server that stays what an aborted swap has written there: the keys that are as they are at the
    /// source. Others may be somebody else's by now. Returns how many are left.
    func takeBack(_ run: SwapRun) async throws(BrokerError) -> Int {
        guard let former = run.former else { return 0 }
        let serviceClass = run.resource.serviceClass
        let written = try await copier(for: run.target.provider).openTarget(
            CopyTargetRequest(backing: run.target, serviceClass: serviceClass))
        guard let target = written as? any StandingCopyTarget else {
            await written.close()
            return 0
        }
        let result: Result<Int, BrokerError>
        do throws(BrokerError) {
            let source = try await copier(for: former.provider).openTarget(
                CopyTargetRequest(backing: former, serviceClass: serviceClass))
            var cursor: CopyCursor?
            repeat {
                let part = try await target.keys(from: cursor)
                let digests = try await source.digests(of: part.keys)
                _ = try await target.remove(part.keys, with: digests)
                cursor = part.next
            } while cursor != nil
            await source.close()
            result = .success(try await target.counts().values.reduce(0, +))
        } catch {
            result = .failure(error)
        }
        await target.close()
        return try result.get()
    }

    func copier(for provider: ProviderReference) throws(BrokerError) -> any CopiesData {
        guard let copier = try providers.provider(for: provider) as? any CopiesData else {
            throw BrokerError(
                .unsupported, "the data of \"\(provider)\" cannot be copied", why: "its provider hands none out",
                fix: "swap with --cold: connections are closed and no data is copied")
        }
        return copier
    }

    func verify(_ run: inout SwapRun) async throws(BrokerError) {
        let limit: Int?
        switch run.options.verify {
        case .some(.none): return
        case .full: limit = nil
        case .sample: limit = SwapOptions.sample
        case nil:
            let keys = try await run.copy?.source.counts().values.reduce(0, +) ?? 0
            limit = keys > SwapOptions.mostCompared ? SwapOptions.sample : nil
        }
        try await run.copy?.verify(limit: limit)
    }

    // MARK: within the pause

    func prepareClients(_ run: inout SwapRun) async throws(BrokerError) {
        guard let upstream = run.response?.upstream else { throw Self.internalFailure }
        progress[run.resource.id]?.enter(.moving)
        // What is left of the copying is short now: nobody may be inside a call when the pause begins.
        await run.wayBack?.halt()
        try await checkEvictions(run)
        let share = run.options.maxPause / 4
        try await run.copy?.converge(within: share)
        // A copy by key that had to begin again was not compared since.
        for _ in 0..<3 {
            guard let copy = run.copy, await copy.hasBegunAgain else { break }
            try await verify(&run)
            try await run.copy?.converge(within: share)
        }
        try await carrySettings(&run)
        try await lookAtBounds(&run)
        try await bindDirect(&run)
        for endpoint in run.open(routes) {
            if let failure = await gateway.prepare(endpoint, for: upstream, within: .seconds(30)) {
                throw failure.error(run)
            }
        }
    }

    func pauseClients(_ run: inout SwapRun) async throws(BrokerError) {
        try await run.copy?.catchUp()
        run.pausedAt = ContinuousClock.now
        for endpoint in run.open(routes) {
            if let failure = await gateway.pause(endpoint, within: run.timeLeft) { throw failure.error(run) }
        }
        try await fence(&run)
        await reached(.swapHeld)
    }

    func copyTail(_ run: inout SwapRun) async throws(BrokerError) {
        if run.options.isRollback {
            guard let wayBack = run.wayBack else { return }
            let isInTime: Bool
            do throws(BrokerError) {
                isInTime = try await wayBack.drain(within: run.timeLeft)
            } catch {
                // It may have failed since the start, when that was looked at.
                guard !run.options.discards else { return }
                throw Self.incomplete(
                    error, after: await wayBack.changes, run.resource.name, to: run.target.provider)
            }
            guard isInTime else { throw HandoverFailure.tooLate([]).error(run) }
            return
        }
        // A stall of either side must not keep the clients waiting: at the deadline both are cut off.
        let (copy, wayBack) = (run.copy, run.wayBack)
        let limit = run.timeLeft
        let watchdog = Task {
            guard (try? await ContinuousClock().sleep(for: limit)) != nil else { return }
            await copy?.close()
            await wayBack?.close()
        }
        defer { watchdog.cancel() }
        do throws(BrokerError) {
            try await run.copy?.catchUp()
            if let copy = run.copy, await copy.hasBegunAgain { throw Self.begunAgain(run) }
            if run.copy?.suspects.isEmpty == false { try await run.copy?.compareSuspects() }
            if let different = run.copy?.suspects, let first = different.first {
                throw await differ(different.count, first, run)
            }
            try await run.wayBack?.skip()
        } catch {
            guard run.timeLeft <= .zero else { throw error }
            throw HandoverFailure.tooLate([]).error(run)
        }
        run.outcome.copy = run.copy?.receipt
    }

    private static func begunAgain(_ run: SwapRun) -> BrokerError {
        BrokerError(
            .rolledBack, "the copy of \"\(run.resource.name)\" had to begin again within the pause",
            why:
                "an app sent what may change any key (FLUSHDB, a script without keys), and the copy was not compared since",
            fix: run.command)
    }

    private func differ(_ count: Int, _ first: CopyKey, _ run: SwapRun) async -> BrokerError {
        let name = run.resource.name
        let isFrozen = await isTimeFrozen(at: run.former, run.resource)
        return BrokerError(
            .rolledBack, "the copy is not the same: \(count) \(count == 1 ? "key differs" : "keys differ")",
            why: "the first is \"\(String(decoding: first.name.prefix(64), as: UTF8.self))\" of database "
                + "\(first.database): "
                + (isFrozen
                    ? "the clock of \"\(name)\" stands still, and at the target that key's time may be over"
                    : "somebody else writes to the target, or it keeps the value in another form"),
            fix: isFrozen
                ? "broker clock resume \(name) && \(run.command)"
                : "nothing has changed; look at that key on both sides")
    }

    private func isTimeFrozen(at backing: Backing?, _ resource: Resource) async -> Bool {
        guard let backing, let clock = (try? providers.provider(for: backing.provider)) as? any ControlsClock else {
            return false
        }
        let look = ClockMove(backing: backing, serviceClass: resource.serviceClass, step: .look)
        return (try? await clock.move(look))?.isFrozen == true
    }

    func restoreClients(_ run: inout SwapRun) async throws(BrokerError) {
        for endpoint in run.open(routes) {
            if let failure = await gateway.restore(endpoint, within: run.timeLeft) { throw failure.error(run) }
        }
        // An app may have changed them since.
        if run.former?.provider == .emulator { try await carrySettings(&run) }
        try await carryBound(run)
        guard run.timeLeft > .zero else { throw HandoverFailure.tooLate([]).error(run) }
        await reached(.swapRestored)
    }

    /// Users that were made since the swap was checked, and those that a rollback would lose.
    private func checkMadeUsers(_ run: SwapRun, _ former: Backing) async throws(BrokerError) {
        guard former.provider == .emulator else { return }
        let survey = try await copier(for: former.provider).survey(
            SurveyRequest(backing: former, serviceClass: run.resource.serviceClass))
        if let problem = SwapFitness.loss(of: survey.madeUsers, at: run.target.provider) { throw problem }
    }

    /// What apps have set up beside their data: users are not lost, and who listens to events of keys hears of them at the
    /// target, too. A server at a URL has the events that its owner wants: on the way back from there the former ones count.
    private func carrySettings(_ run: inout SwapRun) async throws(BrokerError) {
        guard let former = run.former, run.options.mode != .cold else { return }
        try await checkMadeUsers(run, former)
        if run.options.isRollback, case .url = former.provider { return }
        guard let events = try await copier(for: former.provider).keyspaceEvents(of: former), events != run.events
        else { return }
        let copier = try copier(for: run.target.provider)
        let offered = try await copier.keyspaceEvents(of: run.target)
        if case .url = run.target.provider {
            let used = await used(by: run.attachments, of: run.resource)
            if SwapFitness.listens(used), let problem = BrokerError.silence(events, offered, at: run.target.provider) {
                throw problem
            }
        } else if offered != events {
            try await copier.setKeyspaceEvents(events, of: run.target)
        }
        run.events = events
    }

    // MARK: behind the switch

    func adoptClients(_ run: inout SwapRun) async throws(BrokerError) {
        guard let response = run.response, let upstream = response.upstream else { throw Self.internalFailure }
        // Nothing is carried there any more: from now on its own clock ends its keys.
        await run.copy?.target.close()
        if run.options.isRollback { await run.wayBack?.closeTarget() }
        for endpoint in run.open(routes) {
            if let adopted = await gateway.adopt(endpoint) {
                run.outcome.moved += adopted.moved
                run.outcome.held += adopted.held
                run.waits += adopted.waits
            } else {
                // Closed rather than left with a provider that does not count any more.
                run.outcome.closed += await gateway.route(endpoint, to: upstream)
            }
            routes[endpoint] = Route(backing: run.target.id, upstream)
        }
        serving[run.resource.id, default: Serving()].serves(response)
        run.outcome.pause = run.pausedAt.duration(to: .now) / .milliseconds(1)
        run.outcome.requests = Int(clamping: max(await requests(run), run.requestsBefore) - run.requestsBefore)
        run.outcome.stall = StallReceipt(run.waits)
        await run.copy?.source.close()
        await tellFenced(&run)
        await reached(.swapSwitched)
    }
}

extension SwapRun {
    /// The endpoints that are open: the others have no clients.
    func open(_ routes: [EndpointID: Route?]) -> [EndpointID] {
        endpoints.filter { routes[$0] != nil }
    }

    /// Of the pause.
    var timeLeft: Duration { max(options.maxPause - pausedAt.duration(to: .now), .zero) }
}

extension HandoverFailure {
    func error(_ run: SwapRun) -> BrokerError {
        let pause = Int(run.options.maxPause / .milliseconds(1))
        let again = run.command + " --max-pause \(pause * 4)ms"
        switch self {
        case .tooLate(let clients):
            let named = clients.prefix(3).map { "\($0.address) \($0.why), connected for \($0.age) s" }
            return BrokerError(
                .rolledBack, "the clients could not be moved within \(pause) ms",
                why: named.isEmpty ? "what was left to carry over took longer" : named.joined(separator: "; "),
                fix: clients.allSatisfy(\.mayEnd)
                    ? again : "end what the client does, or the client, and then: \(run.command)")
        case .target(let why):
            return BrokerError(
                .rolledBack, "a client could not be moved to \"\(run.target.provider)\"", why: why, fix: again)
        case .notServing:
            return BrokerError(
                .rolledBack, "the clients could not be moved",
                why: "the endpoint was closed or routed elsewhere meanwhile",
                fix: "broker status")
        }
    }
}
