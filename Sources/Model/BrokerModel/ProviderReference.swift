/// Who is to serve a resource, as `--provider` and `--to` name it: `emulator`, `exec:redis-server`, or a URL.
public enum ProviderReference: Hashable, Sendable, CustomStringConvertible {
    /// In the daemon itself.
    case emulator
    /// A local server process: the program's name on PATH, or its absolute path.
    case exec(program: String)
    /// A server that already runs.
    case url(ProviderURL)

    /// Reads a reference; throws `invalidProvider` with what is possible.
    public init(_ text: String) throws(BrokerError) {
        if text == "emulator" {
            self = .emulator
        } else if text.hasPrefix("exec:") {
            let program = String(text.dropFirst("exec:".count))
            guard !program.isEmpty, !program.hasPrefix("-"), !program.utf8.contains(0) else {
                throw Self.invalid(text, why: "\"exec:\" is followed by a program, as in exec:redis-server")
            }
            self = .exec(program: program)
        } else if text.contains("://") {
            self = .url(try ProviderURL(text))
        } else {
            throw Self.invalid(text, why: "a provider is emulator, exec:PROGRAM or a URL (redis://…, unix:///…)")
        }
    }

    /// The reference without its secret; `init` reads it back.
    public var description: String {
        switch self {
        case .emulator: "emulator"
        case .exec(let program): "exec:\(program)"
        case .url(let url): url.description
        }
    }

    /// The reference as words of a command line that can be pasted. A secret is not repeated: it is asked for.
    public var argument: String {
        let word = ShellWord.quoted(description)
        guard case .url(let url) = self, url.secret != nil else { return word }
        return word + " --secret-file -"
    }

    static func invalid(_ text: String, why: String) -> BrokerError {
        BrokerError(
            .invalidProvider, "\"\(ProviderURL.redacted(text))\" is no provider", why: why,
            fix: text.contains("://") ? "write it as in redis://user@host:6379/0 or unix:///path?db=0" : nil)
    }
}

/// The URL of a server elsewhere, taken apart. Its secret is not part of its description.
public struct ProviderURL: Hashable, Sendable, CustomStringConvertible {
    /// Where the server is reached.
    public enum Place: Hashable, Sendable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    public var place: Place
    public var user: String?
    public var secret: Secret?
    /// The redis database, 0 unless the path (`/3`) or `?db=3` says otherwise.
    public var database: Int
    public let serviceClass: ServiceClass

    /// Reads `redis://[user[:secret]@]host[:port][/db]` or `unix://[user:secret@]/path[?db=N]`.
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
        case "redis":
            place = try Self.host(authority, of: text)
            database = try Self.database(path.dropFirst(), of: text)
        case "unix":
            guard authority.isEmpty, path.count > 1 else {
                throw Self.invalid(text, "unix:// is followed by an absolute path")
            }
            place = .unix(path: try Self.decoded(path, of: text))
            database = try Self.database(query.hasPrefix("db=") ? query.dropFirst(3) : "", of: text)
        case "rediss":
            throw BrokerError(
                .unsupported, "cannot use \"\(Self.redacted(text))\"", why: "TLS to a provider is not supported yet",
                fix: "run a TLS tunnel (stunnel) on this machine and name its redis:// address")
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
        default: throw Self.invalid(text, "the scheme is redis or unix")
        }
    }

    public var description: String {
        let account = user.map { $0.isEmpty ? "" : "\($0)@" } ?? ""
        switch place {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "redis://\(account)\(name):\(port)/\(database)"
        case .unix(let path): return "unix://\(account)\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }

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

    private static func decoded(_ text: Substring, of url: String) throws(BrokerError) -> String {
        guard let decoded = PercentCoding.decoded(text) else {
            throw invalid(url, "it has a '%' without two hexadecimal digits")
        }
        return decoded
    }

    private static let elsewhere = "give the app that server's URL in a variable of its own"

    private static func invalid(_ text: String, _ why: String) -> BrokerError {
        ProviderReference.invalid(text, why: why)
    }
}
