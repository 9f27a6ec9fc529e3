import BrokerModel
import ControlPlane
import Hummingbird

/// `/v1/workspaces/W/resources…`
struct ResourceRoutes: Sendable {
    let controlPlane: ControlPlane

    @Sendable func create(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(CreateRequest.self)
        return try .document(
            await controlPlane.create(body, in: request.workspace, operation: request.operation))
    }

    @Sendable func destroy(_ request: AdminRequest) async throws -> Response {
        try .document(
            await controlPlane.destroy(
                request.resource, in: request.workspace, force: request.query("force") == "true",
                operation: request.operation))
    }

    @Sendable func swap(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(SwapRequest.self)
        return try .document(
            await controlPlane.swap(
                request.resource, body, in: request.workspace, operation: request.operation))
    }

    @Sendable func planSwap(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(SwapRequest.self)
        return try .document(await controlPlane.planSwap(request.resource, body, in: request.workspace))
    }

    @Sendable func rollback(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(RollbackRequest.self)
        return try .document(
            await controlPlane.rollback(
                request.resource, body, in: request.workspace, operation: request.operation))
    }
}
