public import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

/// Start and stop: what is on disk comes back, what was cut short is brought to its end.
extension ControlPlane {
    /// Brings every resource back on its port with the same credentials, and resumes or rolls back every unfinished
    /// operation. Returns when the emulators serve; server processes come up behind it, and clients are held until then.
    ///
    /// Throws when the ledger cannot be read. A resource that cannot be served is a state, not an error.
    public func start() async throws(BrokerError) {
        watchHealth()
        try await ledger.write { try $0.forgetOldOperations() }
        let resources = try await ledger.read { try $0.resources() }
        for stored in resources { serving[stored.resource.id] = Serving() }
        for stored in resources where stored.resource.provider == .emulator { await recover(stored) }
        let others = resources.filter { $0.resource.provider != .emulator }
        background.append(Task { await recoverTogether(others) })
        background.append(Task { await removeLeftLeases() })
        background.append(Task { await retryForEver() })
    }

    /// Ends everything in order: endpoints are closed when their replies are out, server processes are asked to end.
    /// Their data stays, and `start` of the next daemon brings them back. Returns an error where something of it is lost.
    @discardableResult
    public func stop() async -> BrokerError? {
        guard !isStopping else { return nil }
        isStopping = true
        gateway.endScripts()
        let running = background + Array(bringing.values)
        background = []
        for task in running { task.cancel() }
        for task in running { await task.value }
        await endLeases()
        for kept in snapshots.values { await forget(kept) }
        for endpoint in routes.keys { await close(endpoint) }
        for id in waysBack.keys { await forgetWayBack(of: id) }
        let unsaved = await suspendServers()
        do throws(BrokerError) {
            try ledger.close()
        } catch {
            log.error("the ledger was not closed in order", metadata: ["error": "\(error)"])
        }
        return unsaved
    }

    // MARK: start

    private func recoverTogether(_ resources: [StoredResource]) async {
        let tasks = resources.map { stored in
            let id = stored.resource.id
            let task = Task {
                await recover(stored)
                bringing[id] = nil
            }
            bringing[id] = task
            return task
        }
        for task in tasks { await task.value }
    }

    /// Brings one resource back: its unfinished operation first, then its leftovers, then its service.
    private func recover(_ stored: StoredResource) async {
        let resource = stored.resource
        let key = OperationLocks.Key(workspace: resource.workspace, resource: resource.name)
        guard await locks.take(key, within: settings.patience) else {
            // The retry comes back to it.
            serving[resource.id]?.hasFailed(.failed("its start waits for another operation on it"))
            return
        }
        defer { locks.release(key) }
        do throws(BrokerError) {
            // A swap that was cut short behind its switch is finished behind the resource's service.
            if stored.lifecycle == .present { await serveOrNote(resource) }
            try await settle(resource.name, in: resource.workspace)
            try await removeLeftovers(of: resource.id)
        } catch {
            log.error("a resource was not recovered", metadata: ["resource": "\(resource.name)", "error": "\(error)"])
            serving[resource.id, default: Serving()].hasFailed(.failed(error.reason))
            await tellTrouble(of: resource)
        }
    }

    private func serveOrNote(_ resource: Resource) async {
        do throws(BrokerError) {
            try await serve(resource.id)
        } catch {
            log.warning("a resource does not serve", metadata: ["resource": "\(resource.name)", "error": "\(error)"])
        }
        await tellTrouble(of: resource)
    }

    /// Puts a state that a person should know of into the resource's log, once.
    func tellTrouble(of resource: Resource) async {
        guard let state = serving[resource.id]?.newTrouble() else { return }
        await note(resource, "\(state.word): \(state.detail ?? "")")
    }

    /// Removes what no operation answers for any more: the backing that lost a swap, a resource whose making could not
    /// be undone, an attachment that was never made.
    private func removeLeftovers(of id: ResourceID) async throws(BrokerError) {
        let (stored, attachments, backings) = try await ledger.read { reader in
            (
                try reader.resource(id), try reader.attachments(of: id),
                try reader.backings().filter { $0.resource == id }
            )
        }
        guard let stored else { return }
        let isGoing = stored.lifecycle != .present
        guard isGoing || backings.count > 1 || attachments.contains(where: { $0.lifecycle == .coming }) else { return }
        if isGoing { await closeEndpoints(of: stored.resource, attachments) }
        for backing in backings where isGoing || backing.id != stored.backing {
            try await deprovision(backing, stored.resource)
            log.notice("a leftover was removed", metadata: ["backing": "\(backing.id)"])
        }
        try await ledger.write { writer in
            for attachment in attachments where attachment.lifecycle == .coming {
                try writer.remove(attachment.attachment.id)
            }
            if isGoing { return try writer.remove(id) }
            for backing in backings where backing.id != stored.backing { try writer.remove(backing.id) }
        }
        if isGoing { serving[id] = nil }
    }

    // MARK: while it runs

    /// Tries again what does not serve: a port that somebody else holds, a provider that has failed.
    private func retryForEver() async {
        while (try? await settings.clock.sleep(for: settings.retryInterval)) != nil {
            for (id, now) in serving where now.state != .ready && now.state != .starting && !now.isSupervised {
                if now.turnsToWait > 0, now.provider != .ready {
                    serving[id]?.turnsToWait -= 1
                } else {
                    retryNow(id)
                }
            }
        }
    }

    /// One slow resource does not keep the others waiting.
    private func retryNow(_ id: ResourceID) {
        guard bringing[id] == nil else { return }
        bringing[id] = Task {
            await retry(id)
            bringing[id] = nil
        }
    }

    /// Gives up what the daemon itself does to bring a resource to service: it may take minutes, and somebody wants to
    /// be rid of the provider.
    func stopBringing(_ name: ResourceName, in workspace: WorkspaceName) async throws(BrokerError) {
        let id = try await ledger.read { try $0.resource(named: name, in: workspace)?.resource.id }
        if let id { bringing[id]?.cancel() }
    }

    private func retry(_ id: ResourceID) async {
        guard let stored = try? await ledger.read({ try $0.resource(id) }), stored.lifecycle == .present else { return }
        let key = OperationLocks.Key(workspace: stored.resource.workspace, resource: stored.resource.name)
        // Who works on it now brings it to service, or to its end.
        guard locks.takeNow(key) else { return }
        defer { locks.release(key) }
        guard serving[id] != nil else { return }
        await serveOrNote(stored.resource)
        if serving[id]?.state == .ready { await note(stored.resource, "serves again") }
    }

    private func watchHealth() {
        for provider in providers.all {
            guard let provider = provider as? any ReportsHealth else { continue }
            background.append(
                Task {
                    for await report in provider.health { await self.take(report) }
                })
        }
    }

    private func take(_ report: HealthReport) async {
        guard let backing = try? await ledger.read({ try $0.backing(report.backing) }),
            let stored = try? await ledger.read({ try $0.resource(backing.resource) }), stored.backing == report.backing
        else { return }
        let name: Logger.Metadata = ["resource": "\(stored.resource.name)"]
        switch report.health {
        case .ready:
            serving[stored.resource.id]?.provider = .ready
            serving[stored.resource.id]?.isSupervised = false
            log.notice("a resource serves again", metadata: name)
            await note(stored.resource, "serves again")
        case .failed(let why):
            // What lasts may be told again.
            guard serving[stored.resource.id]?.provider != .failed(why) else { return }
            // The provider itself starts it again: nothing is to be retried here.
            serving[stored.resource.id]?.provider = .failed(why)
            serving[stored.resource.id]?.told = .failed(why)
            serving[stored.resource.id]?.isSupervised = true
            serving[stored.resource.id]?.fix = nil
            log.warning("a resource has failed", metadata: name.merging(["why": "\(why)"]) { $1 })
            await note(stored.resource, why)
        case .noted(let what):
            log.warning("\(what)", metadata: name)
            await note(stored.resource, what)
        case .moved(let address):
            await note(stored.resource, "its server is at \(address) now")
            // The retry routes it there, as soon as no other operation works on it.
            serving[stored.resource.id]?.hasFailed(.failed("its server is at \(address) now"))
            retryNow(stored.resource.id)
        }
    }

    private func note(_ resource: Resource, _ message: String) async {
        do throws(BrokerError) {
            try await ledger.write { try $0.note(resource.name, in: resource.workspace, message) }
        } catch {
            log.error("an event was not kept", metadata: ["resource": "\(resource.name)", "error": "\(error)"])
        }
    }

    // MARK: stop

    /// Returns an error that names those which could not be put to rest in order.
    private func suspendServers() async -> BrokerError? {
        guard let backings = try? await ledger.read({ try $0.backings() }) else { return nil }
        var failed: [(resource: ResourceID, error: BrokerError)] = []
        await withTaskGroup(of: (ResourceID, BrokerError)?.self) { group in
            for backing in backings {
                guard let provider = (try? providers.provider(for: backing.provider)) as? any SuspendsServers else {
                    continue
                }
                group.addTask { [ledger, log] in
                    do throws(BrokerError) {
                        try await provider.suspend(backing)
                        // By which plan it was made it stays.
                        let memory = backing.memory.filter { $0.key == Plan.memoryKey }
                        try await ledger.write { try $0.remember(memory, for: backing.id) }
                        return nil
                    } catch {
                        log.error(
                            "a server was not stopped in order",
                            metadata: ["backing": "\(backing.id)", "error": "\(error)"])
                        return (backing.resource, error)
                    }
                }
            }
            for await failure in group.compactMap({ $0 }) { failed.append(failure) }
        }
        guard let error = failed.first?.error else { return nil }
        let resources = (try? await ledger.read { try $0.resources() }) ?? []
        let names = failed.map { failure in
            let known = resources.first { $0.resource.id == failure.resource }
            return "\"\(known?.resource.name.rawValue ?? failure.resource.rawValue)\""
        }
        return .notStopped(names.sorted().joined(separator: ", "), error)
    }
}

extension BrokerError {
    fileprivate static func notStopped(_ names: String, _ error: BrokerError) -> BrokerError {
        BrokerError(
            .needsAttention, "the daemon has ended, but \(names) not in order: what was written last may be lost",
            why: error.reason, fix: error.fix)
    }
}
