import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Ends a blocked call on a socket from another thread, and every call after it.
final class Interruption: Sendable {
    private struct State {
        var isRaised = false
        var descriptor: Int32?
    }

    private let state = Mutex(State())

    var isRaised: Bool { state.withLock { $0.isRaised } }

    func raise() {
        state.withLock { state in
            state.isRaised = true
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// From now on `descriptor` is the socket that is interrupted; false when it is too late.
    func guards(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            if !state.isRaised { state.descriptor = descriptor }
            return !state.isRaised
        }
    }

    /// Closes the socket, whose number may be somebody else's from then on.
    func close(_ descriptor: Int32) {
        state.withLock { state in
            if state.descriptor == descriptor { state.descriptor = nil }
            #if canImport(Darwin)
            Darwin.close(descriptor)
            #elseif canImport(Musl)
            Musl.close(descriptor)
            #else
            Glibc.close(descriptor)
            #endif
        }
    }
}
