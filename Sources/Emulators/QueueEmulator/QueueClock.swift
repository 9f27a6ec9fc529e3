public import EventLoop

/// Where a queue takes its time from: the time itself, and being woken later.
///
/// Usually a loop; a virtual clock gives its own three functions.
public struct QueueClock {
    /// Monotonic, in nanoseconds.
    public var now: () -> UInt64
    /// Calls back once, the given nanoseconds from now at the earliest and never from inside the call.
    public var schedule: (UInt64, @escaping () -> Void) -> TimerToken
    public var cancel: (TimerToken) -> Void

    public init(
        now: @escaping () -> UInt64,
        schedule: @escaping (UInt64, @escaping () -> Void) -> TimerToken,
        cancel: @escaping (TimerToken) -> Void
    ) {
        self.now = now
        self.schedule = schedule
        self.cancel = cancel
    }

    public init(loop: any EventLoop) {
        self.init(
            now: { loop.now },
            schedule: { delay, work in loop.schedule(after: delay, work) },
            cancel: { token in loop.cancel(token) })
    }
}
