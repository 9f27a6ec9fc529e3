/// The URL of a server elsewhere, taken apart. Its secret is not part of its description.
public struct ProviderURL: Hashable, Sendable, CustomStringConvertible {
    /// Where the server is reached.
    public enum Place: Hashable, Sendable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    /// What `rediss://` asks of the server's certificate, and shows it. The parameters are those of redis-py.
    public struct TLS: Hashable, Sendable {
        /// `ssl_ca_certs`: a PEM file of certificates to trust; nil trusts those of the system.
        public var authorities: String?
        /// `ssl_certfile` and `ssl_keyfile`: PEM files of the certificate that the broker shows, and of its key.
        public var certificate: String?
        public var key: String?
        /// False with `ssl_cert_reqs=none`: every certificate is taken.
        public var isVerified = true

        public init() {}
    }

    public var place: Place
    /// Nil where the server is spoken to in the clear.
    public var tls: TLS?
    public var user: String?
    public var secret: Secret?
    /// The redis database, 0 unless the path (`/3`) or `?db=3` says otherwise.
    public var database: Int
    public let serviceClass: ServiceClass

    /// Reads `redis://[user[:secret]@]host[:port][/db]`, the same with `rediss://` and the parameters of `TLS`, or
    /// `unix://[user:secret@]/path[?db=N]`.
    ///
    /// Throws `invalidProvider` for what is malformed, `unsupported` for schemes that no provider serves.
    public init(_ text: String) throws(BrokerError) {
        guard let mark = text.firstRange(of: "://") else { throw Self.invalid(text, "it has no scheme") }
        let scheme = text[..<mark.lowerBound].lowercased()
        var rest = text[mark.upperBound...]
        var query: Substring = ""
        if let at = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: at)...]
            rest = rest[..<at]
        }
        let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<authorityEnd]
        let path = rest[authorityEnd...]
        (user, secret) = try Self.takeUser(from: &authority, of: text)
        serviceClass = .redis
        switch scheme {
        case "redis", "rediss":
            place = try Self.host(authority, of: text)
            database = try Self.database(path.dropFirst(), of: text)
            tls = scheme == "rediss" ? try TLS(query, of: text) : nil
        case "unix":
            guard authority.isEmpty, path.count > 1 else {
                throw Self.invalid(text, "unix:// is followed by an absolute path")
            }
            place = .unix(path: try Self.decoded(path, of: text))
            database = try Self.database(query.hasPrefix("db=") ? query.dropFirst(3) : "", of: text)
        case "beanstalk", "sqlite":
            throw BrokerError(
                .unsupported, "cannot use \"\(Self.redacted(text))\" as a provider",
                why: "class \(scheme) is served by the emulator only so far; a URL can serve class redis",
                fix: Self.elsewhere)
        case "postgres", "postgresql", "amqp", "amqps":
            throw BrokerError(
                .acrossClasses, "cannot use \"\(Self.redacted(text))\" as a provider",
                why: "there is no class for \(scheme) in this version; a URL can serve class redis",
                fix: Self.elsewhere)
        default: throw Self.invalid(text, "the scheme is redis, rediss or unix")
        }
    }

    public var description: String {
        let account = user.map { $0.isEmpty ? "" : "\($0)@" } ?? ""
        switch place {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(scheme)://\(account)\(name):\(port)/\(database)\(tls?.query ?? "")"
        case .unix(let path): return "unix://\(account)\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }

    private var scheme: String { tls == nil ? "redis" : "rediss" }

    /// `text` with everything between `://` and the last `@` of the authority hidden, for messages about bad input.
    static func redacted(_ text: String) -> String {
        guard let mark = text.firstRange(of: "://"), let at = text.lastIndex(of: "@"), at > mark.upperBound else {
            return String(text.prefix(200))
        }
        return String((text[..<mark.upperBound] + "***" + text[at...]).prefix(200))
    }

    private static func takeUser(
        from authority: inout Substring, of text: String
    ) throws(BrokerError) -> (String?, Secret?) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let account = authority[..<at]
        authority = authority[authority.index(after: at)...]
        guard let colon = account.firstIndex(of: ":") else { return (try decoded(account, of: text), nil) }
        let user = try decoded(account[..<colon], of: text)
        let secret = try decoded(account[account.index(after: colon)...], of: text)
        return (user.isEmpty ? nil : user, secret.isEmpty ? nil : Secret(secret))
    }

    private static func host(_ authority: Substring, of text: String) throws(BrokerError) -> Place {
        var host = authority
        var port: Substring = "6379"
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            if rest.hasPrefix(":") { port = rest.dropFirst() }
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { throw invalid(text, "it names no host") }
        guard let number = UInt16(port), number > 0 else { throw invalid(text, "its port is not 1-65535") }
        return .tcp(host: String(host), port: number)
    }

    private static func database(_ text: Substring, of url: String) throws(BrokerError) -> Int {
        guard !text.isEmpty else { return 0 }
        guard let number = Int(text), (0...9999).contains(number) else {
            throw invalid(url, "its database is no number")
        }
        return number
    }

    fileprivate static func decoded(_ text: Substring, of url: String) throws(BrokerError) -> String {
        guard let decoded = PercentCoding.decoded(text) else {
            throw invalid(url, "it has a '%' without two hexadecimal digits")
        }
        return decoded
    }

    private static let elsewhere = "give the app that server's URL in a variable of its own"

    fileprivate static func invalid(_ text: String, _ why: String) -> BrokerError {
        ProviderReference.invalid(text, why: why)
    }
}

extension ProviderURL.TLS {
    fileprivate init(_ query: Substring, of url: String) throws(BrokerError) {
        for parameter in query.split(separator: "&") {
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = try ProviderURL.decoded(parts.count == 2 ? parts[1] : "", of: url)
            switch parts[0] {
            case "ssl_cert_reqs" where value == "none": isVerified = false
            case "ssl_cert_reqs" where value == "required": isVerified = true
            case "ssl_cert_reqs":
                throw ProviderURL.invalid(url, "ssl_cert_reqs is required or none")
            case "ssl_ca_certs": authorities = try Self.path(value, parts[0], of: url)
            case "ssl_certfile": certificate = try Self.path(value, parts[0], of: url)
            case "ssl_keyfile": key = try Self.path(value, parts[0], of: url)
            default:
                throw ProviderURL.invalid(
                    url,
                    "its parameter \"\(parts[0].prefix(40))\" is none of ssl_ca_certs, ssl_cert_reqs, "
                        + "ssl_certfile and ssl_keyfile")
            }
        }
        if key != nil, certificate == nil {
            throw ProviderURL.invalid(url, "it has an ssl_keyfile without ssl_certfile")
        }
    }

    /// The daemon has another working directory than who typed the URL.
    private static func path(_ value: String, _ name: Substring, of url: String) throws(BrokerError) -> String {
        guard value.hasPrefix("/") else { throw ProviderURL.invalid(url, "\(name) is not an absolute path") }
        return value
    }

    /// As `init` reads it; empty where nothing is said.
    public var query: String {
        let parameters = [
            isVerified ? nil : "ssl_cert_reqs=none",
            authorities.map { "ssl_ca_certs=\(PercentCoding.encoded(path: $0))" },
            certificate.map { "ssl_certfile=\(PercentCoding.encoded(path: $0))" },
            key.map { "ssl_keyfile=\(PercentCoding.encoded(path: $0))" },
        ].compactMap { $0 }
        return parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
    }
}
