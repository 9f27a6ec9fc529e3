import BrokerModel
public import ControlPlane
import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The admin API on a unix socket, and where that is asked for on a port of 127.0.0.1, as a service that ends when its
/// group does.
public struct AdminServer: Service {
    /// Where it is reached over TCP, and by whom.
    public struct Port: Sendable {
        let number: Int
        let token: APIToken

        public init(_ number: UInt16, _ token: APIToken) {
            self.number = Int(number)
            self.token = token
        }
    }

    private let controlPlane: ControlPlane
    private let socket: String
    private let port: Port?
    private let logger: Logger
    private let listening: @Sendable () async -> Void
    private let requestShutdown: @Sendable () async -> Void

    /// - Parameters:
    ///   - socket: the path; whoever calls holds the daemon's lock, so that what is there already is stale.
    ///   - port: nil is reached by the socket alone.
    ///   - listening: called once, when connections are taken.
    ///   - requestShutdown: begins the graceful end of the daemon.
    public init(
        controlPlane: ControlPlane, socket: String, port: Port? = nil, logger: Logger,
        listening: @escaping @Sendable () async -> Void,
        requestShutdown: @escaping @Sendable () async -> Void
    ) {
        self.controlPlane = controlPlane
        self.socket = socket
        self.port = port
        self.logger = logger
        self.listening = listening
        self.requestShutdown = requestShutdown
    }

    /// Throws `portTaken` where the port cannot be had.
    public func run() async throws {
        let routes = AdminRoutes(
            daemon: DaemonRoutes(requestShutdown: requestShutdown, socket: socket),
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
        guard let port else { return try await application.run() }
        try await withThrowingTaskGroup { group in
            let (ready, bound) = AsyncStream.makeStream(of: Void.self)
            group.addTask {
                defer { bound.finish() }
                try await run(routes, at: port) { bound.yield(()) }
            }
            // Nobody is told of a daemon whose port is another's.
            for await _ in ready { break }
            group.addTask { try await application.run() }
            // One that ends early, or fails, ends both.
            try await group.next()
            group.cancelAll()
        }
    }

    private func run(
        _ routes: AdminRoutes, at port: Port, listening: @escaping @Sendable () -> Void
    ) async throws {
        let application = Application(
            router: routes.router(port.token),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port.number)),
            onServerRunning: { _ in listening() }, logger: logger)
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE || error.errnoCode == EACCES {
            throw BrokerError(
                .portTaken, "port \(port.number) cannot be had for the HTTP API", why: "\(error)",
                fix: "unset BROKER_API_PORT && broker daemon start")
        }
    }
}
