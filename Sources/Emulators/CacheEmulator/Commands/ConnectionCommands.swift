import RESPWire

/// Commands that concern the connection: most are the front's, which owns it.
let connectionCommands: [Command] = [
    front("auth", -2, [.noscript, .loading, .stale, .fast, .noAuth, .allowBusy]),
    front("hello", -1, [.noscript, .loading, .stale, .fast, .noAuth, .allowBusy]),
    Command(
        "client", -2, [.front],
        subcommands: [
            front("id", 2), front("getname", 2), front("setname", 3), front("setinfo", 4), front("info", 2),
            front("list", -2, clientAdministration), front("kill", -3, clientAdministration), front("reply", 3),
            front("no-evict", 3, clientAdministration), front("getredir", 2),
            front("unblock", -3, clientAdministration), front("help", 2, [.loading, .stale]),
            front("tracking", -3), front("caching", 3), front("trackinginfo", 2),
            front("pause", -3, clientAdministration), front("unpause", 2, clientAdministration),
        ], body: { _ in }),
    front("quit", -1, [.allowBusy, .noscript, .loading, .stale, .fast, .noAuth, .immediate, .whileSubscribed]),
    front("reset", 1, [.noscript, .loading, .stale, .fast, .noAuth, .allowBusy, .immediate, .whileSubscribed]),
    Command("ping", -1, [.fast, .whileSubscribed], body: ConnectionBodies.ping),
    Command("echo", 2, [.loading, .stale, .fast], body: ConnectionBodies.echo),
    Command("select", 2, [.loading, .stale, .fast], body: ConnectionBodies.select),
]

private let clientAdministration: Command.Flags = [.admin, .noscript, .loading, .stale]

private func front(
    _ name: StaticString, _ arity: Int, _ flags: Command.Flags = [.noscript, .loading, .stale]
) -> Command {
    Command(name, arity, flags.union(.front), body: { _ in })
}

private enum ConnectionBodies {
    static let ping: CommandBody = { call in
        guard call.count <= 2 else { return call.reply.error(ErrorText.wrongArity("ping")) }
        if call.client.isInSubscribedMode {
            call.reply.array(2)
            call.reply.bulk("pong")
            return call.count == 2 ? call.reply.bulk(call[1]) : call.reply.bulk("")
        }
        if call.count == 2 { call.reply.bulk(call[1]) } else { call.reply.simple("PONG") }
    }

    static let echo: CommandBody = { call in
        call.reply.bulk(call[1])
    }

    static let select: CommandBody = { call in
        guard let number = call.databaseNumber(1) else { return }
        call.client.database = number
        call.reply.ok()
    }
}
