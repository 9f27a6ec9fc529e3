import NIOCore
public import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A unix socket that leads to a server over TLS (RFC 8446; 1.2 at least): each connection to it is carried over a
/// connection of its own, whose certificate is checked first.
///
/// It serves until nobody holds it any more; connections that are open then go on.
public final class TLSTunnel: Sendable {
    /// Where it listens. The folder is to be the user's own: whoever may open the socket reaches the server.
    public let path: String
    private let listener: any Channel
    private let target: TunnelTarget

    private init(_ path: String, _ listener: any Channel, _ target: TunnelTarget) {
        self.path = path
        self.listener = listener
        self.target = target
    }

    deinit {
        listener.close(promise: nil)
        unlink(path)
    }

    /// Listens at `path`; what is left there of a former tunnel is replaced. Nothing is asked of the server yet.
    public static func open(
        at path: String, to server: TLSServer, on group: MultiThreadedEventLoopGroup = .singleton
    ) async throws(TLSTunnelError) -> TLSTunnel {
        let target = try TunnelTarget(server)
        unlink(path)
        do {
            let listener = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { client in target.connect(client) }
                .bind(unixDomainSocketPath: path)
                .get()
            chmod(path, S_IRUSR | S_IWUSR)
            return TLSTunnel(path, listener, target)
        } catch {
            throw TLSTunnelError("its tunnel cannot listen at \(path): \(error)")
        }
    }

    /// Why the latest connection could not be made; nil where it could, and before there was one.
    public var failure: TLSTunnelError? { target.failure.withLock { $0 } }
}

/// A server that speaks TLS, and what is asked of its certificate.
public struct TLSServer: Hashable, Sendable {
    /// A name, or a numeric address.
    public var host: String
    public var port: UInt16
    /// A PEM file of certificates to trust; nil trusts those of the system.
    public var authorities: String?
    /// PEM files of the certificate that this side shows, and of its key.
    public var certificate: String?
    public var key: String?
    /// False takes every certificate: the traffic is hidden from listeners, but not from who stands in between.
    public var isVerified: Bool

    public init(
        host: String, port: UInt16, authorities: String? = nil, certificate: String? = nil, key: String? = nil,
        isVerified: Bool = true
    ) {
        self.host = host
        self.port = port
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.isVerified = isVerified
    }
}

/// Why a server cannot be reached over TLS, in words.
public struct TLSTunnelError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
