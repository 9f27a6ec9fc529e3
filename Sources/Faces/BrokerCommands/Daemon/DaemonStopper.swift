import BrokerClient
import BrokerModel
import Processes

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Ends the daemon of a home and waits until its process is gone.
struct DaemonStopper {
    let places: BrokerPlaces
    /// The daemon drains within 5 seconds.
    var timeout: Duration = .seconds(10)

    /// Returns the pid of the daemon that has ended; nil when none ran.
    ///
    /// The daemon's lock is what is waited for, since the system frees it when the process ends, however it ends and
    /// whoever has to reap it. Throws `timedOut` when the process is still there after `timeout`, and what the daemon has
    /// left to tell when it ended without having written all.
    func stop() async throws(BrokerError) -> Int32? {
        guard try LockFile.isHeld(places.daemonLock) else { return nil }
        let pid = try await askToEnd()
        guard try await LockFile.take(places.daemonLock, within: timeout) != nil else {
            throw BrokerError(
                .timedOut, "the daemon has not ended within \(timeout)",
                why: "it still holds \(places.daemonLock)",
                fix: (pid ?? announced?.pid).map { "kill -9 \($0)" } ?? "broker daemon stop")
        }
        if let error = places.end.read() { throw error }
        return pid
    }

    /// A daemon that is just starting holds its lock and does not answer yet: it is asked again until it does. One whose
    /// socket has been removed under it is told by a signal.
    private func askToEnd() async throws(BrokerError) -> Int32? {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        let patience = clock.now + .seconds(1)
        while clock.now < deadline, try LockFile.isHeld(places.daemonLock) {
            if let socket = DaemonFinder(places: places).socket {
                // One that hangs is told by a signal.
                let client = BrokerClient(socket: socket, timeouts: BrokerClient.Timeouts(quick: .seconds(2)))
                let answer: Result<VersionDocument, BrokerError>
                do {
                    answer = .success(try await client.shutdown())
                } catch {
                    answer = .failure(error)
                }
                await client.close()
                switch answer {
                case .success(let daemon): return daemon.pid
                case .failure(let error)
                where [.daemonNotRunning, .daemonEnded, .daemonFailed, .timedOut].contains(error.code): break
                case .failure(let error): throw error
                }
            }
            if clock.now > patience, let pid = signalled() { return pid }
            guard (try? await clock.sleep(for: .milliseconds(10))) != nil else { break }
        }
        return nil
    }

    /// Sends SIGTERM to the daemon that the home names; nil when it names none that lives.
    private func signalled() -> Int32? {
        guard let announced, announced.signal(SIGTERM) else { return nil }
        return announced.pid
    }

    /// The daemon that the home names, while that very process runs: its number alone may be somebody else's by now.
    private var announced: ProcessIdentity? {
        guard PrivateFolder.isOurs(places.home, mayBeLink: true),
            let announced = Announcement.read(places.announcement), let startTime = announced.startTime
        else { return nil }
        let identity = ProcessIdentity(pid: announced.pid, startTime: startTime)
        return identity.isAlive ? identity : nil
    }
}
