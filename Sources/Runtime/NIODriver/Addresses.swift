import EventLoop
import NIOCore

import enum EventLoop.SocketAddress

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Addresses between our words and NIO's.
extension SocketAddress {
    /// Throws EINVAL for a host that is not a numeric address and an empty path, ENAMETOOLONG for a path that does
    /// not fit into `sun_path`.
    func forNIO() throws(SocketError) -> NIOCore.SocketAddress {
        switch self {
        case .tcp(let host, let port):
            do {
                return try NIOCore.SocketAddress(ipAddress: host, port: Int(port))
            } catch {
                throw SocketError(call: "address", address: self, EINVAL)
            }
        case .unix(let path):
            guard !path.isEmpty else { throw SocketError(call: "address", address: self, EINVAL) }
            do {
                return try NIOCore.SocketAddress(unixDomainSocketPath: path)
            } catch {
                throw SocketError(call: "address", address: self, ENAMETOOLONG)
            }
        }
    }

    /// `127.0.0.1:50412`, `[::1]:50412` or the unix path.
    static func text(_ address: NIOCore.SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return address.pathname ?? "" }
        return address.protocol == .inet6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension SocketError {
    /// A failure with the system's words for `number`.
    init(call: String, address: SocketAddress, _ number: Int32) {
        self.init(call: call, address: address, errno: number, reason: String(cString: strerror(number)))
    }
}
