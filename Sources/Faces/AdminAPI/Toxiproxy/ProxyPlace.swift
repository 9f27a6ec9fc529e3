import BrokerModel

/// Where a proxy is to listen and whom it is to lead to, as clients write it.
enum ProxyPlace {
    /// The port in `HOST:PORT`; 0, and where nothing is said, is any. Endpoints are on 127.0.0.1: hosts that include it
    /// are taken for it.
    static func port(_ listen: String?) throws(ToxiproxyError) -> UInt16 {
        guard let listen, !listen.isEmpty else { return 0 }
        guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
            throw ToxiproxyError(400, "listen \"\(listen.prefix(80))\" is no address: HOST:PORT is expected")
        }
        guard ["", "localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"].contains(listen[..<colon].lowercased()) else {
            throw ToxiproxyError(
                400, "cannot listen at \"\(listen.prefix(80))\": endpoints are on 127.0.0.1; fix: leave the host away")
        }
        return port
    }

    /// `HOST:PORT` of a redis server, its URL, or the emulator. Whoever asks shows no token and may be another user: programs,
    /// sockets and files that are this user's are not for them.
    static func provider(_ upstream: String) throws -> ProviderDocument {
        if upstream == "emulator" { return try ProviderDocument(upstream) }
        guard upstream.contains("://") || !upstream.contains("/") && upstream.contains(":"),
            !upstream.hasPrefix("exec:")
        else { throw refusal }
        let provider = try ProviderDocument(upstream.contains("://") ? upstream : "redis://\(upstream)")
        guard case .url(let url) = try provider.resolved(), case .tcp = url.place,
            url.tls.map({ $0 == ProviderURL.TLS() }) ?? true
        else { throw refusal }
        return provider
    }

    private static let refusal = ToxiproxyError(
        400,
        """
        upstream is HOST:PORT of a redis server, redis://…, rediss://… without files, or emulator: this API asks for no \
        token; fix: broker create NAME --provider PROVIDER
        """)

    /// As it may be shown.
    static func shown(_ upstream: String) throws -> String {
        upstream.contains("@") ? try provider(upstream).reference : upstream
    }
}
