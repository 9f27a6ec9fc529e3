import EventLoop

/// How a queue's time follows the system's: it can be moved ahead, and stand still. Delays, the time that workers have,
/// pauses, waits and ages are of the queue's time.
///
/// It never goes back: what has been measured from an earlier time must not become negative.
public final class QueueTime {
    private struct Alarm {
        /// In the queue's time.
        var due: UInt64
        var work: () -> Void
        /// Of the clock below, while time goes on.
        var token: TimerToken?
    }

    /// 146 years: behind that, the longest delay of the protocol would leave the numbers.
    private static let last: UInt64 = 1 << 62

    private let base: QueueClock
    /// Nanoseconds ahead of the clock below, while time goes on.
    private var ahead: UInt64 = 0
    /// Where it stands; nil while it goes on.
    private var standsAt: UInt64?
    /// What it first showed since it stands, and where it stood.
    private var shown: (milliseconds: Int64, at: UInt64)?
    private var alarms: [UInt64: Alarm] = [:]
    private var lastAlarm: UInt64 = 0

    init(over base: QueueClock) {
        self.base = base
    }

    /// For the engine. It keeps this alive.
    var clock: QueueClock {
        QueueClock(
            now: { self.now },
            schedule: { delay, work in self.schedule(delay, work) },
            cancel: { token in self.cancel(token) })
    }

    /// Monotonic, in nanoseconds.
    public var now: UInt64 { standsAt ?? base.now() &+ ahead }
    public var isFrozen: Bool { standsAt != nil }

    /// Milliseconds by which it is ahead of the system's time now; behind it where this is negative.
    public var shift: Int64 { Int64(truncatingIfNeeded: now &- base.now()) / 1_000_000 }

    /// Milliseconds since 1970, where the system's clock shows `wallClock`. While it stands, that is the same each time,
    /// though the system's clock and the one below do not tick at the same instant.
    public func milliseconds(where wallClock: Int64) -> Int64 {
        guard isFrozen else { return wallClock &+ shift }
        let first = shown ?? (wallClock &+ shift, now)
        shown = first
        return first.milliseconds &+ Int64(truncatingIfNeeded: now &- first.at) / 1_000_000
    }

    /// Has time stand still: nothing becomes ready, and nobody's time is over, until it is moved or goes on.
    public func freeze() {
        standsAt = now
        for id in alarms.keys { stop(id) }
    }

    /// Has time go on from where it is.
    public func resume() {
        guard let time = standsAt else { return }
        standsAt = nil
        shown = nil
        ahead = time &- base.now()
        for id in alarms.keys { start(id) }
    }

    /// Moves time ahead by some milliseconds, where it stands or goes on as before. What lies between happens in its order,
    /// each at its own instant.
    public func advance(by milliseconds: UInt64) {
        let wasFrozen = isFrozen
        if !wasFrozen { freeze() }
        // At the end it stays there: it never goes back.
        let target = max(now, min(now.advanced(byMilliseconds: milliseconds), Self.last))
        while let (id, alarm) = alarms.min(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) }),
            alarm.due <= target
        {
            alarms[id] = nil
            standsAt = max(alarm.due, now)
            alarm.work()
        }
        standsAt = target
        if !wasFrozen { resume() }
    }

    private func schedule(_ delay: UInt64, _ work: @escaping () -> Void) -> TimerToken {
        lastAlarm += 1
        let (due, overflow) = now.addingReportingOverflow(delay)
        alarms[lastAlarm] = Alarm(due: overflow ? .max : due, work: work)
        if !isFrozen { start(lastAlarm) }
        return TimerToken(id: lastAlarm)
    }

    private func cancel(_ token: TimerToken) {
        stop(token.id)
        alarms[token.id] = nil
    }

    private func start(_ id: UInt64) {
        guard let alarm = alarms[id] else { return }
        let delay = alarm.due > now ? alarm.due - now : 0
        alarms[id]?.token = base.schedule(delay) { [weak self] in
            self?.alarms.removeValue(forKey: id)?.work()
        }
    }

    private func stop(_ id: UInt64) {
        guard let token = alarms[id]?.token else { return }
        base.cancel(token)
        alarms[id]?.token = nil
    }
}

extension UInt64 {
    fileprivate func advanced(byMilliseconds milliseconds: UInt64) -> UInt64 {
        let (nanoseconds, tooLong) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflow) = addingReportingOverflow(nanoseconds)
        return tooLong || overflow ? .max : sum
    }
}
