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

    /// Of each command what is a fact: since when it is there, its group, arguments and subcommands. No texts are kept here.
    static let documentation: CommandBody = { call in
        let table = call.emulator.table
        var rows: [UnsafePointer<Command>] = []
        if call.count == 2 {
            rows = table.commands.indices.map { table.row($0) }
        } else {
            for index in 2..<call.count {
                if let found = find(call[index], table) { rows.append(table.rows[found.number]) }
            }
        }
        call.reply.map(rows.count)
        for row in rows { document(row.pointee, call) }
    }

    private static func document(_ command: Command, _ call: borrowing Call) {
        let name = command.fullName
        let flags = CommandHistory.flags(name)
        let (since, deprecated) = (CommandHistory.since(name), CommandHistory.deprecated(name))
        let arguments = CommandArgument.arguments(of: name)
        call.reply.bulk(name)
        call.reply.map(
            (since == nil ? 1 : 2) + (flags.isEmpty ? 0 : 1) + (deprecated == nil ? 0 : 1)
                + (arguments == nil ? 0 : 1) + (command.subcommands.isEmpty ? 0 : 1))
        if let since {
            call.reply.bulk("since")
            call.reply.bulk(since)
        }
        call.reply.bulk("group")
        call.reply.bulk(group(of: command))
        if !flags.isEmpty {
            call.reply.bulk("doc_flags")
            call.reply.set(flags.count)
            for flag in flags { call.reply.simple(flag) }
        }
        if let deprecated {
            call.reply.bulk("deprecated_since")
            call.reply.bulk(deprecated)
        }
        if let arguments {
            call.reply.bulk("arguments")
            call.reply.array(arguments.count)
            for argument in arguments { argument.write(to: call.reply) }
        }
        guard !command.subcommands.isEmpty else { return }
        call.reply.bulk("subcommands")
        call.reply.map(command.subcommands.count)
        for subcommand in command.subcommands { document(subcommand, call) }
    }

    /// Redis's groups of documentation: the category of a command's type, where it has one.
    private static func group(of command: Command) -> String {
        let container = command.container ?? command.name
        if let named = groups[container.description] { return named }
        let number = CommandCatalogue.shared.number(ofRow: container.description)
        let categories = number.map { CommandCatalogue.shared.categories(of: $0) } ?? []
        return categories.lazy.compactMap { typeGroups[$0] }.first ?? "server"
    }

    private static let typeGroups: [CommandCategory: String] = [
        .bitmap: "bitmap", .hyperLogLog: "hyperloglog", .geo: "geo", .stream: "stream", .hash: "hash", .list: "list",
        .set: "set", .sortedSet: "sorted-set", .string: "string", .transaction: "transactions",
        .scripting: "scripting", .connection: "connection", .keyspace: "generic",
    ]

    /// Those whose categories say something else.
    private static let groups: [String: String] = {
        var groups: [String: String] = [:]
        for (group, names) in [
            ("generic", "sort sort_ro wait object"),
            ("pubsub", "psubscribe publish pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe"),
            ("scripting", "function script"), ("stream", "xinfo xgroup"),
            ("server", "command flushdb flushall swapdb dbsize role restore-asking"), ("connection", "client"),
            ("cluster", "asking cluster readonly readwrite"),
        ] {
            for name in names.split(separator: " ") { groups[String(name)] = group }
        }
        return groups
    }()

    static let list: CommandBody = { call in
        let table = call.emulator.table
        var rows = table.rows
        if call.count == 5, call.isWord(2, "filterby") {
            if call.isWord(3, "pattern") {
                let pattern = call[4].array.map { Bytes.folded($0) }
                rows = rows.filter { row in
                    pattern.withBytes { pattern in
                        Array(row.pointee.fullName.utf8).withBytes { Glob.matches(pattern, $0) }
                    }
                }
            } else if call.isWord(3, "aclcat") {
                let category = CommandCategory(rawValue: call[4].text.lowercased())
                let members = category.map { CommandCatalogue.shared.members(of: $0) } ?? CommandSet()
                rows = rows.filter { row in row.pointee.catalogueNumber.map { members.contains($0) } ?? false }
            } else if call.isWord(3, "module") {
                rows = []
            } else {
                return call.reply.error(ErrorText.syntax)
            }
        } else if call.count != 2 {
            return call.reply.error(ErrorText.syntax)
        }
        call.reply.array(rows.count)
        for row in rows { call.reply.bulk(row.pointee.fullName) }
    }

    static let keys: CommandBody = { call in
        guard let (_, places) = keyPlaces(call) else { return }
        call.reply.array(places.count)
        for place in places { call.reply.bulk(call[2 + place]) }
    }

    /// The same with what the command does with each of them.
    static let keysAndFlags: CommandBody = { call in
        guard let (row, places) = keyPlaces(call) else { return }
        let flags = KeyFlags.of(row, call.arguments + 2, call.count - 2, places)
        call.reply.array(places.count)
        for (place, words) in zip(places, flags) {
            call.reply.array(2)
            call.reply.bulk(call[2 + place])
            call.reply.set(words.count)
            for word in words { call.reply.simple(String(word)) }
        }
    }

    /// The command that is asked for and the places of its keys; nil after an error reply.
    private static func keyPlaces(_ call: borrowing Call) -> (row: UnsafePointer<Command>, places: [Int])? {
        let table = call.emulator.table
        guard let found = table.index(of: call[2]) else {
            call.reply.error("ERR Invalid command specified")
            return nil
        }
        var row = table.row(found)
        let count = call.count - 2
        if count > 1, let subcommand = row.pointee.subcommands.first(where: { call[3].isWord($0.name) }) {
            row = table.rows[subcommand.number]
        }
        let command = row.pointee
        // What stands where keys stand in commands for channels is none.
        let hasKeys = command.keys.first > 0 || command.keys.countAt > 0 || command.keys.streamsFrom > 0
        guard hasKeys, !command.flags.contains(.pubsub) else {
            call.reply.error("ERR The command has no key arguments")
            return nil
        }
        guard command.arity >= 0 ? count == command.arity : count >= -command.arity else {
            call.reply.error("ERR Invalid number of arguments specified for command")
            return nil
        }
        guard let places = command.keys.places(call.arguments + 2, count) else {
            if command.flags.contains(.noMandatoryKeys) { return (row, []) }
            call.reply.error("ERR Invalid arguments specified for command")
            return nil
        }
        return (row, places)
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
        let tips = CommandTips.of(command.fullName)
        call.reply.set(tips.count)
        for tip in tips { call.reply.bulk(String(tip)) }
        let uses = command.catalogueNumber.map { KeyUse.byCommand[$0] } ?? []
        call.reply.set(uses.count)
        for use in uses { describe(use, call) }
        if command.subcommands.isEmpty { return call.reply.set(0) }
        call.reply.array(command.subcommands.count)
        for subcommand in command.subcommands {
            describe(subcommand, named: "\(name)|\(subcommand.name)", call)
        }
    }

    /// One key specification.
    private static func describe(_ use: KeyUse, _ call: borrowing Call) {
        let flags = use.flags.description.split(separator: " ")
        call.reply.map(3)
        call.reply.bulk("flags")
        call.reply.set(flags.count)
        for flag in flags { call.reply.simple(String(flag)) }
        call.reply.bulk("begin_search")
        switch use.places?.begin {
        case .index(let index): describe("index", [("index", .number(index))], call)
        case .keyword(let word, let from):
            let word = String(decoding: word, as: UTF8.self).uppercased()
            describe("keyword", [("keyword", .text(word)), ("startfrom", .number(from))], call)
        case nil: describe("unknown", [], call)
        }
        call.reply.bulk("find_keys")
        switch use.places?.find {
        case .range(let last, let step, let limit):
            describe(
                "range", [("lastkey", .number(last)), ("keystep", .number(step)), ("limit", .number(limit))], call)
        case .count(let number, let first, let step):
            describe(
                "keynum", [("keynumidx", .number(number)), ("firstkey", .number(first)), ("keystep", .number(step))],
                call)
        case nil: describe("unknown", [], call)
        }
    }

    private enum Value {
        case number(Int)
        case text(String)
    }

    private static func describe(_ type: StaticString, _ fields: [(StaticString, Value)], _ call: borrowing Call) {
        call.reply.map(2)
        call.reply.bulk("type")
        call.reply.bulk(type)
        call.reply.bulk("spec")
        call.reply.map(fields.count)
        for (name, value) in fields {
            call.reply.bulk(name)
            switch value {
            case .number(let number): call.reply.integer(number)
            case .text(let text): call.reply.bulk(text)
            }
        }
    }
}
