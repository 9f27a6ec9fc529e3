public import BrokerModel
public import ProviderKit
import ReplicationWire

/// One database of a server is the resource's: the one that the URL names.
extension URLProvider: CopiesData {
    public nonisolated func openSource(
        _ request: CopySourceRequest
    ) async throws(BrokerError) -> any CopySource {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisSource.open(Self.copyServer(request.backing), request.contents)
    }

    public nonisolated func openTarget(
        _ request: CopyTargetRequest
    ) async throws(BrokerError) -> any CopyTarget {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisTarget.open(Self.copyServer(request.backing))
    }

    public nonisolated func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        try CopyServer.require(request.serviceClass, of: request.backing)
        return try await RedisEnd.survey(of: Self.copyServer(request.backing), sample: request.sample)
    }

    private static func copyServer(_ backing: Backing) throws(BrokerError) -> CopyServer {
        let url = try url(of: backing.provider)
        var login = RedisLogin(url)
        login.database = 0
        return CopyServer(login: login, scope: .one(url.database), name: url.description, isElsewhere: true)
    }
}
