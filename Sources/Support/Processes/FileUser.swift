#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A process of this user that has a file open.
package struct FileUser: Equatable, Sendable, CustomStringConvertible {
    package let pid: Int32
    /// The program's name as the system shows it.
    package let command: String

    package var description: String { "\(command) (pid \(pid))" }

    /// Who has the file at `path` open, this process left out, by pid.
    ///
    /// Empty where it cannot be told: the processes are another user's, or the system is not Linux.
    package static func find(of path: String) -> [FileUser] {
        #if os(Linux)
        var file = stat()
        guard stat(path, &file) == 0 else { return [] }
        var users: [FileUser] = []
        for name in TextFile.names(in: "/proc") {
            guard let pid = Int32(name), pid != getpid() else { continue }
            let folder = "/proc/\(name)/fd"
            let hasIt = TextFile.names(in: folder).contains { descriptor in
                var facts = stat()
                return stat("\(folder)/\(descriptor)", &facts) == 0 && facts.st_ino == file.st_ino
                    && facts.st_dev == file.st_dev
            }
            guard hasIt else { continue }
            users.append(FileUser(pid: pid, command: String((TextFile.read("/proc/\(name)/comm") ?? "?\n").dropLast())))
        }
        return users.sorted { $0.pid < $1.pid }
        #else
        return []
        #endif
    }
}
