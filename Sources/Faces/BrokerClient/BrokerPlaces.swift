public import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Where a user's daemon keeps its state, and where it is reached: the same answer for the daemon and for its clients.
///
/// The state is in the home: `BROKER_HOME`, else `$XDG_STATE_HOME/broker`, else `~/.local/state/broker`. Sockets are in
/// the runtime directory, since a socket's path may have 104 bytes at most: a folder of `$XDG_RUNTIME_DIR`, else of an
/// owner-checked folder under the temporary one. Both are 0700.
public struct BrokerPlaces: Equatable, Sendable {
    public let home: String
    public let runtime: String

    /// Throws `invalidRequest` when the environment names no home.
    public init(environment: [String: String]) throws(BrokerError) {
        home = try Self.home(in: environment)
        runtime = Self.runtime(for: home, in: environment)
    }

    /// The folder of all runtime directories of this user; it has to be private too.
    public var runtimeParent: String { String(runtime.prefix(upTo: runtime.lastIndex(of: "/") ?? runtime.endIndex)) }
    /// The control socket of a daemon. Each has a name of its own, so that one whose home was removed under it takes
    /// nothing away from the next when it ends; clients read the name in the announcement.
    public func socket(of pid: Int32) -> String { "\(runtime)/\(pid).sock" }
    /// Held by the daemon for its whole life.
    public var daemonLock: String { home + "/daemon.lock" }
    /// Held by whoever starts the daemon, until it answers.
    public var startLock: String { home + "/start.lock" }
    /// Where the daemon's log goes when a command line has started it.
    public var log: String { home + "/daemon.log" }
    /// Names the running daemon and its socket, for clients whose environment leads to another runtime directory.
    public var announcement: String { home + "/daemon.json" }
    /// How the last daemon has ended.
    public var end: DaemonEnd { DaemonEnd(path: home + "/daemon.end") }

    private static func home(in environment: [String: String]) throws(BrokerError) -> String {
        if let home = environment["BROKER_HOME"], !home.isEmpty { return absolute(home) }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return absolute(state + "/broker") }
        if let user = environment["HOME"], user.hasPrefix("/") { return absolute(user + "/.local/state/broker") }
        throw BrokerError(
            .invalidRequest, "there is no place for the broker's state",
            why: "neither BROKER_HOME nor XDG_STATE_HOME nor HOME is set to an absolute path",
            fix: "export BROKER_HOME=/path/to/a/folder")
    }

    private static func runtime(for home: String, in environment: [String: String]) -> String {
        let own = PathHash.hexadecimal(home, digits: 8)
        if let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"), PrivateFolder.isOurs(folder) {
            let runtime = absolute(folder) + "/broker/" + own
            if runtime.utf8.count <= longestRuntime { return runtime }
        }
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? absolute($0) : nil } ?? "/tmp"
        let runtime = "\(temporary)/broker-\(getuid())/\(own)"
        return runtime.utf8.count <= longestRuntime ? runtime : "/tmp/broker-\(getuid())/\(own)"
    }

    /// Leaves 30 of macOS' 104 bytes for the sockets' names.
    private static let longestRuntime = 74

    /// The path from the root, without a slash at the end.
    private static func absolute(_ path: String) -> String {
        var path = path.hasPrefix("/") ? path : WorkingDirectory.current + "/" + path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
