public import BrokerModel
import EventLoop
import Gateway
public import ProviderKit
import TLSTunnel

/// Serves resources from a redis server that already runs somewhere. It makes nothing there and removes nothing, and
/// asks it now and then whether it is still there.
public actor URLProvider: Provider, ReportsHealth {
    let timeout: Duration
    private let interval: Duration
    nonisolated let tunnels: TLSTunnels
    /// Those that lead to backings.
    private var held: [BackingID: TLSTunnel] = [:]
    private var watches: [BackingID: Task<Void, Never>] = [:]
    public nonisolated let health: AsyncStream<HealthReport>
    private let reports: AsyncStream<HealthReport>.Continuation

    /// - Parameters:
    ///   - runtime: a folder with a short path and closed to others, for the sockets of tunnels.
    ///   - timeout: how long each answer of a server may take.
    ///   - interval: how long after an answer a server that is used is asked again.
    public init(runtime: String, timeout: Duration = .seconds(5), interval: Duration = .seconds(2)) {
        tunnels = TLSTunnels(folder: runtime)
        self.timeout = timeout
        self.interval = interval
        (health, reports) = AsyncStream.makeStream(of: HealthReport.self, bufferingPolicy: .bufferingNewest(256))
    }

    public nonisolated let offerings = [Offering(.redis, plans: [.durable], modes: [.endpoint, .direct])]

    public nonisolated func serves(_ reference: ProviderReference) -> Bool {
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
            switch seen.login.entrance {
            case .tcp(let host, let port): .tcp(host: seen.peer ?? host, port: port)
            case .unix(let path): .unix(path: path)
            }
        let users: OwnUsers?
        do throws(RedisProblem) {
            users = try await Self.ownUsers(of: request.backing, seen.login, timeout)
        } catch {
            throw error.seen(through: seen.tunnel).brokerError(url.description, fix: Self.fix(url))
        }
        let server = Upstream.RedisServer(
            address: address, user: url.user, secret: url.secret?.reveal { $0 }, database: url.database,
            product: seen.facts.server, ownUsers: users)
        held[request.backing.id] = seen.tunnel
        watch(request.backing.id, url, at: seen.peer)
        return ProvisionResponse(upstream: .redisServer(server), server: seen.facts.server)
    }

    public func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        watches.removeValue(forKey: request.backing.id)?.cancel()
        await removeUsers(of: request.backing) { $0.hasPrefix(OwnUsers.prefix(of: request.backing.id)) }
        held[request.backing.id] = nil
        return DeprovisionResponse()
    }

    /// Reports every change until it is cancelled.
    private func watch(_ backing: BackingID, _ url: ProviderURL, at peer: String?) {
        watches[backing]?.cancel()
        watches[backing] = Task { [interval, reports] in
            var isReady = true
            while (try? await ContinuousClock().sleep(for: interval)) != nil {
                let health: HealthReport.Health?
                do throws(BrokerError) {
                    let seen = try await look(at: url).peer
                    // A name may stand for several servers: one that still serves is not left.
                    let hasMoved = if let seen, let peer, seen != peer { await !serves(url, at: peer) } else { false }
                    health = hasMoved ? .moved(to: seen ?? "") : isReady ? nil : .ready
                    isReady = true
                } catch {
                    health = isReady ? .failed("\(error.what): \(error.why)") : nil
                    isReady = false
                }
                guard !Task.isCancelled else { return }
                if let health { reports.yield(HealthReport(backing: backing, health: health)) }
                // It is provisioned again, and watched from then on at its new place.
                if case .moved = health { return }
            }
        }
    }

    private func serves(_ url: ProviderURL, at peer: String) async -> Bool {
        var former = url
        if case .tcp(_, let port) = url.place { former.place = .tcp(host: peer, port: port) }
        return (try? await look(at: former)) != nil
    }

    public func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        guard request.mode == .direct else { return BindResponse(direct: nil) }
        return BindResponse(direct: DirectURL(RedisLogin(try Self.url(of: request.backing.provider))))
    }

    public func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        let isDirect = request.mode == .direct
        if !isDirect {
            let name = OwnUsers.prefix(of: request.backing.id) + request.attachment.rawValue
            await removeUsers(of: request.backing) { $0 == name }
        }
        return UnbindResponse(warning: isDirect ? "the app had the provider's own credential: change it there" : nil)
    }

    /// What was seen of a server, and how.
    private struct Sight {
        let facts: RedisFacts
        /// The numeric address; nil behind a socket.
        let peer: String?
        let login: RedisLogin
        let tunnel: TLSTunnel?
    }

    private func look(at url: ProviderURL) async throws(BrokerError) -> Sight {
        let tunnel = try await tunnels.tunnel(to: url)
        var login = RedisLogin(url)
        login.tunnel = tunnel?.path
        let facts: RedisFacts
        let peer: String?
        do throws(RedisProblem) {
            (facts, peer) = try await RedisAdmin.run { [timeout, login] () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: timeout)
                return (try RedisFacts.ask(admin), admin.peer)
            }
        } catch {
            throw error.seen(through: tunnel).brokerError(url.description, fix: Self.fix(url))
        }
        if facts.isCluster || facts.isReplica {
            throw BrokerError(
                .unsupported, "\"\(url)\" cannot serve a resource",
                why: facts.isCluster ? "it is a node of a cluster" : "it is a replica, which takes no writes",
                fix: Self.fix(url))
        }
        return Sight(facts: facts, peer: peer, login: login, tunnel: tunnel)
    }

    static func url(of provider: ProviderReference) throws(BrokerError) -> ProviderURL {
        guard case .url(let url) = provider else {
            throw BrokerError(
                .internalFailure, "\"\(provider)\" is no URL", why: "it was handed to the url provider",
                fix: "broker logs")
        }
        return url
    }

    /// Shows the user what the broker saw.
    private static func fix(_ url: ProviderURL) -> String { RedisLogin(url).commandLine("ping") }
}
