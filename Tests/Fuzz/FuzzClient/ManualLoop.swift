package import EventLoop

/// A loop without sockets whose time passes only when the script says so.
///
/// Safety of `@unchecked Sendable`: the fuzzer has one thread.
package final class ManualLoop: EventLoop, @unchecked Sendable {
    package private(set) var now: UInt64 = 1_000_000_000
    package private(set) var wallClock: Int64 = 1_700_000_000_000
    package let isCurrent = true
    private var timers = TimerHeap()

    package init() {}

    package func advance(milliseconds: Int64) {
        now += UInt64(milliseconds) * 1_000_000
        wallClock += milliseconds
        // As a turn: what is scheduled meanwhile waits for the next one.
        let newest = timers.lastID
        while let work = timers.popDue(now: now, newest: newest) { work() }
    }

    package func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken {
        timers.add(deadline: now + delay, work)
    }

    package func cancel(_ timer: TimerToken) {
        timers.cancel(timer)
    }

    package func post(_ work: @escaping @Sendable () -> Void) -> Bool { false }

    package func listen(
        on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) throws(SocketError) -> any Listener {
        preconditionFailure("it has no sockets")
    }

    package func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void
    ) {
        preconditionFailure("it has no sockets")
    }

    package func atEndOfTurn(_ work: @escaping () -> Void) {}
    package func stop(grace: Duration) async {}
}
