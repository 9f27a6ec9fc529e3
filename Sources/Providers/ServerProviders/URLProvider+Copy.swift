public import BrokerModel
public import ProviderKit
import ReplicationWire
import TLSTunnel

/// One database of a server is the resource's: the one that the URL names.
extension URLProvider: CopiesData {
    public nonisolated func openSource(
        _ request: CopySourceRequest
    ) async throws(BrokerError) -> any CopySource {
        try CopyServer.require(request.serviceClass, of: request.backing)
        let server = try await copyServer(request.backing)
        do throws(BrokerError) {
            return try await RedisSource.open(server, request.contents)
        } catch {
            guard error.code == .unsupported, let watch = request.watch else { throw error }
            return try await KeyedSource.open(server, request.contents, watch)
        }
    }

    public nonisolated func openTarget(
        _ request: CopyTargetRequest
    ) async throws(BrokerError) -> any CopyTarget {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisTarget.open(copyServer(request.backing))
    }

    public nonisolated func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisEnd.survey(of: copyServer(request.backing), sample: request.sample)
    }

    public nonisolated func keyspaceEvents(of backing: Backing) async throws(BrokerError) -> KeyspaceEventSet? {
        try await RedisEnd.keyspaceEvents(of: copyServer(backing))
    }

    public nonisolated func memoryBound(of backing: Backing) async throws(BrokerError) -> MemoryBound? {
        try await RedisEnd.memory(of: copyServer(backing)).bound
    }

    /// Its settings are its owner's.
    public nonisolated func setKeyspaceEvents(
        _ events: KeyspaceEventSet, of backing: Backing
    ) async throws(BrokerError) {
        throw BrokerError(
            .unsupported, "the events of \"\(backing.provider)\" cannot be set", why: "its settings are its owner's",
            fix: "CONFIG SET notify-keyspace-events \(events) at that server")
    }

    private nonisolated func copyServer(_ backing: Backing) async throws(BrokerError) -> CopyServer {
        let url = try Self.url(of: backing.provider)
        let tunnel = try await tunnels.tunnel(to: url)
        var login = RedisLogin(url)
        login.database = 0
        login.tunnel = tunnel?.path
        return CopyServer(
            login: login, tunnel: tunnel, scope: .one(url.database), name: url.description, isElsewhere: true)
    }
}
