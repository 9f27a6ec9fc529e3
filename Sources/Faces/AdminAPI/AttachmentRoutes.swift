import BrokerModel
import ControlPlane
import Hummingbird

/// `/v1/workspaces/W/attachments`, `/v1/workspaces/W/apps/A/attachments`
struct AttachmentRoutes: Sendable {
    let controlPlane: ControlPlane

    @Sendable func attach(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(AttachRequest.self)
        return try .document(
            await controlPlane.attach(body, in: request.workspace, operation: request.operation))
    }

    @Sendable func detach(_ request: AdminRequest) async throws -> Response {
        guard let resource = request.query("resource") else {
            throw BrokerError(
                .invalidRequest, "the query has no \"resource\"", why: "it names what is detached",
                fix: "add ?resource=NAME to the query")
        }
        return try .document(
            await controlPlane.detach(
                resource: resource, app: request.app, alias: request.query("alias"), in: request.workspace,
                operation: request.operation))
    }
}
