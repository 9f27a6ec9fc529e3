/// What apps may not do: it would hand out everything, stop the server, or touch its host.
let refusedCommands: [Command] = [
    refused("bgrewriteaof", 1, [.admin, .noscript, .noAsyncLoading]),
    refused("bgsave", -1, [.admin, .noscript, .noAsyncLoading]),
    refused("cluster", -2, []),
    refused("debug", -2, [.admin, .noscript, .loading, .stale]),
    refused("failover", -1, [.admin, .noscript, .stale]),
    refused("lastsave", 1, [.loading, .stale, .fast]),
    refused("migrate", -6, [.write, .movableKeys], Command.Keys(first: 3, last: 3, step: 1)),
    refused("module", -2, []),
    refused("pfdebug", 3, [.write, .denyOOM, .admin], .second),
    refused("pfselftest", 1, [.admin]),
    refused("psync", -3, [.admin, .noscript, .noAsyncLoading, .noMulti]),
    refused("replconf", -1, [.admin, .noscript, .loading, .stale, .allowBusy]),
    refused("replicaof", 3, [.admin, .noscript, .stale, .noAsyncLoading]),
    refused("save", 1, [.admin, .noscript, .noAsyncLoading, .noMulti]),
    refused("shutdown", -1, [.admin, .noscript, .loading, .stale, .noMulti, .allowBusy]),
    refused("slaveof", 3, [.admin, .noscript, .stale, .noAsyncLoading]),
    refused("sync", 1, [.admin, .noscript, .noAsyncLoading, .noMulti]),
]

private func refused(
    _ name: StaticString, _ arity: Int, _ flags: Command.Flags, _ keys: Command.Keys = .none
) -> Command {
    Command(name, arity, flags.union(.refused), keys, body: { _ in })
}
