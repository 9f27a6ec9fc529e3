import RESPWire

/// COMMAND: the table as clients read it.
enum CommandInspection {
    static let count: CommandBody = { call in
        call.reply.integer(call.emulator.table.commands.count)
    }

    static let all: CommandBody = { call in
        let commands = call.emulator.table.commands
        call.reply.array(commands.count)
        for command in commands { describe(command, named: command.name.description, call) }
    }

    static let info: CommandBody = { call in
        if call.count == 2 { return all(call) }
        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            guard let command = find(call[index], call.emulator.table) else {
                call.reply.null()
                continue
            }
            describe(command, named: command.fullName, call)
        }
    }

    /// `get`, or a subcommand as `script|load`.
    private static func find(_ name: Bytes, _ table: CommandTable) -> Command? {
        guard let bar = (0..<name.count).first(where: { name[$0] == UInt8(ascii: "|") }) else {
            return table.index(of: name).map { table.commands[$0] }
        }
        guard let index = table.index(of: name.slice(0, bar)) else { return nil }
        let word = name.slice(bar + 1, name.count - bar - 1)
        return table.commands[index].subcommands.first { word.isWord($0.name) }
    }

    /// Which of the commands are known; nothing more is kept of them here.
    static let documentation: CommandBody = { call in
        var names: [String] = []
        if call.count == 2 {
            names = call.emulator.table.commands.map(\.name.description)
        } else {
            for index in 2..<call.count {
                guard let found = call.emulator.table.index(of: call[index]) else { continue }
                names.append(call.emulator.table.commands[found].name.description)
            }
        }
        call.reply.map(names.count)
        for name in names {
            call.reply.bulk(name)
            call.reply.map(0)
        }
    }

    static let list: CommandBody = { call in
        var names = call.emulator.table.commands.map(\.name)
        if call.count == 5, call.isWord(2, "filterby") {
            let pattern = call[4].array.map { Bytes.folded($0) }
            if call.isWord(3, "pattern") {
                names = names.filter { name in pattern.withBytes { Glob.matches($0, Bytes(name)) } }
            } else if call.isWord(3, "module") {
                names = []
            } else {
                return call.reply.error(ErrorText.syntax)
            }
        } else if call.count != 2 {
            return call.reply.error(ErrorText.syntax)
        }
        call.reply.array(names.count)
        for name in names { call.reply.bulk(name) }
    }

    static let keys: CommandBody = { call in
        guard let found = call.emulator.table.index(of: call[2]) else {
            return call.reply.error("ERR Invalid command specified")
        }
        var command = call.emulator.table.commands[found]
        let count = call.count - 2
        if count > 1, let subcommand = command.subcommands.first(where: { call[3].isWord($0.name) }) {
            command = subcommand
        }
        // What stands where keys stand in commands for channels is none.
        let hasKeys = command.keys.first > 0 || command.keys.countAt > 0 || command.keys.areStreams
        guard hasKeys, !command.flags.contains(.pubsub) else {
            return call.reply.error("ERR The command has no key arguments")
        }
        guard command.arity >= 0 ? count == command.arity : count >= -command.arity else {
            return call.reply.error("ERR Invalid number of arguments specified for command")
        }
        guard let places = command.keys.places(call.arguments + 2, count) else {
            if command.flags.contains(.noMandatoryKeys) { return call.reply.array(0) }
            return call.reply.error("ERR Invalid arguments specified for command")
        }
        call.reply.array(places.count)
        for place in places { call.reply.bulk(call[2 + place]) }
    }

    private static func describe(_ command: Command, named name: String, _ call: borrowing Call) {
        call.reply.array(10)
        call.reply.bulk(name)
        call.reply.integer(command.arity)
        let flags = Command.Flags.names.filter { command.flags.contains($0.0) }
        call.reply.set(flags.count)
        for (_, flag) in flags { call.reply.simple(flag) }
        call.reply.integer(command.keys.first)
        call.reply.integer(command.keys.last)
        call.reply.integer(command.keys.step)
        let categories = command.catalogueNumber.map { CommandCatalogue.shared.categories(of: $0) } ?? []
        call.reply.set(categories.count)
        for category in categories { call.reply.simple("@\(category.rawValue)") }
        call.reply.set(0)
        call.reply.set(0)
        call.reply.array(command.subcommands.count)
        for subcommand in command.subcommands {
            describe(subcommand, named: "\(name)|\(subcommand.name)", call)
        }
    }
}
