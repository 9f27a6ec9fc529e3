/// What a session between a client and a real server does with a command: one table, for every command that is not
/// simply handed on.
public enum Interception: Sendable {
    /// The session answers: who the client is, and what its connection is called.
    case answered
    /// Not for apps: it would hand out everything, stop the server, or touch its host.
    case refused
    /// CONFIG: asking is handed on, changing is refused (paths, replication and the like are among what it can change).
    case configuration
    /// MONITOR: lines come from then on, about every client of the server.
    case monitor
    /// The number of the database is the app's, not the server's.
    case select
    /// It reaches every database of the server, also those that are not the app's.
    case allDatabases
    /// Has a confirmation for each channel.
    case subscription(PushWord)
    /// Has a cursor, at this place among its arguments.
    case scan(Int)
    /// Puts a script into the server's cache, or empties that.
    case script
    /// Its reply may never come.
    case blocking
    /// Begins or ends a transaction.
    case multi
    case exec
    case discard
    /// What is watched is watched on one server.
    case watch
    case unwatch

    /// Nil for a command that is simply handed on.
    public static func of(_ name: CommandName) -> Interception? { table[name] }

    private static let table: [CommandName: Interception] = {
        var table: [CommandName: Interception] = [:]
        for name in ["auth", "hello", "reset", "quit", "client", "acl"] { table[CommandName(name)] = .answered }
        for name in [
            "psync", "sync", "replconf", "replicaof", "slaveof", "shutdown", "module", "debug", "migrate", "save",
            "bgsave", "bgrewriteaof", "lastsave", "failover", "cluster",
        ] { table[CommandName(name)] = .refused }
        table[CommandName("config")] = .configuration
        table[CommandName("monitor")] = .monitor
        table[CommandName("select")] = .select
        for name in ["flushall", "swapdb", "move", "copy"] { table[CommandName(name)] = .allDatabases }
        for word in [
            PushWord.subscribe, .psubscribe, .ssubscribe, .unsubscribe, .punsubscribe, .sunsubscribe,
        ] { table[CommandName(word.rawValue)] = .subscription(word) }
        for name in [
            "blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread",
            "xreadgroup", "wait",
        ] { table[CommandName(name)] = .blocking }
        for name in ["eval", "eval_ro", "script"] { table[CommandName(name)] = .script }
        table[CommandName("scan")] = .scan(1)
        for name in ["hscan", "sscan", "zscan"] { table[CommandName(name)] = .scan(2) }
        table[CommandName("multi")] = .multi
        table[CommandName("exec")] = .exec
        table[CommandName("discard")] = .discard
        table[CommandName("watch")] = .watch
        table[CommandName("unwatch")] = .unwatch
        return table
    }()
}
