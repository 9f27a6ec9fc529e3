public import BrokerModel
public import Gateway

/// May this provider serve a resource of this class?
public struct CheckRequest: Sendable {
    public let provider: ProviderReference
    public let serviceClass: ServiceClass

    public init(provider: ProviderReference, serviceClass: ServiceClass) {
        self.provider = provider
        self.serviceClass = serviceClass
    }
}

public struct CheckResponse: Equatable, Sendable {
    /// The server as it names itself, with its version: `redis 7.0.15`; nil where it does not say.
    public let server: String?

    public init(server: String?) {
        self.server = server
    }
}

/// Make this backing, or find it again.
public struct ProvisionRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    public let plan: Plan
    /// What a backing that is made has from its beginning; one that is found again has what it had. Only for a provider
    /// of `Snapshots`.
    public let from: SnapshotID?
    /// Keeps on disk what the provider needs to find its server again. A process is kept before it is used, so that a
    /// crash leaves none that nobody knows.
    public let remember: @Sendable ([String: String]) async throws(BrokerError) -> Void

    public init(
        backing: Backing, serviceClass: ServiceClass, plan: Plan, from: SnapshotID? = nil,
        remember: @escaping @Sendable ([String: String]) async throws(BrokerError) -> Void
    ) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.plan = plan
        self.from = from
        self.remember = remember
    }
}

public struct ProvisionResponse: Sendable {
    /// What the resource's endpoints are routed to; nil for a file.
    public let upstream: Upstream?
    /// The file of a `sqlite` resource.
    public let path: String?
    public let server: String?

    public init(upstream: Upstream?, path: String? = nil, server: String?) {
        self.upstream = upstream
        self.path = path
        self.server = server
    }
}

/// Remove this backing and its data.
public struct DeprovisionRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass

    public init(backing: Backing, serviceClass: ServiceClass) {
        self.backing = backing
        self.serviceClass = serviceClass
    }
}

public struct DeprovisionResponse: Sendable {
    public init() {}
}

/// Prepare this backing for an attachment.
public struct BindRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    public let attachment: AttachmentID
    public let mode: AttachmentMode

    public init(backing: Backing, serviceClass: ServiceClass, attachment: AttachmentID, mode: AttachmentMode) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.attachment = attachment
        self.mode = mode
    }
}

public struct BindResponse: Sendable {
    /// The provider's own URL; in direct mode only.
    public let direct: DirectURL?

    public init(direct: DirectURL?) {
        self.direct = direct
    }
}

/// Take back what `bind` prepared.
public struct UnbindRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    public let attachment: AttachmentID
    public let mode: AttachmentMode

    public init(backing: Backing, serviceClass: ServiceClass, attachment: AttachmentID, mode: AttachmentMode) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.attachment = attachment
        self.mode = mode
    }
}

public struct UnbindResponse: Equatable, Sendable {
    /// What could not be taken back, in words.
    public let warning: String?

    public init(warning: String?) {
        self.warning = warning
    }
}
