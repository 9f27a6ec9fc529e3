import EventLoop
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Has several loops stand still until all of them do: what each sees then is of one instant.
///
/// A loop that has come waits for the last one, then does its part, whatever time that takes, and goes on. Nothing has
/// run on it since it came, and none has gone on before all had come: of two writes that a client has made one after the
/// other on two loops, the later one is never seen without the earlier one. It cannot deadlock: one rendezvous is posted
/// to all its loops before the next one, so that they come in the same order everywhere, and who has waited for
/// `patience` gives up for all. A loop that waits does nothing else, so patience is short.
final class Rendezvous: Sendable {
    /// How long a loop waits at the most.
    static let patience = Duration.milliseconds(5)

    private static let gate = Mutex<Void>(())

    private let expected: Int
    /// How many have come; -1 when somebody has given up.
    private let arrived = Atomic<Int>(0)

    private init(_ expected: Int) {
        self.expected = expected
    }

    /// Has each of the loops, which are different ones, call `part` with its place: when all have come, or with false where
    /// one has not come in time.
    static func post(to loops: [any EventLoop], part: @escaping @Sendable (Int, _ isWhole: Bool) -> Void) {
        let meeting = Rendezvous(loops.count)
        gate.withLock { _ in
            for (place, loop) in loops.enumerated() {
                let isPosted = loop.post { part(place, meeting.come()) }
                if !isPosted { part(place, meeting.giveUp()) }
            }
        }
    }

    /// Waits for the others; whether all have come.
    private func come() -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        var count = arrived.load(ordering: .acquiring)
        while count >= 0 {
            let result = arrived.compareExchange(expected: count, desired: count + 1, ordering: .acquiringAndReleasing)
            if result.exchanged { break }
            count = result.original
        }
        while true {
            switch arrived.load(ordering: .acquiring) {
            case expected: return true
            case -1: return false
            default: if ContinuousClock.now >= deadline { return giveUp() }
            }
            sched_yield()
        }
    }

    /// False, unless the last one has just come.
    private func giveUp() -> Bool {
        var count = arrived.load(ordering: .acquiring)
        while count >= 0, count < expected {
            let result = arrived.compareExchange(expected: count, desired: -1, ordering: .acquiringAndReleasing)
            if result.exchanged { return false }
            count = result.original
        }
        return count == expected
    }
}
