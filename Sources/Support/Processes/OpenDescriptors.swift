#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The descriptors that this process has open at one moment: taken before it opens any of its own, those that it was
/// given.
package struct OpenDescriptors: Equatable, Sendable {
    private let numbers: Set<Int32>

    package static var now: OpenDescriptors {
        #if os(Linux)
        let folder = "/proc/self/fd"
        #else
        let folder = "/dev/fd"
        #endif
        // The descriptor by which the folder was read is among the names, and closed by now.
        let numbers = TextFile.names(in: folder).compactMap { Int32($0) }.filter { fcntl($0, F_GETFD) >= 0 }
        return OpenDescriptors(numbers: Set(numbers))
    }

    /// How many more this process may open.
    package static var left: Int {
        var limit = rlimit()
        #if canImport(Glibc)
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let kind = RLIMIT_NOFILE
        #endif
        guard getrlimit(kind, &limit) == 0 else { return .max }
        return max(Int(clamping: limit.rlim_cur) - now.numbers.count, 0)
    }

    /// Keeps all that is open by now and was not open then from the programs that this process starts. (The libraries
    /// below do not open everything close-on-exec.)
    package func closeOthersOnExec() {
        for number in Self.now.numbers.subtracting(numbers) where number > 2 {
            let flags = fcntl(number, F_GETFD)
            if flags >= 0 { _ = fcntl(number, F_SETFD, flags | FD_CLOEXEC) }
        }
    }
}
