#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Finds the file of a program as execvp(3) does.
package enum ProgramPath {
    /// What the system searches where PATH is not set.
    private static let usualPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

    /// The absolute path of `program`; throws `notFound` or `notExecutable`.
    package static func resolve(_ program: String, path: String?) throws(SpawnError) -> String {
        guard !program.isEmpty, !program.utf8.contains(0) else { throw .notFound(program: program) }
        if program.contains("/") {
            try check(program)
            return absolute(program)
        }
        var refusal = SpawnError.notFound(program: program)
        for folder in (path ?? usualPath).split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (folder.isEmpty ? "." : folder) + "/" + program
            do throws(SpawnError) {
                try check(candidate)
                return absolute(candidate)
            } catch {
                if case .notExecutable = error { refusal = error }
            }
        }
        throw refusal
    }

    private static func check(_ path: String) throws(SpawnError) {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw .notFound(program: path) }
            throw .notExecutable(program: path, errno: errno)
        }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw .notExecutable(program: path, errno: facts.st_mode & S_IFMT == S_IFDIR ? EISDIR : EACCES)
        }
        guard access(path, X_OK) == 0 else { throw .notExecutable(program: path, errno: errno) }
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }
}
