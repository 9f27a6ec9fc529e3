import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Makes the connections of a tunnel to its server.
final class TunnelTarget: Sendable {
    /// Of TCP; the handshake behind it lasts as long as who waits for it has patience.
    private static let connectTimeout = TimeAmount.seconds(5)
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

    private static let silence = "it does not answer to TLS: redis:// speaks to a server in the clear"

    private let server: TLSServer
    private let context: NIOSSLContext
    let failure = Mutex<TLSTunnelError?>(nil)
    /// Where the server was reached: a name may stand for several, and all connections are to one of them for as long as
    /// it takes new ones.
    private let place = Mutex<NIOCore.SocketAddress?>(nil)

    /// Reads the files that `server` names.
    init(_ server: TLSServer) throws(TLSTunnelError) {
        self.server = server
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if !server.isVerified { configuration.certificateVerification = .none }
        if let file = server.authorities {
            configuration.trustRoots = .certificates(try Self.certificates(in: file))
        }
        if let file = server.certificate {
            configuration.certificateChain = try Self.certificates(in: file).map { .certificate($0) }
            let key = server.key ?? file
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            } catch {
                throw TLSTunnelError("no private key can be read from \(key)")
            }
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSTunnelError("its certificates cannot be used: \(error)")
        }
    }

    private static func certificates(in file: String) throws(TLSTunnelError) -> [NIOSSLCertificate] {
        if let found = try? NIOSSLCertificate.fromPEMFile(file), !found.isEmpty { return found }
        throw TLSTunnelError("no certificate can be read from \(file)")
    }

    /// Connects on the client's own loop, and joins both; the client is closed where that fails.
    func connect(_ client: any Channel) -> EventLoopFuture<Void> {
        let name = (try? SocketAddress(ipAddress: server.host, port: 0)) == nil ? server.host : nil
        let bootstrap = ClientBootstrap(group: client.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.writeBuffer)
            .channelOption(.autoRead, value: false)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: name)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let known = place.withLock { $0 }
        let connected =
            known.map { bootstrap.connect(to: $0) }
            ?? bootstrap.connect(host: server.host, port: Int(server.port))
        let bound = client.eventLoop
        return connected.flatMap { [self] channel in
            bound.makeCompletedFuture {
                let (near, far) = (TunnelEnd(), TunnelEnd(self))
                near.join(far)
                try client.syncOptions?.setOption(.writeBufferWaterMark, value: Self.writeBuffer)
                try channel.pipeline.syncOperations.addHandler(far)
                try client.pipeline.syncOperations.addHandler(near)
                try channel.syncOptions?.setOption(.autoRead, value: true)
            }
        }.flatMapErrorThrowing { [self] error in
            leave(known)
            note(error)
            throw error
        }
    }

    /// The handshake with the server at an address is done.
    func succeeded(at address: NIOCore.SocketAddress?) {
        failure.withLock { $0 = nil }
        place.withLock { $0 = $0 ?? address }
    }

    /// No connection could be made to an address: the next one asks for the name again.
    func leave(_ address: NIOCore.SocketAddress?) {
        place.withLock { if $0 == address { $0 = nil } }
    }

    /// The handshake was not answered in time.
    func noteSilence() {
        failure.withLock { $0 = TLSTunnelError(Self.silence) }
    }

    func note(_ error: any Error) {
        let words = Self.words(of: error, server)
        failure.withLock { $0 = TLSTunnelError(words) }
    }

    private static func words(of error: any Error, _ server: TLSServer) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            let trusted = server.authorities.map { "by those of \($0)" } ?? "by this system's authorities"
            return "its certificate is not signed \(trusted), or is over"
        }
        if error is NIOSSLExtraError || text.contains("unableToValidateCertificate") {
            return "its certificate is for another name than \(server.host)"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") { return silence }
        if text.contains("CERTIFICATE_REQUIRED") || text.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") {
            return "it asks for a client certificate (ssl_certfile, ssl_keyfile)"
        }
        switch error {
        case let error as NIOConnectionError:
            if let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty {
                return "its name is not known: \(dns)"
            }
            return error.connectionErrors.first.map { reason(of: $0.error) } ?? "it cannot be connected to"
        case let error as IOError: return reason(of: error)
        default: return "TLS: \(text.prefix(200))"
        }
    }

    private static func reason(of error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode))
    }
}
