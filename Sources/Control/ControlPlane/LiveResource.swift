import BrokerModel
import Gateway
import Ledger

/// A resource that serves now, of the workspace or of a lease: what the verbs of tests work on.
struct LiveResource: Sendable {
    let reference: ResourceReference
    let serviceClass: ServiceClass
    let plan: Plan
    let backing: Backing
    /// Where its clients are: one, or one for each attachment, or none for a file.
    let endpoints: [EndpointID]
    /// What a lease's began with.
    var beginning: KeptSnapshot.Part?
}

extension ControlPlane {
    /// The resource that a reference names. Throws `resourceNotFound`, `leaseNotFound`, or `operationRunning` while it is
    /// being made, swapped or removed.
    func live(_ reference: ResourceReference, in workspace: WorkspaceName) async throws(BrokerError) -> LiveResource {
        if let id = reference.lease {
            let lease = try found(id.rawValue, in: workspace)
            guard let resource = lease.resources.first(where: { $0.name == reference.name }) else {
                throw BrokerError(
                    .resourceNotFound, "lease \"\(id)\" has no \"\(reference.name)\"",
                    why: "it has \(lease.resources.map(\.name.rawValue).joined(separator: ", "))",
                    fix: "broker lease ls")
            }
            return LiveResource(lease, resource)
        }
        let name = reference.name
        let (stored, backing, attachments) = try await ledger.read { reader in
            guard let stored = try reader.resource(named: name, in: workspace) else {
                throw Self.notFound(name)
            }
            return (
                stored, try Self.found(try reader.backing(stored.backing)),
                try reader.attachments(of: stored.resource.id)
            )
        }
        try checkPresent(stored)
        return LiveResource(
            reference: reference, serviceClass: stored.resource.serviceClass, plan: stored.resource.plan,
            backing: backing, endpoints: EndpointSpecification.all(of: stored.resource, attachments).map(\.id))
    }

    /// Throws with the reason, and what can be done, where its provider has failed.
    func checkServes(_ resource: LiveResource) throws(BrokerError) {
        // One in the daemon serves also while its files take nothing.
        guard resource.reference.lease == nil, let serving = serving[resource.backing.resource],
            case .failed(let why) = serving.provider, !(serving.isSupervised && resource.backing.provider == .emulator)
        else { return }
        throw BrokerError(
            .serverUnreachable, "\"\(resource.reference)\" does not serve", why: why,
            fix: serving.fix ?? "broker status")
    }

    /// The resources that are named; where none are, all of a lease, or of the workspace.
    func live(
        _ names: [String], of lease: String?, in workspace: WorkspaceName
    ) async throws(BrokerError) -> [LiveResource] {
        var references = try names.map { text throws(BrokerError) in try ResourceReference(text) }
        guard Set(references).count == references.count else {
            throw BrokerError(
                .invalidRequest, "a resource is named twice", why: "what is done to it is done once",
                fix: "name each once")
        }
        if references.isEmpty, let lease {
            let found = try found(lease, in: workspace)
            return found.resources.map { LiveResource(found, $0) }
        }
        if references.isEmpty {
            references = try await ledger.read { try $0.resources() }.filter { $0.resource.workspace == workspace }
                .map { ResourceReference(lease: nil, name: $0.resource.name) }
        }
        var all: [LiveResource] = []
        for reference in references { all.append(try await live(reference, in: workspace)) }
        return all
    }
}

extension LiveResource {
    fileprivate init(_ lease: Lease, _ resource: LeasedResource) {
        self.init(
            reference: ResourceReference(lease: lease.id, name: resource.name),
            serviceClass: resource.wish.serviceClass, plan: resource.wish.plan, backing: resource.backing,
            endpoints: resource.endpoint.map { [$0] } ?? [], beginning: resource.beginning)
    }
}
