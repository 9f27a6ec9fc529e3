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
    /// - Parameters:
    ///   - mayBeLink: whether a link to such a folder will do: for places that the user has chosen, never for names that
    ///     others can guess and take first.
    ///   - variable: what chooses another place, for the fix.
    ///
    /// Throws `unsafe` when it is somebody else's, `invalidRequest` when a file is in its place, `diskFull`.
    public static func make(
        _ path: String, mayBeLink: Bool = false, choosing variable: String = "BROKER_HOME"
    ) throws(BrokerError) {
        let elsewhere = "export \(variable)=\"$(mktemp -d)\""
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/" + part
            guard mkdir(partial, 0o700) != 0, errno != EEXIST, errno != EISDIR else {
                if isFile(partial) { throw file(partial, in: path, variable) }
                continue
            }
            let number = errno
            let isFull = number == ENOSPC || number == EDQUOT
            throw BrokerError(
                isFull ? .diskFull : .unsafe, "cannot make the folder \"\(path)\"",
                why: "mkdir \(partial): \(SystemError.text(number))",
                fix: isFull ? "df -h \(ShellWord.quoted(parent(of: partial)))" : elsewhere)
        }
        guard isOurs(path, mayBeLink: mayBeLink) else {
            throw BrokerError(
                .unsafe, "the folder \"\(path)\" is not this user's own",
                why: "others can write to it: they could put files or sockets of their own there",
                fix: isOnlyOpen(path) ? "chmod go-w \(ShellWord.quoted(path))" : elsewhere)
        }
        guard chmod(path, 0o700) == 0 else {
            throw BrokerError(
                .unsafe, "cannot make the folder \"\(path)\" private", why: "chmod: \(SystemError.text(errno))",
                fix: elsewhere)
        }
    }

    /// Throws `invalidRequest` where a file is in the place of the folder; nothing there is no error.
    public static func checkPlace(_ path: String, choosing variable: String = "BROKER_HOME") throws(BrokerError) {
        if isFile(path) { throw file(path, in: path, variable) }
    }

    private static func file(_ file: String, in path: String, _ variable: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "\"\(path)\" is no folder",
            why: file == path ? "a file is there" : "\"\(file)\" is a file",
            fix: "export \(variable)=\(ShellWord.quoted(file + ".d"))")
    }

    /// A folder of this user that others may write to.
    private static func isOnlyOpen(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR && facts.st_uid == getuid()
    }

    private static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT != S_IFDIR
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
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
