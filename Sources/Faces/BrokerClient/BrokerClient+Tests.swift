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

    /// Empties a resource, or has it go back to what it began with.
    public func reset(_ resource: String, in workspace: WorkspaceName) async throws(BrokerError) -> ResetDocument {
        try await call(.POST, Self.path(workspace, "resources", resource, "reset"), within: timeouts.slow)
    }

    /// Adds what a file has to what a resource holds.
    public func seed(
        _ resource: String, _ request: SeedFileRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SeedDocument {
        try await call(
            .POST, Self.path(workspace, "resources", resource, "seed"), body: request, within: timeouts.slow)
    }

    /// Adds faults to a resource, all at once.
    public func addFaults(
        _ request: FaultsRequest, to resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> FaultsDocument {
        try await call(.POST, Self.path(workspace, "resources", resource, "faults"), body: request)
    }

    /// What clients have sent to a resource since the last mark.
    public func commands(
        _ request: CommandsRequest, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> CommandsDocument {
        try await call(.POST, Self.path(workspace, "resources", resource, "commands"), body: request)
    }

    /// A resource's faults.
    public func faults(of resource: String, in workspace: WorkspaceName) async throws(BrokerError) -> FaultsDocument {
        try await call(.GET, Self.path(workspace, "resources", resource, "faults"))
    }

    /// Removes a fault of a resource, or all where none is named.
    public func removeFaults(
        _ id: String?, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> FaultsDocument {
        let path =
            id.map { Self.path(workspace, "resources", resource, "faults", $0) }
            ?? Self.path(workspace, "resources", resource, "faults")
        return try await call(.DELETE, path)
    }

    /// Keeps what resources hold, at one instant.
    public func createSnapshot(
        _ request: SnapshotCreateRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SnapshotDocument {
        try await call(.POST, Self.path(workspace, "snapshots"), body: request, within: timeouts.slow)
    }

    /// The workspace's snapshots.
    public func snapshots(in workspace: WorkspaceName) async throws(BrokerError) -> SnapshotsDocument {
        try await call(.GET, Self.path(workspace, "snapshots"))
    }

    /// Forgets a snapshot.
    public func removeSnapshot(
        _ name: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SnapshotDocument {
        try await call(.DELETE, Self.path(workspace, "snapshots", name))
    }

    /// Has resources go back to a snapshot.
    public func restore(
        _ name: String, _ request: RestoreSnapshotRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SnapshotDocument {
        try await call(
            .POST, Self.path(workspace, "snapshots", name, "restore"), body: request, within: timeouts.slow)
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
