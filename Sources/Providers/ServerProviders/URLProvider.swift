public import BrokerModel
import EventLoop
import Gateway
public import ProviderKit

/// Serves resources from a redis server that already runs somewhere. It makes nothing there and removes nothing, and
/// asks it now and then whether it is still there.
public actor URLProvider: Provider, ReportsHealth {
    private let timeout: Duration
    private let interval: Duration
    private var watches: [BackingID: Task<Void, Never>] = [:]
    public nonisolated let health: AsyncStream<HealthReport>
    private let reports: AsyncStream<HealthReport>.Continuation

    /// - Parameters:
    ///   - timeout: how long each answer of a server may take.
    ///   - interval: how long after an answer a server that is used is asked again.
    public init(timeout: Duration = .seconds(5), interval: Duration = .seconds(2)) {
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
            switch url.place {
            case .tcp(let host, let port): .tcp(host: seen.peer ?? host, port: port)
            case .unix(let path): .unix(path: path)
            }
        let server = Upstream.RedisServer(
            address: address, user: url.user, secret: url.secret?.reveal { $0 }, database: url.database,
            product: seen.facts.server)
        watch(request.backing.id, url, at: seen.peer)
        return ProvisionResponse(upstream: .redisServer(server), server: seen.facts.server)
    }

    public func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        watches.removeValue(forKey: request.backing.id)?.cancel()
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
        return UnbindResponse(warning: isDirect ? "the app had the provider's own credential: change it there" : nil)
    }

    private func look(at url: ProviderURL) async throws(BrokerError) -> (facts: RedisFacts, peer: String?) {
        let login = RedisLogin(url)
        let facts: RedisFacts
        let peer: String?
        do throws(RedisProblem) {
            (facts, peer) = try await RedisAdmin.run { [timeout] () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: timeout)
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
