public import BrokerModel
import Ledger

/// A resource that clients reach over the network, of a workspace or of a lease.
public struct NetworkedResource: Sendable {
    public let workspace: WorkspaceName
    public let reference: ResourceReference
    public let serviceClass: ServiceClass
    public let provider: ProviderReference
    /// Of 127.0.0.1: one, or one for each attachment.
    public let ports: [UInt16]
}

extension ControlPlane {
    /// All resources that have an endpoint, of every workspace and of every lease.
    public func networkedResources() async throws(BrokerError) -> [NetworkedResource] {
        let stored = try await ledger.read { reader in
            try reader.resources().filter { $0.lifecycle == .present }.map {
                ($0.resource, try reader.attachments(of: $0.resource.id))
            }
        }
        let ofWorkspaces = stored.map { resource, attachments in
            NetworkedResource(
                workspace: resource.workspace, reference: ResourceReference(lease: nil, name: resource.name),
                serviceClass: resource.serviceClass, provider: resource.provider,
                ports: EndpointSpecification.all(of: resource, attachments).map(\.port))
        }
        let ofLeases = leases.values.flatMap { lease in
            lease.resources.map { resource in
                NetworkedResource(
                    workspace: lease.workspace, reference: ResourceReference(lease: lease.id, name: resource.name),
                    serviceClass: resource.wish.serviceClass, provider: resource.wish.provider,
                    ports: resource.port.map { [$0] } ?? [])
            }
        }
        return (ofWorkspaces + ofLeases).filter { !$0.ports.isEmpty }
    }
}
