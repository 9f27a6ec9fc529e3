/// A URL that leads past the broker, to the provider itself.
public struct DirectURL: Hashable, Sendable {
    public let url: Secret
    /// The URL with its secret hidden.
    public let masked: String

    public init(url: Secret, masked: String) {
        self.url = url
        self.masked = masked
    }
}
