/// What a session between a client and a real server does with a command: one table, for every command that is not
/// simply handed on.
public enum Interception: Sendable {
    /// The session answers: who the client is, and what its connection is called.
    case answered
    /// Not for apps: it would hand out everything, stop the server, or touch its host.
    case refused
    /// CONFIG: asking is handed on, changing is refused (paths, replication and the like are among what it can change).
    case configuration
    /// The number of the database is the app's, not the server's.
    case select
    /// It reaches every database of the server, also those that are not the app's.
    case allDatabases
    /// Has a confirmation for each channel.
    case subscription(PushWord)
    /// Its reply may never come.
    case blocking
    /// Begins or ends a transaction.
    case multi
    case exec
    case discard
    /// What is watched is watched on one server.
    case watch
    case unwatch

    public static func of(_ name: Bytes) -> Interception? {
        guard name.count <= 16 else { return nil }
        var folded: InlineName = (0, 0)
        // A key is filled up with zeros: a name that has some of its own is another name.
        var hasZero = false
        withUnsafeMutableBytes(of: &folded) { place in
            for index in 0..<name.count {
                place[index] = Bytes.folded(name[index])
                if place[index] == 0 { hasZero = true }
            }
        }
        return hasZero ? nil : table[Key(folded)]
    }

    private typealias InlineName = (UInt64, UInt64)

    private struct Key: Hashable {
        var first: UInt64
        var second: UInt64

        init(_ name: InlineName) {
            (first, second) = name
        }

        init(_ text: String) {
            var name: InlineName = (0, 0)
            withUnsafeMutableBytes(of: &name) { $0.copyBytes(from: text.utf8) }
            self.init(name)
        }
    }

    private static let table: [Key: Interception] = {
        var table: [Key: Interception] = [:]
        for name in ["auth", "hello", "reset", "quit", "client", "acl"] { table[Key(name)] = .answered }
        for name in [
            "psync", "sync", "replconf", "replicaof", "slaveof", "shutdown", "module", "debug", "migrate", "save",
            "bgsave", "bgrewriteaof", "lastsave", "failover", "cluster", "monitor",
        ] { table[Key(name)] = .refused }
        table[Key("config")] = .configuration
        table[Key("select")] = .select
        for name in ["flushall", "swapdb", "move", "copy"] { table[Key(name)] = .allDatabases }
        for word in [
            PushWord.subscribe, .psubscribe, .ssubscribe, .unsubscribe, .punsubscribe, .sunsubscribe,
        ] { table[Key(word.rawValue)] = .subscription(word) }
        for name in [
            "blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread",
            "xreadgroup", "wait",
        ] { table[Key(name)] = .blocking }
        table[Key("multi")] = .multi
        table[Key("exec")] = .exec
        table[Key("discard")] = .discard
        table[Key("watch")] = .watch
        table[Key("unwatch")] = .unwatch
        return table
    }()
}
