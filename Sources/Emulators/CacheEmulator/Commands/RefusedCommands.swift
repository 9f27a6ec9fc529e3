/// What apps may not do: it would stop the server, touch its host, or reach into it.
let refusedCommands: [Command] = [
    refused("cluster", -2, []),
    refused("failover", -1, [.admin, .noscript, .stale]),
    refused("migrate", -6, [.write, .movableKeys], Command.Keys(first: 3, last: 3, step: 1)),
    refused("module", -2, []),
    refused("pfdebug", 3, [.write, .denyOOM, .admin], .second),
    refused("pfselftest", 1, [.admin]),
    refused("shutdown", -1, [.admin, .noscript, .loading, .stale, .noMulti, .allowBusy]),
]

private func refused(
    _ name: StaticString, _ arity: Int, _ flags: Command.Flags, _ keys: Command.Keys = .none
) -> Command {
    Command(name, arity, flags.union(.refused), keys, body: { _ in })
}
