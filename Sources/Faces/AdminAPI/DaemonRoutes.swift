import BrokerModel
import Hummingbird

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// `/v1/version`, `/v1/shutdown`
struct DaemonRoutes: Sendable {
    /// Begins the graceful end; the request that asked for it is still answered.
    let requestShutdown: @Sendable () async -> Void
    let socket: String

    @Sendable func version(_: AdminRequest) async throws -> Response {
        try .document(VersionDocument(version: BrokerVersion.current, pid: getpid(), socket: socket))
    }

    @Sendable func shutdown(_: AdminRequest) async throws -> Response {
        await requestShutdown()
        return try .document(VersionDocument(version: BrokerVersion.current, pid: getpid(), socket: socket))
    }
}
