#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A value that several threads share, and for whose changes a thread may wait.
///
/// `wait` is for threads that may block; Swift's own threads must not.
package final class Monitor<State: Sendable>: @unchecked Sendable {
    // Safe to share: `state` is read and written with `mutex` held only; the other two are made for many threads.
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    package init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
        pthread_cond_init(changed, nil)
        #else
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Calls `body` alone, and wakes who waits.
    package func change<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Calls `body` now and after every change, until it returns a value; nil when `limit` has passed first.
    package func wait<Result>(within limit: Duration? = nil, _ body: (inout State) -> Result?) -> Result? {
        let clock = ContinuousClock()
        let deadline = limit.map { clock.now + $0 }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            guard let deadline else {
                pthread_cond_wait(changed, mutex)
                continue
            }
            let left = clock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            waitForChange(left)
        }
    }

    private func waitForChange(_ limit: Duration) {
        let (seconds, attoseconds) = limit.components
        var time = timespec()
        #if !canImport(Darwin)
        clock_gettime(CLOCK_MONOTONIC, &time)
        #endif
        let nanoseconds = Int64(time.tv_nsec) + attoseconds / 1_000_000_000
        time.tv_sec += .init(seconds + nanoseconds / 1_000_000_000)
        time.tv_nsec = .init(nanoseconds % 1_000_000_000)
        #if canImport(Darwin)
        pthread_cond_timedwait_relative_np(changed, mutex, &time)
        #else
        pthread_cond_timedwait(changed, mutex, &time)
        #endif
    }
}
