public import BrokerModel
public import ProviderKit

extension ExecProvider: CopiesData {
    public func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        try await ServerCopySource(
            login(of: request.backing), named: "\(request.backing.provider)", only: nil, contents: request.contents)
    }

    public func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        try await ServerCopyTarget(login(of: request.backing), named: "\(request.backing.provider)", only: nil)
    }
}

extension URLProvider: CopiesData {
    public func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        let url = try Self.url(of: request.backing.provider)
        return try await ServerCopySource(
            RedisLogin(url), named: "\(url)", only: url.database, contents: request.contents)
    }

    public func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        let url = try Self.url(of: request.backing.provider)
        return try await ServerCopyTarget(RedisLogin(url), named: "\(url)", only: url.database)
    }
}
