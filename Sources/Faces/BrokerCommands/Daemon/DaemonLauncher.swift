import BrokerClient
import BrokerModel
import Processes

/// Starts the daemon of a home when none runs; of several command lines at once, one starts it.
struct DaemonLauncher {
    let places: BrokerPlaces
    let environment: [String: String]
    /// The daemon is this same program.
    var program = OwnProgram.path
    /// How long a start may take, and how long the end of a former daemon is waited for.
    var timeout: Duration = .seconds(15)

    /// Where the daemon is, and whether this call has started it.
    struct Start {
        let socket: String
        let isNew: Bool
    }

    /// Returns when a daemon answers. Throws `daemonFailed` with the end of its log when it does not come up.
    func ensureRunning() async throws(BrokerError) -> Start {
        let finder = DaemonFinder(places: places)
        if let socket = finder.socket { return Start(socket: socket, isNew: false) }
        try PrivateFolder.make(places.home, mayBeLink: true)
        guard let lock = try await LockFile.take(places.startLock, within: timeout) else {
            throw BrokerError(
                .timedOut, "the daemon has not been started within \(timeout)",
                why: "another command line holds \(places.startLock)", fix: "broker daemon start")
        }
        // While this one waited for the lock, another may have started it; or a former daemon is still draining.
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while try LockFile.isHeld(places.daemonLock), clock.now < deadline {
            if let socket = finder.socket { return Start(socket: socket, isNew: false) }
            try? await clock.sleep(for: .milliseconds(5))
        }
        guard try !LockFile.isHeld(places.daemonLock) else {
            let announced = Announcement.read(places.announcement)
            throw BrokerError(
                .daemonFailed,
                "a daemon\(announced.map { " (pid \($0.pid))" } ?? "") holds the home and does not answer",
                why: announced.map { "nobody answers at its socket \($0.socket)" }
                    ?? "it has not said where its socket is",
                fix: "broker daemon stop")
        }
        let socket = try await start(until: clock.now + timeout)
        _ = consume lock
        return Start(socket: socket, isNew: true)
    }

    private func start(until deadline: ContinuousClock.Instant) async throws(BrokerError) -> String {
        let log = DaemonLog(path: places.log)
        log.rotate()
        let former = log.length
        let daemon: ChildProcess
        do throws(SpawnError) {
            daemon = try ChildProcess.spawn(command)
        } catch {
            throw failure("the daemon could not be started", "\(error)")
        }
        let finder = DaemonFinder(places: places)
        let clock = ContinuousClock()
        while clock.now < deadline {
            if let socket = finder.socket { return socket }
            if let status = daemon.exitNow {
                // What the daemon says of its own end is the error, not that it has ended.
                if let error = log.error(from: former) { throw error }
                throw failure("the daemon ended with \(status) before it answered", log.tail(from: former))
            }
            guard (try? await clock.sleep(for: .milliseconds(2))) != nil else { break }
        }
        await daemon.terminate(grace: .seconds(1))
        throw failure("the daemon did not answer within \(timeout)", log.tail(from: former))
    }

    /// A daemon that could not even write its log is most often one without room for it.
    private func failure(_ what: String, _ why: String) -> BrokerError {
        guard DaemonLog.hasRoom(in: places.home) else {
            return BrokerError(
                .diskFull, what, why: "there is no room in \"\(places.home)\"",
                fix: "df -h \(ShellWord.quoted(places.home))")
        }
        return BrokerError(.daemonFailed, what, why: why, fix: "broker daemon run")
    }

    /// In a session of its own, so that neither the terminal's signals nor its end reach it.
    private var command: ProcessCommand {
        // The variable wins over the rule, so that both look at one home whatever the daemon makes of the rest.
        let environment = environment.merging(["BROKER_HOME": places.home]) { $1 }
        var command = ProcessCommand(
            program, ["daemon", "run", "--json"], environment: environment, workingDirectory: "/")
        command.output = .append(path: places.log)
        command.error = .append(path: places.log)
        command.newSession = true
        return command
    }
}
