/// What apps may not do: it would stop the server, touch its host, or reach into it.
let refusedCommands: [Command] = [
    refused("failover", -1, [.admin, .noscript, .stale]),
    refused("migrate", -6, [.write, .movableKeys], .migrated),
    refused("pfdebug", 3, [.write, .denyOOM, .admin], .second),
    refused("pfselftest", 1, [.admin]),
    refused("shutdown", -1, [.admin, .noscript, .loading, .stale, .noMulti, .allowBusy]),
]

private func refused(
    _ name: StaticString, _ arity: Int, _ flags: Command.Flags, _ keys: Command.Keys = .none
) -> Command {
    Command(name, arity, flags.union(.refused), keys, body: { _ in })
}
