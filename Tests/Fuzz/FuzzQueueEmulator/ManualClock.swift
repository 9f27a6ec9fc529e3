import EventLoop
import QueueEmulator

/// Time that passes only when the script says so.
final class ManualClock {
    private var now: UInt64 = 1_000_000_000_000
    private var timers = TimerHeap()

    var queueClock: QueueClock {
        QueueClock(
            now: { self.now },
            schedule: { delay, work in self.timers.add(deadline: self.now.saturatingAdd(delay), work) },
            cancel: { token in self.timers.cancel(token) })
    }

    /// Lets some seconds pass, an hour at the most; each timer on the way sees its own time.
    func advance(seconds: UInt64) {
        let end = now + min(seconds, 3600) * 1_000_000_000
        while let next = timers.nextDeadline(), next <= end {
            now = max(now, next)
            while let work = timers.popDue(now: now) { work() }
        }
        now = end
    }
}
