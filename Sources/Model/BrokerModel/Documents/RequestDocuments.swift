/// `POST /v1/workspaces/W/resources`
public struct CreateRequest: Codable, Equatable, Sendable {
    public var name: String
    public var `class`: String?
    public var provider: ProviderDocument?
    public var plan: String?
    /// The snapshot that it begins with.
    public var from: String?

    public init(
        name: String, class: String?, provider: ProviderDocument?, plan: String?, from: String? = nil
    ) {
        self.name = name
        self.class = `class`
        self.provider = provider
        self.plan = plan
        self.from = from
    }
}

/// `POST /v1/workspaces/W/attachments`
public struct AttachRequest: Codable, Equatable, Sendable {
    public var resource: String
    public var app: String
    public var alias: String?
    public var `class`: String?
    public var provider: ProviderDocument?
    public var direct: Bool

    public init(
        resource: String, app: String, alias: String?, class: String?, provider: ProviderDocument?, direct: Bool
    ) {
        self.resource = resource
        self.app = app
        self.alias = alias
        self.class = `class`
        self.provider = provider
        self.direct = direct
    }
}

/// `POST /v1/workspaces/W/resources/R/swap`
public struct SwapRequest: Codable, Equatable, Sendable {
    public var to: ProviderDocument
    /// Close the connections and copy nothing.
    public var cold: Bool?
    /// What becomes of data that the target holds; refused where nothing is said and it holds some.
    public var existing: ExistingData?
    /// How long clients may be kept waiting, in milliseconds; 250 where it is not said.
    public var maxPause: Int?
    public var verify: Verification?
    /// How long the way back is kept open, in seconds; 1800 where it is not said.
    public var undoWindow: Int?
    /// Shut direct attachments out at the pause; refused where nothing is said and there are some.
    public var fence: Bool?

    public enum ExistingData: String, Codable, Sendable {
        /// It is removed before the copy.
        case overwrite
        /// It is used, and nothing is copied.
        case adopt
    }

    /// How the copy is compared with what was copied.
    public enum Verification: String, Codable, Sendable, CaseIterable {
        /// Every key.
        case full
        /// A part of the keys, where there are very many.
        case sample
        case none
    }

    public init(
        to: ProviderDocument, cold: Bool? = nil, maxPause: Int? = nil, verify: Verification? = nil,
        undoWindow: Int? = nil, existing: ExistingData? = nil, fence: Bool? = nil
    ) {
        self.fence = fence
        self.to = to
        self.cold = cold
        self.existing = existing
        self.maxPause = maxPause
        self.verify = verify
        self.undoWindow = undoWindow
    }

    /// What was asked for, without the secret.
    public var withoutSecret: SwapRequest {
        var request = self
        request.to.secret = nil
        return request
    }
}

/// `POST /v1/workspaces/W/resources/R/rollback`
public struct RollbackRequest: Codable, Equatable, Sendable {
    /// Go back to the data as it was at the swap: what was written since is given up.
    public var discard: Bool
    public var maxPause: Int?
    /// As of a swap.
    public var fence: Bool?

    public init(discard: Bool, maxPause: Int? = nil, fence: Bool? = nil) {
        self.fence = fence
        self.discard = discard
        self.maxPause = maxPause
    }
}

/// A provider in a request: the reference, and its secret beside it so that the reference can be logged.
public struct ProviderDocument: Codable, Equatable, Sendable {
    public var reference: String
    public var secret: String?

    /// Takes a reference apart; throws `invalidProvider`.
    public init(_ text: String) throws(BrokerError) {
        let provider = try ProviderReference(text)
        reference = provider.description
        if case .url(let url) = provider { secret = url.secret?.reveal { $0 } }
    }

    /// Throws `invalidProvider` when the reference cannot be read.
    public func resolved() throws(BrokerError) -> ProviderReference {
        let provider = try ProviderReference(reference)
        guard case .url(var url) = provider else { return provider }
        if let secret { url.secret = Secret(secret) }
        return .url(url)
    }
}
