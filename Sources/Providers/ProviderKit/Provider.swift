public import BrokerModel

/// Who makes and serves resources: an emulator, a local server process, a server elsewhere.
///
/// Every verb is idempotent: done again with the same backing it changes nothing and answers the same, and what is gone
/// already is removed with success. A verb that throws has left nothing behind that a later `deprovision` of the same
/// backing does not remove.
public protocol Provider: Sendable {
    /// What it can serve, the default class first.
    var offerings: [Offering] { get }

    /// Whether a reference (`emulator`, `exec:redis-server`, a URL) is one of this provider's.
    func serves(_ reference: ProviderReference) -> Bool

    /// Looks whether a backing could be made, and changes nothing: the program is there, the server is reachable, takes
    /// the credentials and speaks the class.
    func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse

    /// Makes the backing, or finds it again after a restart of the daemon, and returns when it serves.
    func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse

    /// Removes the backing with its data; a server that the broker did not start, and its data, are left alone.
    func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse

    /// Prepares the backing for an attachment.
    func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse

    /// Takes back what `bind` prepared.
    func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse
}

/// A class that a provider serves, and how.
public struct Offering: Hashable, Sendable {
    public let serviceClass: ServiceClass
    /// The default first.
    public let plans: [Plan]
    /// How an app can be attached, the default first.
    public let modes: [AttachmentMode]

    public init(_ serviceClass: ServiceClass, plans: [Plan], modes: [AttachmentMode]) {
        self.serviceClass = serviceClass
        self.plans = plans
        self.modes = modes
    }
}

extension Provider {
    /// What it offers for a class; nil when it does not serve it.
    public func offering(for serviceClass: ServiceClass) -> Offering? {
        offerings.first { $0.serviceClass == serviceClass }
    }
}
