import BrokerModel
import ControlPlane
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `/v1/workspaces/W/leases…`
struct LeaseRoutes: Sendable {
    let controlPlane: ControlPlane
    private static let beat = Duration.milliseconds(250)

    /// With `?hold=true` the answer is a stream: the lease's document on one line, then an empty line every quarter of a
    /// second. The lease ends when the connection does, whoever ends it, and however.
    @Sendable func take(_ request: AdminRequest) async throws -> Response {
        let body = try await request.body(LeaseRequest.self)
        let holds = request.query("hold") == "true"
        let pid = try await PeerUser.pid(request.context.channel)
        let lease = try await controlPlane.lease(body, in: request.workspace, pid: pid, isHeld: holds)
        guard holds else { return try .document(lease) }
        let hold = Hold(lease.id, controlPlane)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(bytes: try Response.json(lease)))
                try await writer.write(ByteBuffer(string: "\n"))
                // Writing fails as soon as nobody is there to read; the task is cancelled when the daemon ends.
                while (try? await Task.sleep(for: Self.beat)) != nil,
                    (try? await writer.write(ByteBuffer(string: "\n"))) != nil
                {}
                // This task may be cancelled; what is ended now has a grace all the same.
                await Task { await hold.end() }.value
                try await writer.finish(nil)
            })
    }

    @Sendable func list(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.leases(in: request.workspace))
    }

    @Sendable func show(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.lease(request.lease, in: request.workspace))
    }

    @Sendable func end(_ request: AdminRequest) async throws -> Response {
        try .document(await controlPlane.endLease(request.lease, in: request.workspace))
    }

    @Sendable func renew(_ request: AdminRequest) async throws -> Response {
        let term = try await request.body(LeaseTerm.self)
        return try .document(await controlPlane.renew(request.lease, term, in: request.workspace))
    }

    @Sendable func keep(_ request: AdminRequest) async throws -> Response {
        let term = try await request.body(LeaseTerm.self)
        return try .document(await controlPlane.keep(request.lease, term, in: request.workspace))
    }

    @Sendable func guardProcess(_ request: AdminRequest) async throws -> Response {
        let process = try await request.body(LeaseProcess.self)
        return try .document(await controlPlane.guardProcess(request.lease, process, in: request.workspace))
    }
}

/// A lease whose connection is open. Thrown away before its end (the answer could not be sent), it tells so, too.
private final class Hold: Sendable {
    private let lease: String
    private let controlPlane: ControlPlane
    private let hasEnded = Mutex(false)

    init(_ lease: String, _ controlPlane: ControlPlane) {
        self.lease = lease
        self.controlPlane = controlPlane
    }

    deinit {
        guard hasEnded.withLock({ !$0 }) else { return }
        // Owned by nobody: there is nobody left, and it ends by itself.
        Task { [controlPlane, lease] in await controlPlane.leaseLost(lease) }
    }

    func end() async {
        hasEnded.withLock { $0 = true }
        await controlPlane.leaseLost(lease)
    }
}
