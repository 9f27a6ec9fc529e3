/// What apps may not do: it would hand out everything, stop the server, or touch its host.
let refusedCommands: [Command] = [
    ("bgrewriteaof", 1), ("bgsave", -1), ("cluster", -2), ("debug", -2), ("failover", -1), ("lastsave", 1),
    ("migrate", -6), ("module", -2), ("psync", -3), ("replconf", -1), ("replicaof", 3), ("save", 1),
    ("shutdown", -1), ("slaveof", 3), ("sync", 1),
].map { (name: StaticString, arity: Int) in
    Command(name, arity, [.admin, .refused], body: { _ in })
}
