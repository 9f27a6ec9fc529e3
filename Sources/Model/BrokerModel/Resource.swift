/// One provisioned backing service.
public struct Resource: Hashable, Sendable {
    public let id: ResourceID
    public let workspace: WorkspaceName
    public let name: ResourceName
    public let serviceClass: ServiceClass
    public var provider: ProviderReference
    public var plan: Plan
    /// The endpoint's port, persisted; nil where every attachment has its own, and for files.
    public var port: UInt16?
    public var state: ResourceState

    public init(
        id: ResourceID, workspace: WorkspaceName, name: ResourceName, serviceClass: ServiceClass,
        provider: ProviderReference, plan: Plan, port: UInt16?, state: ResourceState
    ) {
        self.id = id
        self.workspace = workspace
        self.name = name
        self.serviceClass = serviceClass
        self.provider = provider
        self.plan = plan
        self.port = port
        self.state = state
    }
}

/// A resource's identity: stays the same over swaps, never used again.
public struct ResourceID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> ResourceID { ResourceID(rawValue: randomHex()) }

    public var description: String { rawValue }
}

/// How a resource is.
public enum ResourceState: Hashable, Sendable {
    /// Made, and its provider is being started.
    case starting
    case ready
    /// Its port is held by somebody else; the text names who, as far as the system tells.
    case portTaken(String)
    /// Its provider does not answer; the text says why.
    case failed(String)

    /// The word for tables and JSON.
    public var word: String {
        switch self {
        case .starting: "starting"
        case .ready: "ready"
        case .portTaken: "port-taken"
        case .failed: "failed"
        }
    }

    /// What a person needs to know beyond the word.
    public var detail: String? {
        switch self {
        case .starting, .ready: nil
        case .portTaken(let text), .failed(let text): text
        }
    }
}

/// 64 random bits as 16 hexadecimal digits, from the system's secure source.
package func randomHex() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
