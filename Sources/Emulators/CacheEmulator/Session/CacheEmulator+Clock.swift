import EventLoop
import RESPWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How a resource's time follows the system's: it can be moved, and stand still.
///
/// Expiry, the timeouts of blocking commands, idle times, the ids of stream entries and TIME are of the resource's time.
struct ResourceTime: Equatable {
    /// Milliseconds ahead of the system's clock.
    private(set) var shift: Int64 = 0
    /// Where it stands, in milliseconds since 1970; nil while it goes on.
    private(set) var standsAt: Int64?

    func now(_ wallClock: Int64) -> Int64 { standsAt ?? wallClock &+ shift }

    fileprivate mutating func stand(at time: Int64) { standsAt = time }

    fileprivate mutating func goOn(from time: Int64, _ wallClock: Int64) {
        standsAt = nil
        shift = time &- wallClock
    }
}

/// What ends at an instant of the resource's time.
protocol Timed: AnyObject {
    /// In milliseconds of that time; nil for never.
    var deadline: Int64? { get set }
    var timer: TimerToken? { get set }
    /// Its place among those that end at the same instant.
    var number: Int { get }

    func timeIsOver(in emulator: CacheEmulator)
}

extension CacheEmulator {
    /// Milliseconds since 1970, as the commands see it.
    public var time: Int64 { resourceTime.now(loop.wallClock) }
    /// Its time is the system's.
    public var hasSystemTime: Bool { resourceTime == ResourceTime() }
    public var isTimeFrozen: Bool { resourceTime.standsAt != nil }

    /// Microseconds since 1970, of every command anew; those of its millisecond are 0 while time stands still.
    var microseconds: Int64 {
        guard let standsAt = resourceTime.standsAt else {
            var system = timespec()
            clock_gettime(CLOCK_REALTIME, &system)
            return Int64(system.tv_sec) * 1_000_000 + Int64(system.tv_nsec) / 1000 &+ resourceTime.shift &* 1000
        }
        return standsAt &* 1000
    }

    /// The same as TIME answers it: a script sees one moment only.
    func microseconds(for client: CacheClient) -> Int64 {
        client.id == 0 && scriptCall != nil ? momentOfScript : microseconds
    }

    /// What the next commands see as now.
    @inline(__always) func readClock() {
        clock.now = resourceTime.now(loop.wallClock)
    }

    /// Has time stand still: nothing expires, and nobody's wait is over, until it is moved or goes on.
    public func freezeTime() {
        resourceTime.stand(at: time)
        for waiter in timed.values { stopTimer(of: waiter) }
        noteTimeMove()
    }

    /// Has time go on from where it is.
    public func resumeTime() {
        guard isTimeFrozen else { return }
        resourceTime.goOn(from: time, loop.wallClock)
        readClock()
        noteTimeMove()
        for waiter in timed.values { startTimer(of: waiter) }
        watchExpiry()
    }

    /// Has time go on as the system's.
    public func resetTime() {
        moveTime(to: loop.wallClock)
        resourceTime = ResourceTime()
        readClock()
        for waiter in timed.values { startTimer(of: waiter) }
        watchExpiry()
    }

    /// Moves time by some milliseconds; see `moveTime`.
    public func advanceTime(by milliseconds: Int64) {
        let (target, overflow) = time.addingReportingOverflow(milliseconds)
        moveTime(to: overflow ? .max : target)
    }

    /// Moves time to a point in milliseconds since 1970, where it stands or goes on as before.
    ///
    /// What lies between now and a later point happens in its order, each at its own instant: keys expire, and who waits is
    /// answered that its time is over. Moved back, what has happened stays, and who waits has as long to wait as before.
    public func moveTime(to target: Int64) {
        let target = min(max(target, 0), Self.lastTime)
        let wasFrozen = isTimeFrozen
        let began = time
        resourceTime.stand(at: began)
        if target > began { passThrough(until: target) } else { bringBack(by: began - target) }
        resourceTime.stand(at: target)
        readClock()
        noteTimeMove()
        guard !wasFrozen else { return }
        resourceTime.goOn(from: target, loop.wallClock)
        for waiter in timed.values { startTimer(of: waiter) }
        watchExpiry()
    }

    /// Who hands changes on may have to know at once.
    private func noteTimeMove() {
        timeMoves += 1
        for log in effects?.logs ?? [] { log.wake?() }
    }

    /// The end of the year 9999: behind that ids and times would leave their ranges.
    private static let lastTime: Int64 = 253_402_300_799_999

    private enum Instant {
        case expiry(Database, key: [UInt8])
        case timeout(any Timed)
    }

    private func bringBack(by milliseconds: Int64) {
        for waiter in timed.values { waiter.deadline = waiter.deadline.map { $0 &- milliseconds } }
    }

    private func passThrough(until target: Int64) {
        var instants: [(at: Int64, order: Int, Instant)] = []
        for database in databases where database.expiringCount > 0 {
            database.table.forEach { entry in
                guard entry.hasExpiry, entry.expiry <= target else { return }
                instants.append((entry.expiry, instants.count, .expiry(database, key: entry.key.array)))
            }
        }
        for waiter in timed.values {
            guard let deadline = waiter.deadline, deadline <= target else { continue }
            instants.append((deadline, waiter.number, .timeout(waiter)))
        }
        instants.sort { ($0.at, $0.order) < ($1.at, $1.order) }
        for (at, _, instant) in instants {
            resourceTime.stand(at: max(at, time))
            readClock()
            switch instant {
            case .expiry(let database, let key): key.withBytes { _ = database.find($0, database.hash($0)) }
            case .timeout(let waiter): waiter.timeIsOver(in: self)
            }
            if waiting.hasReady { serveReady() }
        }
    }

    // MARK: who waits

    /// Has something end when its time is over.
    func watch(_ waiter: any Timed) {
        timed[ObjectIdentifier(waiter)] = waiter
        startTimer(of: waiter)
    }

    func stopWatching(_ waiter: any Timed) {
        timed[ObjectIdentifier(waiter)] = nil
        stopTimer(of: waiter)
    }

    private func startTimer(of waiter: any Timed) {
        stopTimer(of: waiter)
        guard !isTimeFrozen, let deadline = waiter.deadline else { return }
        let left = UInt64(max(deadline &- time, 0))
        waiter.timer = later(after: left.multipliedSaturating(by: 1_000_000)) { [weak waiter] in
            waiter?.timeIsOver(in: $0)
        }
    }

    private func stopTimer(of waiter: any Timed) {
        if let timer = waiter.timer { loop.cancel(timer) }
        waiter.timer = nil
    }
}

extension UInt64 {
    fileprivate func multipliedSaturating(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
