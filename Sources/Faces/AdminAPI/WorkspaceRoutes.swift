import BrokerModel
import ControlPlane
import Hummingbird

/// What can be read of a workspace: `status`, `logs`, an app's `environment` and `releases`.
struct WorkspaceRoutes: Sendable {
    let controlPlane: ControlPlane

    @Sendable func status(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.status(in: request.workspace))
    }

    @Sendable func environment(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.environment(of: request.app, in: request.workspace))
    }

    @Sendable func releases(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.releases(of: request.app, in: request.workspace))
    }

    @Sendable func logs(_ request: AdminRequest) async throws -> Response {
        try .document(
            await controlPlane.logs(
                in: request.workspace, source: request.query("source"), last: request.number("last"),
                after: request.query("after")))
    }
}
