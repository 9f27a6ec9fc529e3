public import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

extension ControlPlane {
    /// Puts another provider behind a resource while its apps run: the data is carried across, the clients stay
    /// connected and notice a short pause. URL, alias and credential of every attachment stay.
    ///
    /// The target is checked first; when that fails, nothing has changed, and a failure before the switch leads back.
    /// A cold swap copies nothing and closes the connections at a reply boundary.
    public func swap(
        _ resource: String, _ request: SwapRequest, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> SwapOutcome {
        let name = try ResourceName(resource)
        let target = try request.to.resolved()
        let call = try Call(
            .swap, operation, in: workspace, resource: name, request: request.withoutSecret)
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, attachments) = try await stored(name, in: workspace)
            let provider = try providers.provider(for: target)
            try SwapRules.check(stored.resource, to: target, provider.offerings, attachments)
            try checkFence(
                stored.resource, to: target, attachments, isFenced: request.fence == true,
                "broker swap \(name) --to \(target.argument)")
            let response = try await provider.check(
                CheckRequest(provider: target, serviceClass: stored.resource.serviceClass))
            await takingBack.removeValue(forKey: stored.resource.id)?.value
            // One way back at a time: that of an earlier swap ends with the switch, but here where it may lead to the very
            // data that this one is to use.
            if request.existing != nil { try await endWayBack(of: stored.resource) }

            // The plan goes along, also by way of a provider that does not have it: back at one that does, it holds again.
            let former = try await ledger.read { try $0.backing(stored.backing) }
            let plan = former?.memory[Plan.memoryKey] ?? stored.resource.plan.name
            let backing = Backing(
                id: .random(), resource: stored.resource.id, provider: target, secret: .random(),
                memory: [Plan.memoryKey: plan])
            let intent = Intent(target: backing.id, former: stored.backing, server: response.server)
            try await ledger.write { writer in
                try writer.insert(backing)
                try writer.begin(try call.begin(stored.resource.id, intent))
            }
            await reached(.swapIntended)
            return try await finishSwap(
                Operation(
                    id: operation, workspace: workspace, kind: .swap, resource: stored.resource.id, phase: .intended),
                intent, SwapMachine(request.cold == true ? .cold : .live), SwapOptions(request))
        }
    }

    /// A resource that is there, and what is attached to it.
    func stored(
        _ name: ResourceName, in workspace: WorkspaceName
    ) async throws(BrokerError) -> (StoredResource, [StoredAttachment]) {
        let (stored, attachments) = try await ledger.read { reader in
            let stored = try reader.resource(named: name, in: workspace)
            return (stored, try stored.map { try reader.attachments(of: $0.resource.id) } ?? [])
        }
        guard let stored else { throw Self.notFound(name) }
        try checkPresent(stored)
        return (stored, attachments)
    }

    /// Runs the machine's actions to its end.
    func finishSwap(
        _ operation: Operation, _ intent: Intent, _ machine: SwapMachine, _ options: SwapOptions = SwapOptions()
    ) async throws(BrokerError) -> SwapOutcome {
        var run = try await SwapRun(operation, intent, options, ledger)
        if options.isRollback { run.wayBack = waysBack[operation.resource]?.wayBack }
        var machine = machine
        var action = machine.begin()
        while true {
            if case .end(let error) = action {
                progress[run.resource.id] = nil
                await run.copy?.close()
                if let error { throw error }
                return run.outcome
            }
            let began = ContinuousClock.now
            do throws(BrokerError) {
                try await take(action, &run)
                run.outcome.phases["\(action)"] = began.duration(to: .now) / .milliseconds(1)
                action = machine.done()
            } catch {
                log.warning("a swap's step failed", metadata: ["operation": "\(operation.id)", "error": "\(error)"])
                action = machine.failed(error)
            }
        }
    }

    private func take(_ action: SwapMachine.Action, _ run: inout SwapRun) async throws(BrokerError) {
        let operation = run.operation
        switch action {
        case .provisionTarget:
            let response = try await provision(
                run.target, run.resource, plan: try plan(of: run.target, run.resource))
            run.outcome.server = response.server ?? run.outcome.server
            run.response = response
            await reached(.swapProvisioned)
        case .persistProvisioned:
            try await ledger.write { try $0.advance(operation.id, to: .effected) }
            await reached(.swapEffected)
        case .copy: try await copy(&run)
        case .verify: try await verify(&run)
        case .prepareClients: try await prepareClients(&run)
        case .pauseClients: try await pauseClients(&run)
        case .copyTail: try await copyTail(&run)
        case .restoreClients: try await restoreClients(&run)
        case .adoptClients: try await adoptClients(&run)
        case .openWayBack: try await openWayBack(&run)
        case .holdClients:
            run.outcome.cold = true
            try await bindDirect(&run)
            run.pausedAt = ContinuousClock.now
            for endpoint in run.endpoints where routes[endpoint] != nil {
                routes[endpoint] = .some(nil)
                run.outcome.closed += await gateway.route(endpoint, to: nil)
            }
            try await fence(&run)
            await reached(.swapHeld)
        case .commitSwitch: try await commitSwitch(&run)
        case .routeToTarget:
            guard let response = run.response else { throw Self.internalFailure }
            await tellFenced(&run)
            for endpoint in run.endpoints { await route(endpoint, to: response, of: run.target.id) }
            serving[run.resource.id, default: Serving()].serves(response)
            run.outcome.pause = run.pausedAt.duration(to: .now) / .milliseconds(1)
            await reached(.swapSwitched)
        case .removeFormer:
            if run.options.isRollback {
                await forgetWayBack(of: run.resource.id)
            } else {
                try await endWayBack(of: run.resource)
            }
            if let former = run.former {
                try await deprovision(former, run.resource)
                try await ledger.write { try $0.remove(former.id) }
            }
            await reached(.swapRemoved)
        case .commitOutcome:
            try await commitOutcome(run)
            await reached(.swapCommitted)
        case .resumeFormer:
            // Clients that were closed or shut out are let in, those that were paused go on.
            for endpoint in run.endpoints { await gateway.resume(endpoint) }
            await liftFence(run)
            if run.outcome.cold { try await serve(run.resource.id) }
        case .removeTarget:
            run.response = nil
            await run.copy?.close()
            await run.wayBack?.close()
            if run.hasWritten, case .url = run.target.provider { await startTakingBack(run) }
            try await deprovision(run.target, run.resource)
            run.isTargetRemoved = true
        case .followAgain:
            await unbindDirect(run)
            await run.wayBack?.start()
        case .commitFailure(let error):
            let (resource, target, isRemoved) = (run.resource, run.target.id, run.isTargetRemoved)
            try await ledger.write { writer in
                // What could not be removed is found and removed at the next start.
                if isRemoved { try writer.remove(target) }
                try writer.fail(operation.id, error)
                try writer.note(resource.name, in: resource.workspace, "swap undone: \(error.what)")
            }
        case .end: break
        }
    }

    /// Waits for it a little: the user waits for the word on what has failed. The next swap waits for the rest.
    private func startTakingBack(_ run: SwapRun) async {
        let work = Task { await noteLeftover(run) }
        takingBack[run.resource.id] = work
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        Task {
            await work.value
            end.finish()
        }
        let limit = Task {
            try? await ContinuousClock().sleep(for: .seconds(1))
            end.finish()
        }
        for await _ in ended {}
        limit.cancel()
    }

    /// What could not be taken back is told where the failure is.
    private func noteLeftover(_ run: SwapRun) async {
        let text: String
        do throws(BrokerError) {
            let left = try await takeBack(run)
            guard left > 0 else { return }
            text =
                "\(left) \(left == 1 ? "key is" : "keys are") left at \(run.target.provider): changed since they were copied"
        } catch {
            text = "what was copied to \(run.target.provider) is left there: \(error.what)"
        }
        log.warning("an aborted swap has left something", metadata: ["what": "\(text)"])
        try? await ledger.write { try $0.note(run.resource.name, in: run.resource.workspace, text) }
    }

    private func commitSwitch(_ run: inout SwapRun) async throws(BrokerError) {
        let (operation, resource, target, direct) = (run.operation, run.resource, run.target, run.direct)
        let verb = run.options.isRollback ? "roll back" : "swap"
        let how =
            run.outcome.cold
            ? "connections closed, no data copied"
            : run.options.mode == .adopt ? "live, with the target's own data" : "live, with its data"
        let plan = try plan(of: target, resource)
        run.outcome.releases = try await ledger.write { writer in
            try writer.switchResource(resource.id, to: target.id, plan: plan)
            try writer.advance(operation.id, to: .switched)
            let description = "\(verb) \(resource.name) to \(target.provider)"
            var releases: [String: Int] = [:]
            let attachments = try writer.attachments(of: resource.id).filter { $0.lifecycle == .present }
            for app in Set(attachments.map(\.attachment.app)) {
                let before = AppEnvironment(try writer.members(of: app, in: resource.workspace))
                for edge in attachments where edge.attachment.app == app {
                    if let url = direct[edge.attachment.id] { try writer.set(url, of: edge.attachment.id) }
                }
                let after = AppEnvironment(try writer.members(of: app, in: resource.workspace))
                let release = try writer.addRelease(
                    of: app, in: resource.workspace, description, after.difference(from: before))
                try writer.note(app, in: resource.workspace, "release v\(release): \(description)")
                releases[app.rawValue] = release
            }
            try writer.note(
                resource.name, in: resource.workspace,
                "swapped: \(resource.provider) → \(target.provider); \(how)")
            return releases
        }
    }

    private func commitOutcome(_ run: SwapRun) async throws(BrokerError) {
        let outcome = run.outcome
        let (id, resource) = (run.operation.id, run.resource)
        try await ledger.write { writer in
            try writer.succeed(id, outcome: try LedgerText.encode(outcome))
            try writer.note(resource.name, in: resource.workspace, outcome.line)
        }
    }
}

/// What a swap refuses before anything is looked at.
enum SwapRules {
    /// Throws `providerUnchanged`, or `acrossClasses` with a fix.
    static func check(
        _ resource: Resource, to target: ProviderReference, _ offerings: [Offering], _ attachments: [StoredAttachment]
    ) throws(BrokerError) {
        guard resource.provider != target else {
            throw BrokerError(
                .providerUnchanged, "\"\(resource.name)\" is served by \(target) already", why: "nothing was changed",
                fix: "broker status")
        }
        try checkClass(of: resource, target, offerings, attachments)
    }

    /// Throws `acrossClasses` where the target's servers are of another class, `unsupported` where they are of this one
    /// and no provider can use them.
    private static func checkClass(
        of resource: Resource, _ target: ProviderReference, _ offerings: [Offering], _ attachments: [StoredAttachment]
    ) throws(BrokerError) {
        let serviceClass = resource.serviceClass
        let isOffered = offerings.contains { $0.serviceClass == serviceClass }
        let own = ServedClasses.own(of: target)
        guard !isOffered || (own != nil && own != serviceClass) else { return }
        guard let targetClass = own ?? offerings.first?.serviceClass, targetClass != serviceClass else {
            throw BrokerError(
                .unsupported, "\"\(target)\" cannot serve \"\(resource.name)\"",
                why: ServedClasses.why(not: serviceClass, target, offerings),
                fix: "leave \"\(resource.name)\" where it is: \(resource.provider) serves it")
        }
        let canServe = offerings.contains { $0.serviceClass == targetClass }
        let attach = attachments.first.map { edge in
            " && broker attach \(resource.name)2 --to \(edge.attachment.app) --as \(edge.attachment.alias)_2"
        }
        throw BrokerError(
            .acrossClasses,
            "cannot swap across classes: \(resource.name) is \(serviceClass.rawValue), target is \(targetClass.rawValue)",
            why: "the protocols differ; the app would meet errors that nothing can prevent",
            fix: "broker create \(resource.name)2 --class \(targetClass.rawValue)"
                + (canServe ? " --provider \(target.argument)" : "") + (attach ?? ""))
    }
}
