/// Where a socket listens or connects: a numeric IP address and port, or a unix path.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// `host` is a numeric IPv4 or IPv6 address: names are resolved off the loop.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// `127.0.0.1:21000`, `[::1]:21000` or the path.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

/// A failed socket call, with the system's error number.
public struct SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What failed: `bind`, `listen`, `connect`, …
    public var call: String
    public var address: SocketAddress
    public var errno: Int32
    /// The system's words for `errno`.
    public var reason: String

    public init(call: String, address: SocketAddress, errno: Int32, reason: String) {
        self.call = call
        self.address = address
        self.errno = errno
        self.reason = reason
    }

    public var description: String { "\(call) \(address): \(reason)" }
}
