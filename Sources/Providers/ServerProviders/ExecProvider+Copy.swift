public import BrokerModel
public import ProviderKit
import ReplicationWire

/// All databases of a server are the resource's.
extension ExecProvider: CopiesData {
    public nonisolated func openSource(
        _ request: CopySourceRequest
    ) async throws(BrokerError) -> any CopySource {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisSource.open(await copyServer(request.backing), request.contents)
    }

    public nonisolated func openTarget(
        _ request: CopyTargetRequest
    ) async throws(BrokerError) -> any CopyTarget {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisTarget.open(await copyServer(request.backing))
    }

    public nonisolated func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        try CopyServer.require(request.serviceClass, of: request.backing)
        guard await servers[request.backing.id] != nil else { return BackingSurvey(keys: [:]) }
        return try await RedisEnd.survey(of: await copyServer(request.backing), sample: request.sample)
    }

    public func keyspaceEvents(of backing: Backing) async throws(BrokerError) -> KeyspaceEventSet? {
        guard servers[backing.id] != nil else { return nil }
        return try await RedisEnd.keyspaceEvents(of: copyServer(backing))
    }

    public func setKeyspaceEvents(_ events: KeyspaceEventSet, of backing: Backing) async throws(BrokerError) {
        try await ask([["CONFIG", "SET", "notify-keyspace-events", events.description]], at: backing)
        try files(of: backing.id).setKeyspaceEvents(events.description)
    }

    public func memoryBound(of backing: Backing) async throws(BrokerError) -> MemoryBound? {
        guard servers[backing.id] != nil else { return nil }
        return try await RedisEnd.memory(of: copyServer(backing)).bound
    }

    public func setMemoryBound(_ bound: MemoryBound, of backing: Backing) async throws(BrokerError) -> Int? {
        if bound.bytes > 0, let used = try await RedisEnd.memory(of: copyServer(backing)).used, used > bound.bytes {
            return used
        }
        // The policy first: no limit is kept by another one.
        let settings = [["maxmemory-policy", bound.policy], ["maxmemory", "\(bound.bytes)"]]
        try await ask(settings.map { ["CONFIG", "SET"] + $0 }, at: backing)
        try files(of: backing.id).setMemoryBound(settings)
        return nil
    }

    private func copyServer(_ backing: Backing) -> CopyServer {
        CopyServer(login: login(of: backing), scope: .all, name: "\(backing.provider)", isElsewhere: false)
    }
}
