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
        var hasEnded = false
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
            guard !state.hasEnded else { return false }
            state.waiters.append(waiter)
            return true
        }
    }

    /// Refuses work from now on, and returns what was accepted before: the loop runs it, however fast others post.
    public func close() -> [@Sendable () -> Void] {
        state.withLock { state in
            state.isClosed = true
            defer { state.work = [] }
            return state.work
        }
    }

    /// Tells those who wait that the loop has ended: the last thing its thread does.
    public func announceEnd() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }
}
