import BrokerModel
import Gateway
import Ledger
import ProviderKit

/// How a resource is served in this run of the daemon.
struct Serving: Equatable {
    /// `starting`, `ready` or `failed`: the provider's part.
    var provider = ResourceState.starting
    /// The endpoints that could not be opened, and who holds their ports.
    var taken: [EndpointID: String] = [:]
    /// What can be done where its provider has failed; nil where nobody has said.
    var fix: String?
    var server: String?
    /// The file of a `sqlite` resource.
    var path: String?
    /// How often it was tried in vain, and when it is to be tried again, in turns of the retry.
    var failures = 0
    /// The state that was told last, where it was a bad one: each is told once.
    var told: ResourceState?
    var turnsToWait = 0
    /// Its provider brings its server back by itself, and says when it has.
    var isSupervised = false

    /// The state when it is a bad one that has not been told yet.
    mutating func newTrouble() -> ResourceState? {
        switch state {
        case .starting, .ready:
            told = nil
            return nil
        case .portTaken, .failed:
            guard told != state else { return nil }
            told = state
            return state
        }
    }

    /// What is shown: a failed provider counts more than a taken port.
    var state: ResourceState {
        guard provider == .ready, let owner = taken.sorted(by: { $0.key.rawValue < $1.key.rawValue }).first else {
            return provider
        }
        return .portTaken(owner.value)
    }

    mutating func serves(_ response: ProvisionResponse) {
        provider = .ready
        fix = nil
        failures = 0
        turnsToWait = 0
        isSupervised = false
        server = response.server
        path = response.path
    }

    /// Waits longer after every failure of the provider, up to half a minute; a taken port is tried every turn.
    mutating func hasFailed(_ state: ResourceState, fix: String? = nil) {
        provider = state
        self.fix = fix
        failures += 1
        turnsToWait = min(1 << min(failures - 1, 5), 30)
    }
}

/// What an endpoint is routed to.
struct Route: Equatable {
    let backing: BackingID
    /// Nil for an emulator, which is one as long as its backing is.
    let server: Upstream.RedisServer?

    init(backing: BackingID, _ upstream: Upstream) {
        self.backing = backing
        server = if case .redisServer(let server) = upstream { server } else { nil }
    }
}

/// An endpoint as the ledger has it: where it belongs and who may use it.
struct EndpointSpecification: Equatable {
    let id: EndpointID
    let port: UInt16
    var grants: [Grant]

    /// One for a resource whose class authenticates, one for each attachment where it does not, none for a file.
    static func all(of resource: Resource, _ attachments: [StoredAttachment]) -> [EndpointSpecification] {
        let attached = attachments.map(\.attachment).filter { $0.mode == .endpoint }
        guard resource.serviceClass.isNetworked else { return [] }
        guard resource.serviceClass.authenticates else {
            return attached.compactMap { attachment in
                attachment.port.map { EndpointSpecification(id: attachment.endpoint, port: $0, grants: []) }
            }
        }
        guard let port = resource.port else { return [] }
        return [EndpointSpecification(id: resource.id.endpoint, port: port, grants: attached.map(Grant.init))]
    }
}

extension Grant {
    init(_ attachment: Attachment) {
        self.init(
            holder: attachment.id.rawValue, user: attachment.credential.user,
            secret: attachment.credential.secret.reveal { $0 })
    }
}

extension ResourceID {
    var endpoint: EndpointID { EndpointID(rawValue) }
}

extension Attachment {
    var endpoint: EndpointID { EndpointID(id.rawValue, of: resource.rawValue) }
}
