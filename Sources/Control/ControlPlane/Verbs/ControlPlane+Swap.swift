public import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

extension ControlPlane {
    /// Puts another provider behind a resource: cold, so connections are closed at a reply boundary and no data is
    /// copied. URL, alias and credential of every attachment stay.
    ///
    /// The target is checked first; when that fails, nothing has changed. An emulator's or server process's data goes
    /// with it after the switch; a server elsewhere keeps its own.
    public func swap(
        _ resource: String, _ request: SwapRequest, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> SwapOutcome {
        let name = try ResourceName(resource)
        let target = try request.to.resolved()
        let call = try Call(
            .swap, operation, in: workspace, resource: name,
            request: [name.rawValue, request.to.withoutSecret.reference])
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, attachments) = try await ledger.read { reader in
                let stored = try reader.resource(named: name, in: workspace)
                return (stored, try stored.map { try reader.attachments(of: $0.resource.id) } ?? [])
            }
            guard let stored else { throw Self.notFound(name) }
            try checkPresent(stored)
            let provider = try providers.provider(for: target)
            try SwapRules.check(stored.resource, to: target, provider.offerings, attachments)
            let response = try await provider.check(
                CheckRequest(provider: target, serviceClass: stored.resource.serviceClass))

            let backing = Backing(
                id: .random(), resource: stored.resource.id, provider: target, secret: .random(), memory: [:])
            let intent = Intent(target: backing.id, former: stored.backing, server: response.server)
            try await ledger.write { writer in
                try writer.insert(backing)
                try writer.begin(try call.begin(stored.resource.id, intent))
            }
            await reached(.swapIntended)
            return try await finishSwap(
                Operation(
                    id: operation, workspace: workspace, kind: .swap, resource: stored.resource.id, phase: .intended),
                intent, SwapMachine())
        }
    }

    /// Runs the machine's actions to its end.
    func finishSwap(
        _ operation: Operation, _ intent: Intent, _ machine: SwapMachine
    ) async throws(BrokerError) -> SwapOutcome {
        var run = try await SwapRun(operation, intent, ledger)
        var machine = machine
        var action = machine.begin()
        while true {
            if case .end(let error) = action {
                if let error { throw error }
                return run.outcome
            }
            do throws(BrokerError) {
                try await take(action, &run)
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
            let response = try await provision(run.target, run.resource)
            run.outcome.server = response.server ?? run.outcome.server
            run.response = response
            await reached(.swapProvisioned)
        case .persistProvisioned:
            try await ledger.write { try $0.advance(operation.id, to: .effected) }
            await reached(.swapEffected)
        case .holdClients:
            run.heldAt = ContinuousClock.now
            for endpoint in run.endpoints where routes[endpoint] != nil {
                routes[endpoint] = .some(nil)
                run.outcome.closed += await gateway.route(endpoint, to: nil)
            }
            await reached(.swapHeld)
        case .commitSwitch: try await commitSwitch(&run)
        case .routeToTarget:
            guard let response = run.response else { throw Self.internalFailure }
            for endpoint in run.endpoints { await route(endpoint, to: response, of: run.target.id) }
            serving[run.resource.id, default: Serving()].serves(response)
            run.outcome.pause = run.heldAt.duration(to: .now) / .milliseconds(1)
            await reached(.swapSwitched)
        case .removeFormer:
            if let former = run.former {
                try await deprovision(former, run.resource)
                try await ledger.write { try $0.remove(former.id) }
            }
            await reached(.swapRemoved)
        case .commitOutcome:
            try await commitOutcome(run)
            await reached(.swapCommitted)
        case .resumeFormer: try await serve(run.resource.id)
        case .removeTarget:
            run.response = nil
            try await deprovision(run.target, run.resource)
            run.isTargetRemoved = true
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

    private func commitSwitch(_ run: inout SwapRun) async throws(BrokerError) {
        let (operation, resource, target) = (run.operation, run.resource, run.target)
        let plan = try providers.provider(for: target.provider).offering(for: resource.serviceClass)?.plans.first
        run.outcome.releases = try await ledger.write { writer in
            try writer.switchResource(resource.id, to: target.id, plan: plan ?? resource.plan)
            try writer.advance(operation.id, to: .switched)
            let description = "swap \(resource.name) to \(target.provider)"
            var releases: [String: Int] = [:]
            let attachments = try writer.attachments(of: resource.id).filter { $0.lifecycle == .present }
            for app in Set(attachments.map(\.attachment.app)) {
                let release = try writer.addRelease(of: app, in: resource.workspace, description, .init())
                try writer.note(app, in: resource.workspace, "release v\(release): \(description)")
                releases[app.rawValue] = release
            }
            try writer.note(
                resource.name, in: resource.workspace,
                "swapped: \(resource.provider) → \(target.provider); connections closed, no data copied")
            return releases
        }
    }

    private func commitOutcome(_ run: SwapRun) async throws(BrokerError) {
        let outcome = run.outcome
        let id = run.operation.id
        try await ledger.write { try $0.succeed(id, outcome: try LedgerText.encode(outcome)) }
    }
}

/// What a swap works with while it runs.
private struct SwapRun: Sendable {
    let operation: Operation
    /// As it was before the swap; of a swap that is resumed after the switch, as it is.
    let resource: Resource
    let target: Backing
    /// Nil when it is gone already.
    let former: Backing?
    let endpoints: [EndpointID]
    var outcome: SwapOutcome
    /// How the target serves, once it does.
    var response: ProvisionResponse?
    var isTargetRemoved = false
    var heldAt = ContinuousClock.now

    init(_ operation: Operation, _ intent: Intent, _ ledger: Ledger) async throws(BrokerError) {
        self.operation = operation
        let (resource, target, former, attachments, releases) = try await ledger.read { reader in
            let resource = try ControlPlane.found(try reader.resource(operation.resource)).resource
            let attachments = try reader.attachments(of: operation.resource)
            var releases: [String: Int] = [:]
            for app in Set(attachments.map(\.attachment.app)) where operation.phase == .switched {
                releases[app.rawValue] = try reader.latestRelease(of: app, in: resource.workspace)
            }
            return (
                resource, try ControlPlane.found(try intent.target.map { try reader.backing($0) } ?? nil),
                try intent.former.map { try reader.backing($0) } ?? nil, attachments, releases
            )
        }
        self.resource = resource
        self.target = target
        self.former = former
        endpoints = EndpointSpecification.all(of: resource, attachments).map(\.id)
        outcome = SwapOutcome(
            resource: resource.name.rawValue, from: (former?.provider ?? resource.provider).description,
            to: target.provider.description, server: intent.server, cold: true, closed: 0, pause: 0, releases: releases,
            undo: (former?.provider).map { "broker swap \(resource.name) --to \($0.argument)" })
    }
}

/// What a swap refuses before anything is looked at.
enum SwapRules {
    /// Throws `providerUnchanged`, `acrossClasses` with a fix, or `unsafe` with the direct attachments named.
    static func check(
        _ resource: Resource, to target: ProviderReference, _ offerings: [Offering], _ attachments: [StoredAttachment]
    ) throws(BrokerError) {
        guard resource.provider != target else {
            throw BrokerError(
                .providerUnchanged, "\"\(resource.name)\" is served by \(target) already", why: "nothing was changed",
                fix: "broker status")
        }
        try checkClass(of: resource, target, offerings, attachments)
        let direct = attachments.map(\.attachment).filter { $0.mode == .direct }
        if !direct.isEmpty {
            throw BrokerError(
                .unsafe, "\"\(resource.name)\" has direct attachments",
                why:
                    "past the endpoint, \(direct.map { "\($0.app) as \($0.alias)" }.joined(separator: ", ")) would go on "
                    + "with the former provider",
                fix: direct.map { "broker detach \(resource.name) --from \($0.app) --as \($0.alias) && " }.joined()
                    + "broker swap \(resource.name) --to \(target.argument)")
        }
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
