public import BrokerModel
import Ledger
import Logging
import ProviderKit

/// The way back from a swap: as long as it is open, the former provider is kept and follows what is written.
///
/// It lives with the daemon: the next one finds the former provider as a leftover and removes it.
struct OpenWayBack: Sendable {
    let wayBack: WayBack
    let former: Backing
    /// Milliseconds since 1970.
    let until: Int64
    /// Ends it when its time is over.
    let expiry: Task<Void, Never>
}

extension ControlPlane {
    /// Goes back to the provider that a swap has replaced, with what was written since; live, as the swap was.
    ///
    /// Throws `unsupported` where no way back is open; `unsafe` where something could not be carried back, unless
    /// `discard` gives that up.
    public func rollback(
        _ resource: String, _ request: RollbackRequest, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> SwapOutcome {
        let name = try ResourceName(resource)
        let call = try Call(.swap, operation, in: workspace, resource: name, request: request)
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, attachments) = try await stored(name, in: workspace)
            guard let open = waysBack[stored.resource.id] else { throw Self.noWayBack(stored.resource) }
            try checkFence(
                stored.resource, to: open.former.provider, attachments, isFenced: request.fence == true,
                "broker rollback \(name)")
            if let failure = await open.wayBack.failure, !request.discard {
                throw Self.incomplete(failure, after: await open.wayBack.changes, name, to: open.former.provider)
            }
            let intent = Intent(target: open.former.id, former: stored.backing)
            try await ledger.write { try $0.begin(try call.begin(stored.resource.id, intent)) }
            await reached(.swapIntended)
            var options = SwapOptions()
            options.isRollback = true
            options.discards = request.discard
            options.fences = request.fence == true
            if let maxPause = request.maxPause { options.maxPause = .milliseconds(max(maxPause, 1)) }
            return try await finishSwap(
                Operation(
                    id: operation, workspace: workspace, kind: .swap, resource: stored.resource.id, phase: .intended),
                intent, SwapMachine(.rollback), options)
        }
    }

    /// A copy that has other times is made anew; of anything else it is not known whether it can be.
    static func incomplete(
        _ failure: BrokerError, after changes: Int, _ name: ResourceName, to former: ProviderReference
    ) -> BrokerError {
        let holdsKeys = if case .url = former { " --overwrite" } else { "" }
        return BrokerError(
            .unsafe, "not everything written since the swap could be carried back",
            why: "after \(changes) changes: \(failure.reason)",
            fix: failure.asksForNewCopy
                ? "broker swap \(name) --to \(former.argument)\(holdsKeys)" : "broker rollback \(name) --discard")
    }

    private static func noWayBack(_ resource: Resource) -> BrokerError {
        BrokerError(
            .unsupported, "there is no way back for \"\(resource.name)\"",
            why: "it was not swapped since the daemon started, the swap copied nothing, or its undo window is over",
            fix: "swap to the provider that you want: the data is copied as it is now")
    }

    /// Has the former provider follow from now on, for as long as the window is open; else it is removed.
    func openWayBack(_ run: inout SwapRun) async throws(BrokerError) {
        do throws(BrokerError) {
            try await endWayBack(of: run.resource)
        } catch {
            log.error("a former provider was not removed", metadata: ["resource": "\(run.resource.name)"])
        }
        guard let former = run.former else { return }
        let id = run.resource.id
        guard let wayBack = run.wayBack, run.options.undoWindow > .zero else {
            await run.wayBack?.close()
            return try await remove(former, of: run.resource)
        }
        do throws(BrokerError) {
            if let failure = await wayBack.failure { throw failure }
            let target = try await copier(for: former.provider).openTarget(
                CopyTargetRequest(backing: former, serviceClass: run.resource.serviceClass, isIdle: true))
            await wayBack.open(to: target)
        } catch {
            run.outcome.noWayBack = error.reason
            await wayBack.close()
            return try await remove(former, of: run.resource)
        }
        let window = run.options.undoWindow
        let resource = run.resource
        let until = Timestamp.now() + Int64(window / .milliseconds(1))
        run.outcome.undoUntil = until
        run.outcome.undo = "broker rollback \(resource.name)"
        let expiry = Task {
            guard (try? await settings.clock.sleep(for: window)) != nil else { return }
            let key = OperationLocks.Key(workspace: resource.workspace, resource: resource.name)
            guard await locks.take(key, within: .seconds(3600)) else { return }
            defer { locks.release(key) }
            do throws(BrokerError) {
                try await endWayBack(of: resource)
            } catch {
                log.error("a former provider was not removed", metadata: ["resource": "\(resource.name)"])
            }
        }
        waysBack[id] = OpenWayBack(wayBack: wayBack, former: former, until: until, expiry: expiry)
    }

    /// Closes the way back of an earlier swap and removes the former provider.
    func endWayBack(of resource: Resource) async throws(BrokerError) {
        guard let open = waysBack[resource.id] else { return }
        await forgetWayBack(of: resource.id)
        try await remove(open.former, of: resource)
    }

    /// Closes the way back; the former provider stays.
    func forgetWayBack(of id: ResourceID) async {
        guard let open = waysBack.removeValue(forKey: id) else { return }
        open.expiry.cancel()
        await open.wayBack.close()
    }

    private func remove(_ former: Backing, of resource: Resource) async throws(BrokerError) {
        try await deprovision(former, resource)
        try await ledger.write { try $0.remove(former.id) }
    }
}
