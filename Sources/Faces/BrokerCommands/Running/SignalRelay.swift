import Processes
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Passes signals on to a child that is in this process's group.
///
/// Only signals that another process has sent are passed on: those of the terminal (Ctrl-C, Ctrl-\, a hang-up, a new
/// window size) come from the kernel, which gives them to the whole group, the child included. So the child gets each
/// signal once. A signal that this process was told to ignore (`nohup`) stays ignored; the child inherits that.
enum SignalRelay {
    static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH]

    /// Begins to take signals. What comes before the child is known waits in the pipe.
    static func install() -> Source? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A full pipe holds 64 Ki signals that nobody has taken: one more may go.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        writeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        for signal in signals {
            var former = sigaction()
            guard sigaction(signal, nil, &former) == 0, !isIgnored(former) else { continue }
            var action = sigaction()
            action.sa_flags = Int32(SA_SIGINFO) | Int32(SA_RESTART)
            set(&action) { number, information, _ in
                // In a signal handler: an atomic load and write(2), nothing else; errno is kept.
                guard let information, SignalRelay.isFromProcess(information.pointee) else { return }
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                write(SignalRelay.writeEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
                errno = saved
            }
            sigaction(signal, &action, nil)
        }
        return Source(descriptor: ends[0])
    }

    /// Where the signals come out.
    struct Source {
        fileprivate let descriptor: Int32

        /// Passes on what has come and what comes, until this process ends.
        func forward(to child: ChildProcess) {
            DetachedThread.run { [descriptor] in
                var byte: UInt8 = 0
                while true {
                    let count = read(descriptor, &byte, 1)
                    if count == 1 { child.signal(Int32(byte)) }
                    if count == 0 || (count < 0 && errno != EINTR) { return }
                }
            }
        }
    }

    private static let writeEnd = Atomic<Int32>(-1)

    private typealias Handler =
        @convention(c) (
            Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?
        ) -> Void

    #if canImport(Darwin)
    private static func set(_ action: inout sigaction, _ handler: @escaping Handler) {
        action.__sigaction_u.__sa_sigaction = handler
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private static func isFromProcess(_ information: siginfo_t) -> Bool { information.si_pid != 0 }
    #else
    private static func set(_ action: inout sigaction, _ handler: @escaping Handler) {
        action.__sigaction_handler.sa_sigaction = handler
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// sigaction(2): codes of the kernel's own signals are above 0, those of kill, sigqueue and tgkill are not.
    private static func isFromProcess(_ information: siginfo_t) -> Bool { information.si_code <= 0 }
    #endif
}
