public import BrokerModel
import NIOHTTP1

/// What tests do with resources of the workspace (`cache`) and of leases (`LEASE.cache`).
extension BrokerClient {
    /// Has the time of resources stand still, go on, or be moved.
    public func moveClock(
        _ request: ClockRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> ClockDocument {
        try await call(.POST, Self.path(workspace, "clock"), body: request, within: timeouts.slow)
    }

    /// Looks whether a resource holds what is expected, until it does or the request's time is over.
    public func expect(
        _ request: ExpectRequest, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> ExpectDocument {
        try await call(
            .POST, Self.path(workspace, "resources", resource, "expect"), body: request,
            within: timeouts.quick + .milliseconds(request.within ?? 0))
    }
}
