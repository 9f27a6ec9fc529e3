/// A numbered, immutable state of an app's environment: every attach, detach, swap and rotation makes one.
public struct Release: Hashable, Sendable {
    public let app: AppName
    /// 1, 2, 3 … within the app.
    public let version: Int
    /// What made it, in words: `attach cache as CACHE`.
    public let description: String
    /// Milliseconds since 1970.
    public let createdAt: Int64
    /// Names of the variables that it added, changed and removed against the release before; never their values.
    public let added: [String]
    public let changed: [String]
    public let removed: [String]

    public init(
        app: AppName, version: Int, description: String, createdAt: Int64, added: [String], changed: [String],
        removed: [String]
    ) {
        self.app = app
        self.version = version
        self.description = description
        self.createdAt = createdAt
        self.added = added
        self.changed = changed
        self.removed = removed
    }
}
