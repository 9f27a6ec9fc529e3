#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A thread for a call that blocks; Swift's own threads must not.
package enum DetachedThread {
    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Runs `body` on a thread of its own, with all signals blocked.
    package static func run(_ body: @escaping @Sendable () -> Void) {
        let argument = Unmanaged.passRetained(Work(body)).toOpaque()
        var all = sigset_t()
        var former = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &former)
        let result = start(argument)
        pthread_sigmask(SIG_SETMASK, &former, nil)
        precondition(result == 0, "the system has no thread left: \(SystemError.text(result))")
    }

    #if canImport(Darwin)
    private static func start(_ argument: UnsafeMutableRawPointer) -> Int32 {
        var thread: pthread_t?
        let result = pthread_create(&thread, nil, threadMain, argument)
        if let thread { pthread_detach(thread) }
        return result
    }
    #else
    private static func start(_ argument: UnsafeMutableRawPointer) -> Int32 {
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, threadMain, argument)
        if result == 0 { pthread_detach(thread) }
        return result
    }
    #endif

    fileprivate static func work(_ argument: UnsafeMutableRawPointer) {
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
    }
}

#if canImport(Darwin)
private func threadMain(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    DetachedThread.work(argument)
    return nil
}
#else
private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { DetachedThread.work(argument) }
    return nil
}
#endif
