import BrokerModel
import ControlPlane
import Hummingbird

/// What tests do with resources of the workspace and of leases: `/v1/workspaces/W/clock` …
struct TestRoutes: Sendable {
    let controlPlane: ControlPlane

    @Sendable func clock(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(ClockRequest.self)
        return try .document(await controlPlane.moveClock(body, in: request.workspace))
    }

    @Sendable func expect(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(ExpectRequest.self)
        return try .document(await controlPlane.expect(body, of: request.resource, in: request.workspace))
    }
}
