import AdminAPI
import BrokerClient
import BrokerModel
import ControlPlane
import EventLoop
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// `broker daemon run`: everything is wired here.
public enum Daemon {
    /// Runs until SIGTERM, SIGINT or `POST /v1/shutdown`, drains, and returns.
    ///
    /// Throws `daemonRunning` when another daemon holds the home.
    public static func run(flags: [String: String], environment: [String: String]) async throws {
        prepareProcess()
        let settings = try Settings(flags: flags, environment: environment)
        let places = try settings.places(environment: environment)
        let logger = Logger(label: "broker") { label in
            JSONLineLogHandler(label: label, level: Logger.Level(settings.logLevel))
        }
        let lock = try await takeHome(places)
        places.end.clear()
        try await serve(settings, places, path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", logger)
        // The lock is held until here, when nothing of the home is in use any more.
        _ = consume lock
    }

    private static func serve(
        _ settings: Settings, _ places: BrokerPlaces, path: String, _ logger: Logger
    ) async throws {
        let loops = try LoopPool { try makeLoop() }
        let controlPlane = try makeControlPlane(settings, places, loops, path: path, logger)
        try await controlPlane.start()
        let stopRequest = StopRequest()
        let unheard = Remembered()
        let unsaved = Remembered()
        let socket = places.socket(of: getpid())
        removeStaleSockets(places)
        let port = try settings.apiPort.map { number throws(BrokerError) in
            AdminServer.Port(number, try APIToken.file(places.home + "/api-token"))
        }
        let server = AdminServer(
            controlPlane: controlPlane, socket: socket, port: port, toxiproxyPort: settings.toxiproxyPort,
            logger: logger,
            listening: {
                do throws(BrokerError) {
                    try announce(settings, places, socket, logger)
                } catch {
                    // A daemon that nobody can find is none.
                    unheard.remember(error)
                    stopRequest.make()
                }
            },
            requestShutdown: { stopRequest.make() })
        // Ended from the last to the first: no new request, then no endpoint.
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: EndpointService(controlPlane: controlPlane, loops: loops) { unsaved.remember($0) }),
                .init(service: stopRequest, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(
                    service: HomeWatch(lock: places.daemonLock, logger: logger),
                    successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: IdlePages()),
                .init(service: server),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // With the loop's own grace this stays within the five seconds that the product promises.
        group.maximumGracefulShutdownDuration = .milliseconds(2500)
        try await ServiceGroup(configuration: group).run()
        removeTraces(places, socket)
        if let error = unheard.error { throw error }
        if let error = unsaved.error {
            places.end.tell(error)
            throw error
        }
        logger.info("stopped")
    }

    /// The lock is ours, so what former daemons that were killed have left is nobody's.
    private static func removeStaleSockets(_ places: BrokerPlaces) {
        guard let folder = opendir(places.runtime) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".sock"), Int32(name.dropLast(5)) != nil { unlink("\(places.runtime)/\(name)") }
        }
    }

    /// Leaves nothing behind but the home, and touches nothing that another daemon has put there meanwhile (whose home was
    /// removed under this one). Folders that are not empty stay.
    private static func removeTraces(_ places: BrokerPlaces, _ socket: String) {
        unlink(socket)
        guard Announcement.read(places.announcement)?.pid == getpid() else { return }
        unlink(places.announcement)
        rmdir(places.runtime)
        rmdir(places.runtimeParent)
    }

    /// Tells clients where the daemon is, now that it answers.
    private static func announce(
        _ settings: Settings, _ places: BrokerPlaces, _ socket: String, _ logger: Logger
    ) throws(BrokerError) {
        let announcement = Announcement(
            pid: getpid(), socket: socket, version: BrokerVersion.current,
            startTime: ProcessIdentity(of: getpid())?.startTime)
        try announcement.write(places.announcement)
        logger.info(
            "started",
            metadata: [
                "version": "\(BrokerVersion.current)", "pid": "\(getpid())", "home": "\(places.home)",
                "socket": "\(socket)",
                "ports": "\(settings.ports.lowerBound)-\(settings.ports.upperBound)",
            ])
    }

    /// What is set for the whole process: nothing that it makes is for others, a closed pipe is an error code and no
    /// end, and a thousand clients have a descriptor each.
    private static func prepareProcess() {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        #if canImport(Darwin)
        let descriptors = RLIMIT_NOFILE
        #else
        let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard getrlimit(descriptors, &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 65536))
        setrlimit(descriptors, &limit)
    }

    /// Makes the folders and takes the lock that makes this process the home's one daemon.
    private static func takeHome(_ places: BrokerPlaces) async throws(BrokerError) -> LockFile {
        try PrivateFolder.make(places.home, mayBeLink: true)
        // Whoever looks whether the lock is held holds it for a moment: a short wait tells that from a daemon.
        guard let lock = try await LockFile.take(places.daemonLock, within: .milliseconds(250)) else {
            let pid = Announcement.read(places.announcement).map { " (pid \($0.pid))" } ?? ""
            throw BrokerError(
                .daemonRunning, "another daemon\(pid) runs on \"\(places.home)\"", why: "a home has one daemon",
                fix: "broker daemon stop")
        }
        // Who owns the folder above could exchange the one below.
        try PrivateFolder.make(places.runtimeParent, choosing: "XDG_RUNTIME_DIR")
        try PrivateFolder.make(places.runtime, choosing: "XDG_RUNTIME_DIR")
        return lock
    }
}

/// Why a daemon does not end in order.
private final class Remembered: Sendable {
    private let kept = Mutex<BrokerError?>(nil)

    var error: BrokerError? { kept.withLock { $0 } }

    func remember(_ error: BrokerError) {
        kept.withLock { $0 = error }
    }
}

extension Logger.Level {
    init(_ level: Settings.LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}
