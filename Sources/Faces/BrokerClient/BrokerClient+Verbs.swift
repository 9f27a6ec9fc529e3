public import BrokerModel
import NIOHTTP1

extension BrokerClient {
    /// Who the daemon is.
    public func version() async throws(BrokerError) -> VersionDocument {
        try await call(.GET, ["v1", "version"])
    }

    /// Asks the daemon to end; it answers before it does.
    public func shutdown() async throws(BrokerError) -> VersionDocument {
        try await call(.POST, ["v1", "shutdown"])
    }

    /// All resources and apps of a workspace.
    public func status(in workspace: WorkspaceName) async throws(BrokerError) -> StatusDocument {
        try await call(.GET, Self.path(workspace, "status"))
    }

    /// Makes a resource, unless it is there already as asked for.
    public func create(
        _ request: CreateRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> CreateOutcome {
        try await operate(.POST, Self.path(workspace, "resources"), body: request)
    }

    /// Removes a resource and its data; with `force` also when apps are attached.
    public func destroy(
        _ resource: String, in workspace: WorkspaceName, force: Bool
    ) async throws(BrokerError) -> DestroyOutcome {
        let path = Self.path(workspace, "resources", resource).query("force", force ? "true" : nil)
        return try await operate(.DELETE, path)
    }

    /// Puts another provider behind a resource.
    public func swap(
        _ resource: String, _ request: SwapRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SwapOutcome {
        try await operate(
            .POST, Self.path(workspace, "resources", resource, "swap"), body: request)
    }

    /// What a swap would do; nothing is changed.
    public func planSwap(
        _ resource: String, _ request: SwapRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SwapPlanDocument {
        try await call(
            .POST, Self.path(workspace, "resources", resource, "swap-plan"), body: request, within: timeouts.slow)
    }

    /// Goes back to the provider that the last swap has replaced.
    public func rollback(
        _ resource: String, _ request: RollbackRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SwapOutcome {
        try await operate(.POST, Self.path(workspace, "resources", resource, "rollback"), body: request)
    }

    /// Attaches a resource to an app; makes the resource when it is missing.
    public func attach(
        _ request: AttachRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> AttachOutcome {
        try await operate(.POST, Self.path(workspace, "attachments"), body: request)
    }

    /// Takes an attachment away; `alias` is needed where the resource is attached more than once.
    public func detach(
        _ resource: String, from app: String, alias: String?, in workspace: WorkspaceName
    ) async throws(BrokerError) -> DetachOutcome {
        let path = Self.path(workspace, "apps", app, "attachments").query("resource", resource).query("alias", alias)
        return try await operate(.DELETE, path)
    }

    /// The variables that an app's next process gets, values in the clear.
    public func environment(
        of app: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> EnvironmentDocument {
        try await call(.GET, Self.path(workspace, "apps", app, "environment"))
    }

    /// An app's releases, newest first.
    public func releases(of app: String, in workspace: WorkspaceName) async throws(BrokerError) -> ReleasesDocument {
        try await call(.GET, Self.path(workspace, "apps", app, "releases"))
    }

    /// What happened in a workspace, oldest first: the newest `last` entries after `cursor`, of one source or of all.
    public func logs(
        in workspace: WorkspaceName, source: String?, last: Int, after cursor: String?
    ) async throws(BrokerError) -> LogsDocument {
        let path = Self.path(workspace, "logs").query("last", String(last)).query("source", source).query(
            "after", cursor)
        return try await call(.GET, path)
    }

    static func path(_ workspace: WorkspaceName, _ segments: String...) -> RequestPath {
        RequestPath(["v1", "workspaces", workspace.rawValue] + segments)
    }
}
