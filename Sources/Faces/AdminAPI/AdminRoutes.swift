import Hummingbird
import HTTPTypes

/// The whole admin API on one screen. A handler decodes, calls one verb of the control plane, and encodes.
struct AdminRoutes {
    let daemon: DaemonRoutes
    let resources: ResourceRoutes
    let attachments: AttachmentRoutes
    let workspaces: WorkspaceRoutes

    /// The rows. `W`, `R` and `A` are the names of a workspace, a resource and an app.
    var table: [Route] {
        [
            Route(.get, "/v1/version", daemon.version),
            Route(.post, "/v1/shutdown", daemon.shutdown),

            Route(.get, "/v1/workspaces/:W/status", workspaces.status),
            Route(.get, "/v1/workspaces/:W/logs", workspaces.logs),

            Route(.post, "/v1/workspaces/:W/resources", resources.create),
            Route(.delete, "/v1/workspaces/:W/resources/:R", resources.destroy),
            Route(.post, "/v1/workspaces/:W/resources/:R/swap", resources.swap),

            Route(.post, "/v1/workspaces/:W/attachments", attachments.attach),
            Route(.delete, "/v1/workspaces/:W/apps/:A/attachments", attachments.detach),

            Route(.get, "/v1/workspaces/:W/apps/:A/environment", workspaces.environment),
            Route(.get, "/v1/workspaces/:W/apps/:A/releases", workspaces.releases),
        ]
    }

    /// The table as a router. Around every handler: the version header, errors as documents, the peer's user.
    func router() -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: AnswersWithDocuments())
        router.add(middleware: AdmitsOnlyItsUser())
        for route in table {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await route.handler(AdminRequest(request: request, context: context))
            }
        }
        return router
    }
}

/// One row of the table.
struct Route {
    let method: HTTPRequest.Method
    let path: String
    let handler: @Sendable (AdminRequest) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String,
        _ handler: @escaping @Sendable (AdminRequest) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.handler = handler
    }
}
