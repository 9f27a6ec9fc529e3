import BrokerModel
import HTTPTypes
import Hummingbird
import Logging

/// Turns every error into `{"error", "status"}` with its status.
struct AnswersAsToxiproxy: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let error = toxiproxyError(error, request, context)
            return try Response.document(error, status: error.status)
        }
    }

    private func toxiproxyError(_ error: any Error, _ request: Request, _ context: AdminContext) -> ToxiproxyError {
        switch error {
        case is ToxiproxyError, is BrokerError: return ToxiproxyError(error)
        case let error as any HTTPResponseError where error.status == .notFound || error.status == .methodNotAllowed:
            return ToxiproxyError(
                error.status.code, "there is no \(request.method.rawValue) \"\(request.uri.path.prefix(200))\"")
        default:
            context.logger.error("a request failed unexpectedly", metadata: ["error": "\(error)"])
            return ToxiproxyError(error)
        }
    }
}

/// Refuses what a page in a browser could send: clients of this API show no token, and every page can reach 127.0.0.1. A
/// name of its own that leads there is refused with its `Host`.
struct RefusesBrowsers: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        guard Self.isLoopback(request.head.authority) else {
            throw ToxiproxyError(403, "the Host is not 127.0.0.1, localhost or [::1]")
        }
        guard request.headers[.origin] == nil, request.headers[.userAgent]?.hasPrefix("Mozilla/") != true else {
            throw ToxiproxyError(403, "browsers are not served")
        }
        return try await next(request, context)
    }

    /// With a port or without.
    static func isLoopback(_ host: String?) -> Bool {
        guard let host = host?.lowercased() else { return false }
        return ["127.0.0.1", "localhost", "[::1]"].contains { name in
            host == name || host.hasPrefix(name + ":") && UInt16(host.dropFirst(name.count + 1)) != nil
        }
    }
}
