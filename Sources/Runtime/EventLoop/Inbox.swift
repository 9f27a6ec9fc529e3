import Synchronization

/// Work posted to a loop from other threads, and who waits for the loop's end.
public final class Inbox: Sendable {
    /// What adding to it did: the first piece of work needs the loop to be woken.
    public enum Added: Sendable {
        case first
        case more
        case refused
    }

    private struct State {
        var work: [@Sendable () -> Void] = []
        var waiters: [@Sendable () -> Void] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    public init() {}

    public func add(_ work: @escaping @Sendable () -> Void) -> Added {
        state.withLock { state in
            guard !state.isClosed else { return .refused }
            state.work.append(work)
            return state.work.count == 1 ? .first : .more
        }
    }

    public func takeAll() -> [@Sendable () -> Void] {
        state.withLock { state in
            defer { state.work = [] }
            return state.work
        }
    }

    /// Calls `waiter` when the loop has ended; false when it has ended already.
    public func onEnd(_ waiter: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiters.append(waiter)
            return true
        }
    }

    /// Closes it if it is empty; false while work waits: accepted work is always run.
    public func close() -> Bool {
        let waiters: [@Sendable () -> Void]? = state.withLock { state in
            guard state.work.isEmpty else { return nil }
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        guard let waiters else { return false }
        for waiter in waiters { waiter() }
        return true
    }
}
