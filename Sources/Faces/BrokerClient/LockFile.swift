public import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// An advisory lock on a file, held until it is released or the process ends, however it ends.
///
/// The file stays: removing it would let two processes lock two files of one name. It is closed on exec, so no child
/// holds the lock on.
public struct LockFile: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock, or returns nil when somebody else has it. Throws `unsafe` when the file cannot be opened.
    public static func take(_ path: String) throws(BrokerError) -> LockFile? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let number = errno
            throw BrokerError(
                number == ENOSPC ? .diskFull : .unsafe, "cannot open the lock file \"\(path)\"",
                why: SystemError.text(number), fix: "ls -ld \(ShellWord.quoted(folder(of: path)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return LockFile(descriptor: descriptor)
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Takes the lock as soon as it is free, or returns nil after `timeout`.
    public static func take(_ path: String, within timeout: Duration) async throws(BrokerError) -> LockFile? {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while true {
            if let lock = try take(path) { return lock }
            guard clock.now < deadline, (try? await clock.sleep(for: .milliseconds(5))) != nil else { return nil }
        }
    }

    /// Whether somebody holds the lock now.
    public static func isHeld(_ path: String) throws(BrokerError) -> Bool {
        guard access(path, F_OK) == 0 else { return false }
        return try take(path) == nil
    }

    deinit {
        close(descriptor)
    }
}
