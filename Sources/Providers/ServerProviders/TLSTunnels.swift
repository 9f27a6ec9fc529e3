import BrokerModel
import TLSTunnel

/// The tunnels to servers of `rediss://` URLs: one for each server, as long as somebody holds it.
///
/// Everything that speaks to such a server, the relay, the copy and the broker's own questions, goes through its tunnel
/// and needs to know nothing of TLS: docs/decisions/0007.
actor TLSTunnels {
    private struct Held {
        weak var tunnel: TLSTunnel?
    }

    private let folder: String
    private var held: [TLSServer: Held] = [:]
    private var made = 0

    /// - Parameter folder: with a short path and closed to others, for the sockets.
    init(folder: String) {
        self.folder = folder
    }

    /// Nil for a server that is spoken to in the clear.
    func tunnel(to url: ProviderURL) async throws(BrokerError) -> TLSTunnel? {
        guard let tls = url.tls, case .tcp(let host, let port) = url.place else { return nil }
        let server = TLSServer(
            host: host, port: port, authorities: tls.authorities, certificate: tls.certificate, key: tls.key,
            isVerified: tls.isVerified)
        if let tunnel = held[server]?.tunnel { return tunnel }
        held = held.filter { $0.value.tunnel != nil }
        made += 1
        do throws(TLSTunnelError) {
            let tunnel = try await TLSTunnel.open(at: "\(folder)/tls-\(made).sock", to: server)
            held[server] = Held(tunnel: tunnel)
            return tunnel
        } catch {
            throw RedisProblem.unreachable(error.description)
                .brokerError(url.description, fix: RedisLogin(url).commandLine("ping"))
        }
    }
}
