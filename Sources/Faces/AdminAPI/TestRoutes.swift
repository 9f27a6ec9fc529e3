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

    @Sendable func reset(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.reset(request.resource, in: request.workspace))
    }

    @Sendable func seed(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(SeedFileRequest.self)
        return try .document(await controlPlane.seed(request.resource, body, in: request.workspace))
    }

    @Sendable func commands(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(CommandsRequest.self)
        return try .document(await controlPlane.commands(body, of: request.resource, in: request.workspace))
    }

    @Sendable func faults(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.faults(of: request.resource, in: request.workspace))
    }

    @Sendable func addFaults(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(FaultsRequest.self)
        return try .document(await controlPlane.addFaults(body, to: request.resource, in: request.workspace))
    }

    @Sendable func removeFaults(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.removeFaults(nil, of: request.resource, in: request.workspace))
    }

    @Sendable func removeFault(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.removeFaults(request.fault, of: request.resource, in: request.workspace))
    }

    @Sendable func snapshots(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.snapshots(in: request.workspace))
    }

    @Sendable func createSnapshot(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(SnapshotCreateRequest.self)
        return try .document(await controlPlane.createSnapshot(body, in: request.workspace))
    }

    @Sendable func removeSnapshot(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.removeSnapshot(request.snapshot, in: request.workspace))
    }

    @Sendable func restore(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(RestoreSnapshotRequest.self)
        return try .document(await controlPlane.restore(request.snapshot, body, in: request.workspace))
    }
}
