public import ControlPlane
import Hummingbird
public import Logging
public import ServiceLifecycle

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The admin API on a unix socket, as a service that ends when its group does.
public struct AdminServer: Service {
    private let controlPlane: ControlPlane
    private let socket: String
    private let logger: Logger
    private let listening: @Sendable () async -> Void
    private let requestShutdown: @Sendable () async -> Void

    /// - Parameters:
    ///   - socket: the path; whoever calls holds the daemon's lock, so that what is there already is stale.
    ///   - listening: called once, when connections are taken.
    ///   - requestShutdown: begins the graceful end of the daemon.
    public init(
        controlPlane: ControlPlane, socket: String, logger: Logger, listening: @escaping @Sendable () async -> Void,
        requestShutdown: @escaping @Sendable () async -> Void
    ) {
        self.controlPlane = controlPlane
        self.socket = socket
        self.logger = logger
        self.listening = listening
        self.requestShutdown = requestShutdown
    }

    public func run() async throws {
        let routes = AdminRoutes(
            daemon: DaemonRoutes(requestShutdown: requestShutdown),
            resources: ResourceRoutes(controlPlane: controlPlane),
            attachments: AttachmentRoutes(controlPlane: controlPlane),
            workspaces: WorkspaceRoutes(controlPlane: controlPlane), leases: LeaseRoutes(controlPlane: controlPlane),
            tests: TestRoutes(controlPlane: controlPlane))
        let application = Application(
            router: routes.router(),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket)),
            onServerRunning: { [socket, listening] _ in
                // The daemon's umask and the folder keep others out before this already.
                _ = chmod(socket, 0o600)
                await listening()
            },
            logger: logger)
        try await application.run()
    }
}
