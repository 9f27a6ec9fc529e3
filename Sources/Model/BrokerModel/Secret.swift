/// A value that must not be seen: it prints as `***` and is read only through `reveal`.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    public init(_ value: String) {
        self.value = value
    }

    /// Gives the value to `body`; the result of `body` is the caller's to keep safe.
    public func reveal<Result>(_ body: (String) throws -> Result) rethrows -> Result {
        try body(value)
    }

    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The characters of a generated secret: none needs quoting or escaping in a URL, a shell or an environment file.
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")

    /// A random secret of `length` characters of `[A-Za-z0-9_-]`, 6 bits each, from the system's secure source.
    public static func random(length: Int = 32) -> Secret {
        var source = SystemRandomNumberGenerator()
        var (bits, left) = (UInt64(0), 0)
        return Secret(
            String(
                (0..<length).map { _ in
                    // The system is asked once for ten characters.
                    if left == 0 { (bits, left) = (source.next(), 10) }
                    defer { (bits, left) = (bits >> 6, left - 1) }
                    return alphabet[Int(bits & 63)]
                }))
    }
}
