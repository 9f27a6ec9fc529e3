/// A thread that does one thing after the other, for a connection whose calls block.
package final class WorkerThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Monitor(State())

    package init() {
        DetachedThread.run { [state] in
            while let jobs = state.wait({ state in Self.take(&state) }), !jobs.isEmpty {
                for job in jobs { job() }
            }
            let waiters = state.change { state in
                state.hasEnded = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Runs `body` there, as `start` does, and returns with it.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            let job = { @Sendable in
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            start(job)
        }
        return try result.get()
    }

    /// Hands `job` to the thread, behind what was handed to it before; once it is stopped, to one of its own.
    package func start(_ job: @escaping @Sendable () -> Void) {
        let isTaken = state.change { state in
            if !state.isStopped { state.jobs.append(job) }
            return !state.isStopped
        }
        if !isTaken { DetachedThread.run(job) }
    }

    /// Returns when the thread has done what was handed to it and is at its end.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.change { state in
                state.isStopped = true
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Nil: wait. Empty: end.
    private static func take(_ state: inout State) -> [@Sendable () -> Void]? {
        guard !state.jobs.isEmpty || state.isStopped else { return nil }
        defer { state.jobs = [] }
        return state.jobs
    }
}
