#if os(Linux)
import CSpawn
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A process by its number and the time it was started: numbers are used again, pairs are not.
package struct ProcessIdentity: Hashable, Sendable, Codable {
    package let pid: Int32
    /// Linux: clock ticks since boot. macOS: microseconds since 1970. Compared, never shown.
    package let startTime: UInt64

    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has this number now; nil when there is none.
    package init?(of pid: Int32) {
        guard let facts = ProcessFacts(of: pid) else { return nil }
        self.init(pid: pid, startTime: facts.startTime)
    }

    /// Whether this very process runs; one that has ended and waits to be reaped does not.
    package var isAlive: Bool {
        guard let facts = ProcessFacts(of: pid) else { return false }
        return facts.startTime == startTime && !facts.hasEnded
    }

    /// Sends a signal to this very process; false when it has ended.
    ///
    /// On Linux a pidfd makes sure that no stranger gets it. Elsewhere the number could in theory change hands between
    /// the look and the signal.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        #if os(Linux)
        let descriptor = cspawn_pidfd_open(pid)
        if descriptor >= 0 {
            defer { close(descriptor) }
            return isAlive && cspawn_pidfd_signal(descriptor, number) == 0
        }
        #endif
        return isAlive && kill(pid, number) == 0
    }

    /// Waits until it has ended; false when it still runs after `timeout` or the task is cancelled.
    package func end(within timeout: Duration) async -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var pause = Duration.milliseconds(2)
        while isAlive {
            guard clock.now < deadline, (try? await clock.sleep(for: pause)) != nil else { return !isAlive }
            pause = min(pause * 2, .milliseconds(100))
        }
        return true
    }

    /// Asks it to end (SIGTERM), and ends it (SIGKILL) after `grace`. False when it is there even then.
    @discardableResult
    package func terminate(grace: Duration) async -> Bool {
        signal(SIGTERM)
        if await end(within: grace) { return true }
        signal(SIGKILL)
        return await end(within: .seconds(5))
    }
}

/// What the system tells of a process.
private struct ProcessFacts {
    let startTime: UInt64
    let hasEnded: Bool

    #if os(Linux)
    /// proc(5): `pid (command) state …`, the start time is field 22. The command may contain anything but is the only
    /// field in parentheses, so the fields are counted from the last one.
    init?(of pid: Int32) {
        guard pid > 0, let text = TextFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let time = UInt64(fields[19]) else { return nil }
        startTime = time
        hasEnded = fields[0] == "Z" || fields[0] == "X"
    }
    #else
    init?(of pid: Int32) {
        var facts = proc_bsdinfo()
        let size = Int32(MemoryLayout<proc_bsdinfo>.size)
        guard pid > 0, proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &facts, size) == size else { return nil }
        startTime = facts.pbi_start_tvsec * 1_000_000 + facts.pbi_start_tvusec
        hasEnded = facts.pbi_status == UInt32(SZOMB)
    }
    #endif
}
