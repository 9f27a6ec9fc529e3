public import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A folder that belongs to this user alone (mode 0700).
public enum PrivateFolder {
    /// Makes the folder and what is missing above it; one that is there must be ours, and loses others' rights.
    ///
    /// - Parameter mayBeLink: whether a link to such a folder will do: for places that the user has chosen, never for
    ///   names that others can guess and take first.
    ///
    /// Throws `unsafe` when it is somebody else's.
    public static func make(_ path: String, mayBeLink: Bool = false) throws(BrokerError) {
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/" + part
            if mkdir(partial, 0o700) != 0, errno != EEXIST, errno != EISDIR {
                throw BrokerError(
                    .unsafe, "cannot make the folder \"\(path)\"", why: "mkdir \(partial): \(SystemError.text(errno))")
            }
        }
        guard isOurs(path, mayBeLink: mayBeLink) else {
            throw BrokerError(
                .unsafe, "the folder \"\(path)\" is not this user's own",
                why: "who owns it could put files or sockets of their own there",
                fix: "export BROKER_HOME=/path/to/a/folder/of/yours")
        }
        guard chmod(path, 0o700) == 0 else {
            throw BrokerError(
                .unsafe, "cannot make the folder \"\(path)\" private", why: "chmod: \(SystemError.text(errno))")
        }
    }

    /// Whether it is a folder that this user owns and that nobody else may write to.
    public static func isOurs(_ path: String, mayBeLink: Bool = false) -> Bool {
        var facts = stat()
        guard (mayBeLink ? stat(path, &facts) : lstat(path, &facts)) == 0 else { return false }
        return facts.st_mode & S_IFMT == S_IFDIR && facts.st_uid == getuid() && facts.st_mode & 0o022 == 0
    }
}

/// Where this process is.
public enum WorkingDirectory {
    /// The absolute path; "/" when it has been removed under us.
    public static var current: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}

/// The system's words for its error numbers.
public enum SystemError {
    public static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
