/// The edge between an app and a resource: an alias, a credential, a mode.
public struct Attachment: Hashable, Sendable {
    public let id: AttachmentID
    public let app: AppName
    public let resource: ResourceID
    public let alias: Alias
    public let mode: AttachmentMode
    public var credential: Credential
    /// The attachment's own endpoint port, where the class does not authenticate; nil elsewhere.
    public var port: UInt16?
    /// Grows with every attach of the daemon's life: who was first is the primary.
    public let sequence: Int64
    /// Whether it owns the class's usual variable (`REDIS_URL`, …) in its app.
    public var isPrimary: Bool

    public init(
        id: AttachmentID, app: AppName, resource: ResourceID, alias: Alias, mode: AttachmentMode,
        credential: Credential, port: UInt16?, sequence: Int64, isPrimary: Bool
    ) {
        self.id = id
        self.app = app
        self.resource = resource
        self.alias = alias
        self.mode = mode
        self.credential = credential
        self.port = port
        self.sequence = sequence
        self.isPrimary = isPrimary
    }
}

/// An attachment's identity, never used again.
public struct AttachmentID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> AttachmentID { AttachmentID(rawValue: randomHex()) }

    public var description: String { rawValue }
}

/// What is in the path between the app and the provider.
public enum AttachmentMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// The broker's stable endpoint: live swap, rotation, faults, limits.
    case endpoint
    /// The provider's own address: nothing of ours in the path; a swap is a new release and a restart.
    case direct
}

/// User and secret of exactly one attachment.
public struct Credential: Hashable, Sendable {
    public let user: String
    public let secret: Secret
    /// 1 at first; each rotation adds one.
    public let generation: Int

    public init(user: String, secret: Secret, generation: Int) {
        self.user = user
        self.secret = secret
        self.generation = generation
    }
}
