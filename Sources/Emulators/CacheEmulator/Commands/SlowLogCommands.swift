import RESPWire

/// The commands that took longest.
let slowLogCommands: [Command] = [
    Command(
        "slowlog", -2, [],
        subcommands: [
            Command("get", -2, [.admin, .loading, .stale], body: SlowLogs.get),
            Command("len", 2, [.admin, .loading, .stale]) { $0.reply.integer($0.emulator.slowLog.entries.count) },
            Command(
                "reset", 2, [.admin, .loading, .stale],
                body: { call in
                    call.emulator.slowLog.removeAll()
                    call.reply.ok()
                }),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.slowLog) }),
        ], body: { _ in })
]

private enum SlowLogs {
    static let get: CommandBody = { call in
        var most = 10
        if call.count > 2 {
            guard call.count == 3 else {
                return call.reply.error(ErrorText.wrongSubcommandArity("slowlog", call[1]))
            }
            let text: StaticString = "ERR count should be greater than or equal to -1"
            guard let number = call.integer(2, atLeast: -1, text) else { return }
            most = number == -1 ? .max : Int(number)
        }
        let entries = call.emulator.slowLog.entries.prefix(most)
        call.reply.array(entries.count)
        for entry in entries {
            call.reply.array(6)
            call.reply.integer(entry.id)
            call.reply.integer(entry.time)
            call.reply.integer(entry.duration)
            call.reply.array(entry.arguments.count)
            for argument in entry.arguments { argument.withBytes { call.reply.bulk($0) } }
            call.reply.bulk(entry.address)
            entry.clientName.withBytes { call.reply.bulk($0) }
        }
    }
}
