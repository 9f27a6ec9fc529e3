import HTTPTypes
import Hummingbird

/// The whole admin API on one screen. A handler decodes, calls one verb of the control plane, and encodes.
struct AdminRoutes: Sendable {
    let daemon: DaemonRoutes
    let resources: ResourceRoutes
    let attachments: AttachmentRoutes
    let workspaces: WorkspaceRoutes
    let leases: LeaseRoutes
    let tests: TestRoutes

    /// The rows. `W`, `R` and `A` are the names of a workspace, a resource and an app, `L` and `F` are the ids of
    /// a lease and a fault, `S` is the name of a snapshot.
    static let table: [Route] = [
        Route(.get, "/v1/version") { $0.daemon.version },
        Route(.post, "/v1/shutdown") { $0.daemon.shutdown },

        Route(.get, "/v1/workspaces/:W/status") { $0.workspaces.status },
        Route(.get, "/v1/workspaces/:W/logs") { $0.workspaces.logs },

        Route(.post, "/v1/workspaces/:W/resources") { $0.resources.create },
        Route(.delete, "/v1/workspaces/:W/resources/:R") { $0.resources.destroy },
        Route(.post, "/v1/workspaces/:W/resources/:R/swap") { $0.resources.swap },
        Route(.post, "/v1/workspaces/:W/resources/:R/swap-plan") { $0.resources.planSwap },
        Route(.post, "/v1/workspaces/:W/resources/:R/rollback") { $0.resources.rollback },

        Route(.post, "/v1/workspaces/:W/attachments") { $0.attachments.attach },
        Route(.delete, "/v1/workspaces/:W/apps/:A/attachments") { $0.attachments.detach },

        Route(.get, "/v1/workspaces/:W/apps/:A/environment") { $0.workspaces.environment },
        Route(.get, "/v1/workspaces/:W/apps/:A/releases") { $0.workspaces.releases },

        Route(.get, "/v1/workspaces/:W/leases") { $0.leases.list },
        Route(.post, "/v1/workspaces/:W/leases") { $0.leases.take },
        Route(.get, "/v1/workspaces/:W/leases/:L") { $0.leases.show },
        Route(.delete, "/v1/workspaces/:W/leases/:L") { $0.leases.end },
        Route(.post, "/v1/workspaces/:W/leases/:L/renew") { $0.leases.renew },
        Route(.post, "/v1/workspaces/:W/leases/:L/keep") { $0.leases.keep },
        Route(.post, "/v1/workspaces/:W/leases/:L/process") { $0.leases.guardProcess },

        Route(.post, "/v1/workspaces/:W/clock") { $0.tests.clock },
        Route(.post, "/v1/workspaces/:W/resources/:R/expect") { $0.tests.expect },
        Route(.post, "/v1/workspaces/:W/resources/:R/reset") { $0.tests.reset },
        Route(.post, "/v1/workspaces/:W/resources/:R/seed") { $0.tests.seed },
        Route(.post, "/v1/workspaces/:W/resources/:R/commands") { $0.tests.commands },
        Route(.get, "/v1/workspaces/:W/resources/:R/faults") { $0.tests.faults },
        Route(.post, "/v1/workspaces/:W/resources/:R/faults") { $0.tests.addFaults },
        Route(.delete, "/v1/workspaces/:W/resources/:R/faults") { $0.tests.removeFaults },
        Route(.delete, "/v1/workspaces/:W/resources/:R/faults/:F") { $0.tests.removeFault },

        Route(.get, "/v1/workspaces/:W/snapshots") { $0.tests.snapshots },
        Route(.post, "/v1/workspaces/:W/snapshots") { $0.tests.createSnapshot },
        Route(.delete, "/v1/workspaces/:W/snapshots/:S") { $0.tests.removeSnapshot },
        Route(.post, "/v1/workspaces/:W/snapshots/:S/restore") { $0.tests.restore },
    ]

    /// The table as a router. Around every handler: the version header, errors as documents, and who may ask: with a token
    /// who shows it, else the daemon's own user.
    func router(_ token: APIToken? = nil) -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: AnswersWithDocuments())
        if let token {
            router.add(middleware: AdmitsToken(token: token))
        } else {
            router.add(middleware: AdmitsOnlyItsUser())
        }
        for route in Self.table {
            let handler = route.handler(self)
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await handler(AdminRequest(request: request, context: context))
            }
        }
        return router
    }
}

/// One row of the table.
struct Route: Sendable {
    typealias Handler = @Sendable (AdminRequest) async throws -> Response

    let method: HTTPRequest.Method
    let path: String
    let handler: @Sendable (AdminRoutes) -> Handler

    init(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping @Sendable (AdminRoutes) -> Handler) {
        self.method = method
        self.path = path
        self.handler = handler
    }
}
