import BrokerModel

/// How to reach a redis server and log in to it.
struct RedisLogin: Hashable, Sendable {
    var place: ProviderURL.Place
    /// Nil where the server is spoken to in the clear.
    var tls: ProviderURL.TLS?
    /// The socket of the tunnel that leads there over TLS.
    var tunnel: String?
    /// Nil is the server's default user.
    var user: String?
    var secret: Secret?
    var database = 0

    init(place: ProviderURL.Place, user: String? = nil, secret: Secret?, database: Int = 0) {
        self.place = place
        self.user = user
        self.secret = secret
        self.database = database
    }

    init(_ url: ProviderURL) {
        self.init(place: url.place, user: url.user, secret: url.secret, database: url.database)
        tls = url.tls
    }

    /// Where the broker itself connects.
    var entrance: ProviderURL.Place { tunnel.map { .unix(path: $0) } ?? place }

    /// A line for a shell that sends `command` to the server; the secret is asked for, not shown.
    func commandLine(_ command: String) -> String {
        let account = (user.map { "--user \(ShellWord.quoted($0)) " } ?? "") + (secret == nil ? "" : "--askpass ")
        return switch place {
        case .tcp(let host, let port): "redis-cli -h \(host) -p \(port) \(tls?.flags ?? "")\(account)\(command)"
        case .unix(let path): "redis-cli -s \(ShellWord.quoted(path)) \(account)\(command)"
        }
    }
}

extension ProviderURL.TLS {
    /// Of redis-cli, each followed by a space.
    fileprivate var flags: String {
        let files = [("--cacert", authorities), ("--cert", certificate), ("--key", key ?? certificate)]
        return "--tls " + (isVerified ? "" : "--insecure ")
            + files.compactMap { flag, file in file.map { "\(flag) \(ShellWord.quoted($0)) " } }.joined()
    }
}

extension DirectURL {
    /// The URL as the server's own clients take it.
    init(_ login: RedisLogin) {
        self.init(
            url: Secret(Self.text(login, login.secret?.reveal { $0.percentEncoded() })),
            masked: Self.text(login, login.secret.map { _ in "***" }))
    }

    private static func text(_ login: RedisLogin, _ secret: String?) -> String {
        let user = (login.user ?? "").percentEncoded()
        let account = secret.map { "\(user):\($0)@" } ?? (user.isEmpty ? "" : "\(user)@")
        switch login.place {
        case .tcp(let host, let port):
            let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
            let scheme = login.tls == nil ? "redis" : "rediss"
            return "\(scheme)://\(account)\(name):\(port)/\(login.database)\(login.tls?.query ?? "")"
        case .unix(let path): return "unix://\(account)\(path.percentEncoded(keeping: "/"))?db=\(login.database)"
        }
    }
}

extension String {
    /// With everything but the unreserved characters of RFC 3986, and those of `kept`, as `%XX`.
    fileprivate func percentEncoded(keeping kept: String = "") -> String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where kept.utf8.contains(byte): text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }
}
