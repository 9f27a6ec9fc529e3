public import BrokerModel
import EventLoop
import Gateway
import Processes
public import ProviderKit

/// Serves resources of class `redis` from server processes of this machine, one each, on private sockets.
///
/// A process leads a session of its own, so that it outlives a killed daemon; the next one finds it by pid and start
/// time, or by its socket where the crash came before those were kept. A server that ends by itself is started again.
public actor ExecProvider: Provider, SuspendsServers, ReportsHealth {
    /// How long things may take.
    public struct Limits: Sendable {
        /// Until a fresh server answers.
        public var start = Duration.seconds(10)
        /// Until one that says LOADING has read its data.
        public var loading = Duration.seconds(120)
        /// Until one that was asked to end is killed.
        public var stop = Duration.seconds(10)
        /// Before the first restart of a server that has ended by itself; doubled with each that follows.
        public var firstRestart = Duration.milliseconds(100)
        public var longestRestart = Duration.seconds(10)

        public init() {}
    }

    let folders: String
    let runtime: String
    let environment: [String: String]
    let limits: Limits
    var servers: [BackingID: RunningServer] = [:]
    public nonisolated let health: AsyncStream<HealthReport>
    let reports: AsyncStream<HealthReport>.Continuation

    /// A server, and the task that notices its end.
    struct RunningServer {
        var process: ServerProcess
        var name: String
        /// It has ended, and the supervisor starts it again.
        var isRestarting = false
        var supervisor: Task<Void, Never>?
    }

    /// - Parameters:
    ///   - folders: where each server gets a folder of its own.
    ///   - runtime: a folder with a short path for the sockets.
    ///   - path: where programs are looked up, in the form of PATH.
    public init(folders: String, runtime: String, path: String, limits: Limits = Limits()) {
        self.folders = folders
        self.runtime = runtime
        self.limits = limits
        environment = ["PATH": path, "LC_ALL": "C"]
        (health, reports) = AsyncStream.makeStream(of: HealthReport.self, bufferingPolicy: .bufferingNewest(256))
    }

    public nonisolated let offerings = [Offering(.redis, plans: [.durable], modes: [.endpoint, .direct])]

    public nonisolated func serves(_ reference: ProviderReference) -> Bool {
        if case .exec = reference { true } else { false }
    }

    public func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse {
        CheckResponse(server: try await program(of: request.provider).check())
    }

    public func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        let id = request.backing.id
        if servers[id]?.isRestarting == true {
            // A start that takes long is not begun anew.
            throw BrokerError(
                .serverUnreachable, "\(request.backing.provider) is being started again",
                why: "it has ended by itself, and does not answer yet", fix: "broker status")
        }
        if servers[id]?.process.isAlive != true {
            await stopSupervising(id)
            if let found = try await findAgain(request) {
                servers[id] = found
                // Whoever was shut out by a daemon that ended meanwhile is in again.
                try await lift(request.backing)
            } else {
                servers[id] = try await launch(request)
            }
            servers[id]?.supervisor = Task { await supervise(request) }
        }
        let files = files(of: id)
        let server = Upstream.RedisServer(
            address: .unix(path: files.socket), user: nil, secret: request.backing.secret.reveal { $0 }, database: nil,
            product: servers[id]?.name)
        return ProvisionResponse(upstream: .redisServer(server), server: servers[id]?.name)
    }

    /// Ends the server and removes its data, which it therefore need not save. One that only an earlier daemon knew is
    /// found and ended, too.
    public func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        await end(request.backing, grace: .zero)
        try files(of: request.backing.id).remove()
        return DeprovisionResponse()
    }

    public func suspend(_ backing: Backing) async throws(BrokerError) {
        await end(backing, grace: limits.stop)
    }

    public func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        guard request.mode == .direct else { return BindResponse(direct: nil) }
        let login = try await addUser(request.attachment.rawValue, at: request.backing)
        return BindResponse(direct: DirectURL(login))
    }

    public func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        if request.mode == .direct { try await removeUser(request.attachment.rawValue, at: request.backing) }
        return UnbindResponse(warning: nil)
    }

    // MARK: parts

    func files(of id: BackingID) -> ServerFiles { ServerFiles(id, folders: folders, runtime: runtime) }

    func login(of backing: Backing) -> RedisLogin {
        RedisLogin(place: .unix(path: files(of: backing.id).socket), secret: backing.secret)
    }

    func program(of provider: ProviderReference) throws(BrokerError) -> ServerProgram {
        guard case .exec(let name) = provider else {
            throw BrokerError(
                .internalFailure, "\"\(provider)\" is no program", why: "it was handed to the exec provider",
                fix: "broker logs")
        }
        return ServerProgram(name: name, environment: environment)
    }

    private func end(_ backing: Backing, grace: Duration) async {
        await stopSupervising(backing.id)
        let process = await running(backing)
        servers[backing.id] = nil
        if let process { await process.terminate(grace: grace) }
        files(of: backing.id).removeSocket()
    }

    private func stopSupervising(_ id: BackingID) async {
        guard let supervisor = servers[id]?.supervisor else { return }
        supervisor.cancel()
        await supervisor.value
        servers[id]?.supervisor = nil
    }
}
