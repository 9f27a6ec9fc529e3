import EventLoop

/// A loop without sockets whose time passes only when the script says so.
///
/// Safety of `@unchecked Sendable`: the fuzzer has one thread.
final class ManualLoop: EventLoop, @unchecked Sendable {
    private(set) var now: UInt64 = 1_000_000_000
    private(set) var wallClock: Int64 = 1_700_000_000_000
    let isCurrent = true
    private var timers = TimerHeap()

    func advance(milliseconds: Int64) {
        now += UInt64(milliseconds) * 1_000_000
        wallClock += milliseconds
        // As a turn: what is scheduled meanwhile waits for the next one.
        let newest = timers.lastID
        while let work = timers.popDue(now: now, newest: newest) { work() }
    }

    func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken {
        timers.add(deadline: now + delay, work)
    }

    func cancel(_ timer: TimerToken) {
        timers.cancel(timer)
    }

    func post(_ work: @escaping @Sendable () -> Void) -> Bool { false }

    func listen(
        on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) throws(SocketError) -> any Listener {
        preconditionFailure("it has no sockets")
    }

    func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void
    ) {
        preconditionFailure("it has no sockets")
    }

    func atEndOfTurn(_ work: @escaping () -> Void) {}
    func stop(grace: Duration) async {}
}
