public import BrokerModel
import Ledger
import Logging
import ProviderKit

extension ControlPlane {
    /// Makes a resource. One that is there as asked for is answered with `created: false`.
    ///
    /// Throws `resourceExists` where it is there and differs, `classUnknown`, and whatever the provider finds wrong; then
    /// nothing is left behind.
    public func create(
        _ request: CreateRequest, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> CreateOutcome {
        let name = try ResourceName(request.name)
        let serviceClass = try request.class.map { name throws(BrokerError) in
            try ServiceClass(named: name, command: "broker create \(request.name)")
        }
        let reference = try request.provider.map { document throws(BrokerError) in try document.resolved() }
        var kept = request
        kept.provider = request.provider?.withoutSecret
        let call = try Call(.create, operation, in: workspace, resource: name, request: kept)
        return try await perform(call) { () async throws(BrokerError) in
            if let stored = try await ledger.read({ try $0.resource(named: name, in: workspace) }) {
                try checkPresent(stored)
                if let from = request.from { throw Self.cannotBegin(name, with: from) }
                try ResourcePlan.checkExisting(
                    stored.resource, serviceClass: serviceClass, provider: reference, plan: request.plan)
                return CreateOutcome(created: false, resource: await status(of: stored))
            }
            let plan = try ResourcePlan(
                name: name, serviceClass: serviceClass, provider: reference, plan: request.plan,
                offerings: try providers.provider(for: reference ?? .emulator).offerings,
                command: "broker create \(name)")
            let beginning = try request.from.map { snapshot throws(BrokerError) in
                try found(snapshot: snapshot, in: workspace).part(for: name, plan.serviceClass)
            }
            let (resource, backing, server) = try await prepare(plan, in: workspace, from: beginning)
            do throws(BrokerError) {
                try await ledger.write { writer in
                    try writer.insert(resource, .coming, backing: backing)
                    try writer.begin(try call.begin(resource.id, Intent(makesResource: true, server: server)))
                }
            } catch {
                await close(resource.id.endpoint)
                if beginning != nil { try? await deprovision(backing, resource) }
                throw error
            }
            await reached(.createIntended)
            return try await finishCreate(
                Operation(id: operation, workspace: workspace, kind: .create, resource: resource.id, phase: .intended))
        }
    }

    /// Looks whether a resource can be made and opens its endpoint; nothing is on disk yet.
    ///
    /// - Parameter beginning: what it begins with. It lives where that does, so its backing is made before its endpoint is
    ///   opened.
    func prepare(
        _ plan: ResourcePlan, in workspace: WorkspaceName, from beginning: KeptSnapshot.Part? = nil
    ) async throws(BrokerError) -> (Resource, Backing, server: String?) {
        let response = try await providers.provider(for: plan.provider).check(
            CheckRequest(provider: plan.provider, serviceClass: plan.serviceClass))
        let id = ResourceID.random()
        let hasEndpoint = plan.serviceClass.isNetworked && plan.serviceClass.authenticates
        let backing = Backing(id: .random(), resource: id, provider: plan.provider, secret: .random(), memory: [:])
        if let beginning { try await branch(backing, plan, from: beginning) }
        let resource = Resource(
            id: id, workspace: workspace, name: plan.name, serviceClass: plan.serviceClass, provider: plan.provider,
            plan: plan.plan, port: hasEndpoint ? try await openNew(id.endpoint) : nil, state: .starting)
        return (resource, backing, response.server)
    }

    private func branch(
        _ backing: Backing, _ plan: ResourcePlan, from beginning: KeptSnapshot.Part
    ) async throws(BrokerError) {
        let provider = try providers.provider(for: plan.provider)
        guard provider is any Snapshots else {
            throw BrokerError(
                .unsupported, "\(plan.provider) cannot begin with a snapshot",
                why: "what emulated resources hold can be kept and branched", fix: "broker create \(plan.name)")
        }
        _ = try await provider.provision(
            ProvisionRequest(
                backing: backing, serviceClass: plan.serviceClass, plan: plan.plan, from: beginning.id
            ) { _ in })
    }

    private static func cannotBegin(_ name: ResourceName, with snapshot: String) -> BrokerError {
        BrokerError(
            .resourceExists, "\"\(name)\" is there already", why: "only a new resource begins with a snapshot",
            fix: "broker restore \(snapshot) \(name)")
    }

    /// From the intent on disk to the outcome on disk, or back to where nothing was.
    func finishCreate(_ operation: Operation) async throws(BrokerError) -> CreateOutcome {
        let id = operation.resource
        let outcome: CreateOutcome
        do throws(BrokerError) {
            try await serve(id)
            await reached(.createEffected)
            let stored = try await ledger.read { try Self.found(try $0.resource(id)) }
            outcome = CreateOutcome(created: true, resource: await status(of: stored.present))
            let made = outcome
            try await ledger.write { writer in
                try writer.set(.present, of: id)
                try writer.noteCreated(stored.resource)
                try writer.succeed(operation.id, outcome: try LedgerText.encode(made))
            }
        } catch {
            await undoMaking(operation, Intent(makesResource: true), because: error)
            throw error
        }
        await reached(.createCommitted)
        return outcome
    }

    /// Takes back a create or an attach that cannot be finished. What cannot be removed now stays in the ledger as
    /// `going`: it is removed at the next start, or by `destroy`.
    func undoMaking(_ operation: Operation, _ intent: Intent, because cause: BrokerError) async {
        let id = operation.resource
        do throws(BrokerError) {
            let (stored, attachments, backings) = try await ledger.read { reader in
                (
                    try Self.found(try reader.resource(id)), try reader.attachments(of: id),
                    try reader.backings().filter { $0.resource == id }
                )
            }
            let going =
                intent.makesResource ? attachments : attachments.filter { $0.attachment.id == intent.attachment }
            for attachment in going { await close(attachment.attachment.endpoint) }
            var isGone = intent.makesResource
            if intent.makesResource {
                await close(id.endpoint)
                serving[id] = nil
                for backing in backings {
                    do throws(BrokerError) {
                        try await deprovision(backing, stored.resource)
                    } catch {
                        isGone = false
                        log.error(
                            "a backing is left over", metadata: ["backing": "\(backing.id)", "error": "\(error)"])
                    }
                }
            }
            let isRemoved = isGone
            try await ledger.write { writer in
                for attachment in going { try writer.remove(attachment.attachment.id) }
                if isRemoved { try writer.remove(id) } else if intent.makesResource { try writer.set(.going, of: id) }
                try writer.fail(operation.id, cause)
            }
            undoings[operation.id] = nil
        } catch {
            undoings[operation.id] = Undoing(operation: operation, intent: intent, cause: cause)
            log.error(
                "an operation cannot be undone now", metadata: ["operation": "\(operation.id)", "error": "\(error)"])
        }
    }
}

/// A create or an attach that is to be taken back, and why.
struct Undoing: Sendable {
    let operation: Operation
    let intent: Intent
    let cause: BrokerError
}

extension StoredResource {
    /// As it is when the outcome is on disk.
    var present: StoredResource {
        var stored = self
        stored.lifecycle = .present
        return stored
    }
}

extension LedgerWriter {
    func noteCreated(_ resource: Resource) throws {
        let place = resource.port.map { " on port \($0)" } ?? ""
        try note(
            resource.name, in: resource.workspace,
            "created: \(resource.serviceClass.rawValue) by \(resource.provider), \(resource.plan)\(place)")
    }
}
