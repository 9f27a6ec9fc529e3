public import BrokerModel
import EventLoop
import Gateway
public import ProviderKit

/// Serves resources from a redis server that already runs somewhere. It makes nothing there and removes nothing.
public struct URLProvider: Provider {
    private let timeout: Duration

    public init(timeout: Duration = .seconds(5)) {
        self.timeout = timeout
    }

    public let offerings = [Offering(.redis, plans: [.durable], modes: [.endpoint, .direct])]

    public func serves(_ reference: ProviderReference) -> Bool {
        if case .url = reference { true } else { false }
    }

    public func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse {
        CheckResponse(server: try await look(at: try Self.url(of: request.provider)).facts.server)
    }

    /// The server is asked again, which also resolves its name: the gateway connects to addresses only.
    public func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        let url = try Self.url(of: request.backing.provider)
        let seen = try await look(at: url)
        let address: SocketAddress =
            switch url.place {
            case .tcp(let host, let port): .tcp(host: seen.peer ?? host, port: port)
            case .unix(let path): .unix(path: path)
            }
        let server = Upstream.RedisServer(
            address: address, user: url.user, secret: url.secret?.reveal { $0 }, database: url.database)
        return ProvisionResponse(upstream: .redisServer(server), server: seen.facts.server)
    }

    public func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        DeprovisionResponse()
    }

    public func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        guard request.mode == .direct else { return BindResponse(direct: nil) }
        return BindResponse(direct: DirectURL(try Self.url(of: request.backing.provider)))
    }

    public func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        let isDirect = request.mode == .direct
        return UnbindResponse(warning: isDirect ? "the app had the provider's own credential: change it there" : nil)
    }

    private func look(at url: ProviderURL) async throws(BrokerError) -> (facts: RedisFacts, peer: String?) {
        let login = RedisLogin(place: url.place, user: url.user, secret: url.secret, database: url.database)
        let facts: RedisFacts
        let peer: String?
        do throws(RedisProblem) {
            (facts, peer) = try await RedisAdmin.run { [timeout] () throws(RedisProblem) in
                let admin = try RedisAdmin(login, timeout: timeout)
                return (try RedisFacts.ask(admin), admin.peer)
            }
        } catch {
            throw error.brokerError(url.description, fix: Self.fix(url))
        }
        if facts.isCluster || facts.isReplica {
            throw BrokerError(
                .unsupported, "\"\(url)\" cannot serve a resource",
                why: facts.isCluster ? "it is a node of a cluster" : "it is a replica, which takes no writes",
                fix: Self.fix(url))
        }
        return (facts, peer)
    }

    private static func url(of provider: ProviderReference) throws(BrokerError) -> ProviderURL {
        guard case .url(let url) = provider else {
            throw BrokerError(.internalFailure, "\"\(provider)\" is no URL", why: "it was handed to the url provider")
        }
        return url
    }

    /// Shows the user what the broker saw; the secret is asked for, not shown.
    private static func fix(_ url: ProviderURL) -> String {
        let account = (url.user.map { "--user \($0) " } ?? "") + (url.secret == nil ? "" : "--askpass ")
        return switch url.place {
        case .tcp(let host, let port): "redis-cli -h \(host) -p \(port) \(account)ping"
        case .unix(let path): "redis-cli -s \(path) \(account)ping"
        }
    }
}

extension DirectURL {
    /// The URL as its server's own clients take it.
    init(_ url: ProviderURL) {
        let user = url.user ?? ""
        func text(_ secret: String?) -> String {
            let account = secret.map { "\(user.percentEncoded):\($0)@" } ?? (user.isEmpty ? "" : "\(user.percentEncoded)@")
            switch url.place {
            case .tcp(let host, let port):
                let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
                return "redis://\(account)\(name):\(port)/\(url.database)"
            case .unix(let path): return "unix://\(account)\(path)?db=\(url.database)"
            }
        }
        self.init(
            url: Secret(text(url.secret?.reveal { $0.percentEncoded })),
            masked: text(url.secret.map { _ in "***" }))
    }
}

extension String {
    /// With everything but the unreserved characters of RFC 3986 as `%XX`.
    fileprivate var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }
}
