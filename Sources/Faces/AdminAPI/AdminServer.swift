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

/// The admin API on a unix socket and, where that is asked for, on a port of 127.0.0.1, Toxiproxy's API on another; as a
/// service that ends when its group does.
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
    private let toxiproxyPort: UInt16?
    private let logger: Logger
    private let listening: @Sendable () async -> Void
    private let requestShutdown: @Sendable () async -> Void

    /// - Parameters:
    ///   - socket: the path; whoever calls holds the daemon's lock, so that what is there already is stale.
    ///   - port: nil is reached by the socket alone.
    ///   - toxiproxyPort: nil serves no clients of Toxiproxy.
    ///   - listening: called once, when connections are taken.
    ///   - requestShutdown: begins the graceful end of the daemon.
    public init(
        controlPlane: ControlPlane, socket: String, port: Port? = nil, toxiproxyPort: UInt16? = nil, logger: Logger,
        listening: @escaping @Sendable () async -> Void,
        requestShutdown: @escaping @Sendable () async -> Void
    ) {
        self.controlPlane = controlPlane
        self.socket = socket
        self.port = port
        self.toxiproxyPort = toxiproxyPort
        self.logger = logger
        self.listening = listening
        self.requestShutdown = requestShutdown
    }

    /// Throws `portTaken` where a port cannot be had.
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
        let book = ToxiproxyBook(controlPlane)
        let fronts = fronts(routes, book)
        guard !fronts.isEmpty else { return try await application.run() }
        try await withThrowingTaskGroup { group in
            let (ready, bound) = AsyncStream.makeStream(of: Void.self)
            for front in fronts {
                group.addTask {
                    defer { bound.finish() }
                    try await run(front) { bound.yield(()) }
                }
            }
            // Nobody is told of a daemon whose ports are another's.
            var open = 0
            for await _ in ready {
                open += 1
                if open == fronts.count { break }
            }
            if open == fronts.count {
                group.addTask { try await application.run() }
                group.addTask { await book.keep() }
            }
            // One that ends early, or fails, ends all.
            try await group.next()
            group.cancelAll()
        }
    }

    /// What is served on a port of 127.0.0.1.
    private struct Front: Sendable {
        let router: @Sendable () -> Router<AdminContext>
        let port: Int
        let name: String
        /// The setting that asks for it.
        let variable: String
    }

    private func fronts(_ routes: AdminRoutes, _ book: ToxiproxyBook) -> [Front] {
        var fronts: [Front] = []
        if let port {
            fronts.append(
                Front(
                    router: { routes.router(port.token) }, port: port.number, name: "the HTTP API",
                    variable: "BROKER_API_PORT"))
        }
        if let toxiproxyPort {
            fronts.append(
                Front(
                    router: { ToxiproxyRoutes(book: book).router() }, port: Int(toxiproxyPort), name: "Toxiproxy's API",
                    variable: "BROKER_TOXIPROXY_PORT"))
        }
        return fronts
    }

    private func run(_ front: Front, listening: @escaping @Sendable () -> Void) async throws {
        let application = Application(
            router: front.router(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: front.port)),
            onServerRunning: { _ in listening() }, logger: logger)
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE || error.errnoCode == EACCES {
            throw BrokerError(
                .portTaken, "port \(front.port) cannot be had for \(front.name)", why: "\(error)",
                fix: "unset \(front.variable) && broker daemon start")
        }
    }
}
