/// What a provider has made for a resource: an emulator, a server process with its folder, the way to a URL.
///
/// A resource has one at any time that counts; while it is swapped there are two, and one is removed. So a provider
/// never meets the same id with other data behind it, and what is left over after a crash can be told apart.
public struct Backing: Hashable, Sendable {
    public let id: BackingID
    public let resource: ResourceID
    public let provider: ProviderReference
    /// What the provider guards its server with, where it runs one; never shown to an app in endpoint mode.
    public let secret: Secret
    /// What the provider needs to find its server again: its pid and start time. Nothing secret.
    public var memory: [String: String]

    public init(
        id: BackingID, resource: ResourceID, provider: ProviderReference, secret: Secret, memory: [String: String]
    ) {
        self.id = id
        self.resource = resource
        self.provider = provider
        self.secret = secret
        self.memory = memory
    }
}

/// A backing's identity, never used again. It also names the folder of its data.
public struct BackingID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> BackingID { BackingID(rawValue: randomHex()) }

    public var description: String { rawValue }
}
