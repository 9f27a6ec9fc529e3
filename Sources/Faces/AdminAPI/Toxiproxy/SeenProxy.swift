import BrokerModel
import ControlPlane

/// A resource, whatever becomes of its name.
struct ProxiedResource: Hashable, Sendable {
    let workspace: WorkspaceName
    let reference: ResourceReference
}

/// A proxy that was made by Toxiproxy's API: a lease of one resource.
struct MadeProxy: Sendable {
    let lease: String
    /// As it was sent.
    let upstream: Secret
    let shown: String
}

/// A resource as Toxiproxy's API sees it.
struct SeenProxy: Sendable {
    let name: String
    let resource: ProxiedResource
    let ports: [UInt16]
    let upstream: String
    let isMadeHere: Bool

    init(_ resource: NetworkedResource, madeAs name: String?, upstream: String?) {
        let isPlain = resource.reference.lease != nil || resource.workspace == .default
        self.name = name ?? (isPlain ? "" : "\(resource.workspace)/") + "\(resource.reference)"
        self.resource = ProxiedResource(workspace: resource.workspace, reference: resource.reference)
        self.upstream = upstream ?? "\(resource.provider)"
        ports = resource.ports
        isMadeHere = name != nil
    }

    var listen: String { ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") }
    var workspace: WorkspaceName { resource.workspace }
    /// As the control plane's verbs take it.
    var reference: String { "\(resource.reference)" }
    /// As the command line takes it.
    var words: String { "\(reference) --workspace \(workspace)" }

    /// The command that removes it.
    var removal: String {
        resource.reference.lease.map { "broker lease end \($0) --workspace \(workspace)" } ?? "broker destroy \(words)"
    }

    /// The command that has somebody else serve it.
    var exchange: String {
        resource.reference.lease == nil ? "broker swap \(words) --to PROVIDER" : "take another lease"
    }
}
