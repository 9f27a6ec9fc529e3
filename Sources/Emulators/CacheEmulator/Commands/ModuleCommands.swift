import RESPWire

/// There are no modules, and none is loaded: MODULE answers as a redis-server without `enable-module-command`.
let moduleCommands: [Command] = [
    Command(
        "module", -2, [],
        subcommands: [
            Command("list", 2, [.admin, .noscript], body: { $0.reply.array(0) }),
            loader("load", -3), loader("loadex", -3), loader("unload", 3),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.module) }),
        ], body: { _ in })
]

/// Refused before anything else is looked at.
private func loader(_ name: StaticString, _ arity: Int) -> Command {
    Command(name, arity, [.admin, .noscript, .noAsyncLoading, .protected], body: { _ in })
}
