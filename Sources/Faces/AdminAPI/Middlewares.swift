import BrokerModel
import HTTPTypes
import Hummingbird
import Logging

/// Turns every error into a document `{code, what, why, fix}` with the code's HTTP status, and names the version.
struct AnswersWithDocuments: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let error = brokerError(error, request, context)
            response = try Response.document(error, status: error.code.httpStatus)
        }
        if let name = HTTPField.Name("Broker-Version") { response.headers[name] = BrokerVersion.current }
        return response
    }

    private func brokerError(_ error: any Error, _ request: Request, _ context: AdminContext) -> BrokerError {
        switch error {
        case let error as BrokerError: return error
        case let error as any HTTPResponseError where error.status == .notFound || error.status == .methodNotAllowed:
            return BrokerError(
                .routeNotFound, "the API has no \(request.method.rawValue) \"\(request.uri.path.prefix(200))\"",
                why: "this is broker \(BrokerVersion.current)", fix: "broker version")
        default:
            context.logger.error("a request failed unexpectedly", metadata: ["error": "\(error)"])
            return BrokerError(
                .internalFailure, "the daemon failed", why: "the reason is in its log", fix: "broker logs")
        }
    }
}

/// Lets in who shows the token: over TCP anybody of this machine can connect, browsers included.
struct AdmitsToken: RouterMiddleware {
    let token: APIToken

    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        guard token.isShown(by: request.headers[.authorization]) else {
            throw BrokerError(
                .peerDenied, "the request does not show this daemon's token",
                why: "over TCP it is in the header: Authorization: Bearer TOKEN",
                fix:
                    "curl -H \"Authorization: Bearer $(cat \"$BROKER_HOME/api-token\")\" http://127.0.0.1:PORT/v1/version"
            )
        }
        return try await next(request, context)
    }
}

/// Refuses connections of other users: the socket's mode keeps them out already, this holds where it cannot.
struct AdmitsOnlyItsUser: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        guard try await PeerUser.isOurs(context.channel) else {
            throw BrokerError(
                .peerDenied, "this daemon belongs to another user", why: "it serves only the user that runs it",
                fix: "unset BROKER_HOME")
        }
        return try await next(request, context)
    }
}
