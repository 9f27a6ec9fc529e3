import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A process that this one has started. A thread waits for its end, so that none is left as a zombie.
package final class ChildProcess: Sendable {
    package let pid: Int32
    /// Names the process also to a later run of this program, which is not its parent.
    package let identity: ProcessIdentity
    /// Whether it leads a session, and with that a process group, of its own.
    private let leadsGroup: Bool
    private let state = Mutex(State())

    private struct State {
        var status: ExitStatus?
        var waiters: [UInt64: CheckedContinuation<ExitStatus?, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    /// Starts `command`; throws before anything runs.
    package static func spawn(_ command: ProcessCommand) throws(SpawnError) -> ChildProcess {
        let pid = try Spawn.run(command)
        let child = ChildProcess(pid: pid, leadsGroup: command.newSession)
        child.startWaiting()
        return child
    }

    private init(pid: Int32, leadsGroup: Bool) {
        self.pid = pid
        self.leadsGroup = leadsGroup
        // Nobody has reaped it yet: even a process that has ended already is found.
        identity = ProcessIdentity(of: pid) ?? ProcessIdentity(pid: pid, startTime: 0)
    }

    /// How it ended; waits for that. Any number may wait. The wait does not end with the waiting task.
    package var exit: ExitStatus {
        get async {
            while true {
                if let status = await nextExit(endsWithTask: false) { return status }
            }
        }
    }

    /// How it ended, or nil when it still runs after `timeout` or the waiting task is cancelled.
    package func exit(within timeout: Duration) async -> ExitStatus? {
        await withTaskGroup(of: ExitStatus?.self) { group in
            group.addTask { await self.nextExit(endsWithTask: true) }
            group.addTask {
                try? await ContinuousClock().sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? exitNow
        }
    }

    /// How it ended; nil while it runs.
    package var exitNow: ExitStatus? { state.withLock { $0.status } }

    /// Sends a signal; false when the process has ended. The number cannot belong to another process: it is reaped
    /// under the same lock.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        state.withLock { $0.status == nil && kill(pid, number) == 0 }
    }

    /// Asks it to end (SIGTERM), and ends it (SIGKILL, with its whole session where it leads one) after `grace`.
    @discardableResult
    package func terminate(grace: Duration) async -> ExitStatus {
        signal(SIGTERM)
        if let status = await exit(within: grace) { return status }
        state.withLock {
            guard $0.status == nil else { return }
            if leadsGroup { kill(-pid, SIGKILL) }
            kill(pid, SIGKILL)
        }
        return await exit
    }

    // MARK: waiting

    private func nextExit(endsWithTask: Bool) async -> ExitStatus? {
        guard endsWithTask else { return await register(nil) }
        let id = state.withLock {
            $0.lastWaiter += 1
            return $0.lastWaiter
        }
        return await withTaskCancellationHandler {
            await register(id)
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(returning: nil)
        }
    }

    private func register(_ id: UInt64?) async -> ExitStatus? {
        await withCheckedContinuation { continuation in
            let isCancelled = id != nil && Task.isCancelled
            let status: ExitStatus?? = state.withLock { state in
                if let status = state.status { return .some(status) }
                if isCancelled { return .some(nil) }
                if id == nil { state.lastWaiter += 1 }
                state.waiters[id ?? state.lastWaiter] = continuation
                return nil
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    private func startWaiting() {
        DetachedThread.run { [self] in
            // WNOWAIT keeps the number taken until the lock is held: `signal` must not meet a stranger.
            var facts = siginfo_t()
            while waitid(P_PID, id_t(pid), &facts, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            let waiters = state.withLock { state in
                var status: Int32 = 0
                var result = waitpid(pid, &status, 0)
                while result < 0, errno == EINTR { result = waitpid(pid, &status, 0) }
                state.status = result == pid ? ExitStatus(waitStatus: status) : .code(255)
                defer { state.waiters = [:] }
                return state.waiters.values.map { ($0, state.status) }
            }
            for (waiter, status) in waiters { waiter.resume(returning: status) }
        }
    }
}
