import EventLoop
import QueueEmulator

/// Time that passes only when a test says so.
final class ManualClock {
    private(set) var now: UInt64 = 1_000_000_000_000
    private var timers = TimerHeap()

    var queueClock: QueueClock {
        QueueClock(
            now: { self.now },
            schedule: { delay, work in self.timers.add(deadline: self.now + delay, work) },
            cancel: { token in self.timers.cancel(token) })
    }

    /// Lets `seconds` pass; each timer on the way sees its own time.
    func advance(seconds: Double) {
        let end = now + UInt64(seconds * 1e9)
        while let next = timers.nextDeadline(), next <= end {
            now = max(now, next)
            while let work = timers.popDue(now: now) { work() }
        }
        now = end
    }

    /// Jumps to the next timer; false when there is none before `end`.
    func advanceToNextTimer(before end: UInt64 = .max) -> Bool {
        guard let next = timers.nextDeadline(), next < end else { return false }
        now = max(now, next)
        while let work = timers.popDue(now: now) { work() }
        return true
    }
}
