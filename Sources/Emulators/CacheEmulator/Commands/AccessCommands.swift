import RESPWire

/// ACL: users, what they may do, and what was refused to them.
///
/// No app raises its own rights. Who may run ACL SETUSER makes and changes users with at most the rights it has itself, both
/// before and behind the change; its own user, `default`, those of attachments, and what another attachment has made are not
/// its to change or to delete. Whatever the rules say, nobody runs what is refused to apps (`RefusedCommands`). As on a server
/// without an aclfile there is nothing to load or to save.
let accessCommands: [Command] = [
    Command(
        "acl", -2, [],
        subcommands: [
            Command("cat", -2, [.noscript, .loading, .stale], body: AccessQuestions.categories),
            Command("deluser", -3, administration, body: AccessChanges.delete),
            Command("dryrun", -4, administration, body: AccessQuestions.dryRun),
            Command("genpass", -2, [.noscript, .loading, .stale], body: AccessQuestions.password),
            Command("getuser", 3, administration, body: AccessQuestions.user),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.access) }),
            Command("list", 2, administration, body: AccessQuestions.list),
            Command("load", 2, administration, body: { $0.reply.error(ErrorText.noAccessFile) }),
            Command("log", -2, administration, body: AccessQuestions.log),
            Command("save", 2, administration, body: { $0.reply.error(ErrorText.noAccessFile) }),
            Command("setuser", -3, administration.union(.redacted), body: AccessChanges.set),
            Command("users", 2, administration, body: AccessQuestions.users),
            Command("whoami", 2, [.noscript, .loading, .stale]) { call in
                call.client.account.name.withBytes { call.reply.bulk($0) }
            },
        ], body: { _ in })
]

private let administration: Command.Flags = [.admin, .noscript, .loading, .stale]

private enum AccessChanges {
    static let set: CommandBody = { call in
        let name = call[2]
        guard !name.hasSpaces else { return call.reply.error(ErrorText.userName) }
        guard let rules = rules(call) else { return }
        guard isChangeable(name, by: call) else { return call.reply.error(ErrorText.foreignUser(name)) }
        let known = call.emulator.users.made[name.array]
        var rights = known?.rights ?? AccessRights()
        for rule in rules {
            do throws(AccessRuleError) {
                try rights.apply(word: rule)
            } catch {
                return call.reply.error(ErrorText.rule(rule, error))
            }
        }
        guard isWithinOwn(rights, call), known.map({ isWithinOwn($0.rights, call) }) ?? true else {
            return call.reply.error(ErrorText.wouldRaiseRights(name))
        }

        let user = known ?? AccessUser(name.array, owner: call.client.account.owner)
        user.rights = rights
        if known == nil { call.emulator.users.add(user) }
        call.emulator.closeSubscribers(of: user)

        call.reply.ok()
    }

    static let delete: CommandBody = { call in
        var deleted: [AccessUser] = []
        defer { for user in deleted { call.emulator.close(user) } }
        for index in 2..<call.count where call[index].array == AccessUsers.defaultName {
            return call.reply.error(ErrorText.defaultUserStays)
        }
        for index in 2..<call.count {
            let name = call[index]
            guard isChangeable(name, by: call) else { return call.reply.error(ErrorText.foreignUser(name)) }
            guard let user = call.emulator.users.made[name.array] else { continue }
            guard isWithinOwn(user.rights, call) else { return call.reply.error(ErrorText.foreignUser(name)) }
            if let user = call.emulator.users.remove(name.array) { deleted.append(user) }
        }
        call.reply.integer(deleted.count)
    }

    /// The arguments, what stands between parentheses as one; nil after an error reply.
    static func rules(_ call: borrowing Call) -> [[UInt8]]? {
        var rules: [[UInt8]] = []
        var open: [UInt8]?
        var first: [UInt8] = []
        for index in 3..<max(call.count, 3) {
            let rule = call[index].array
            // As in Redis one that begins takes the place of one that has not ended.
            if rule.first == UInt8(ascii: "("), rule.last != UInt8(ascii: ")") {
                open = rule
                first = rule
                continue
            } else if let begun = open {
                open = begun + [UInt8(ascii: " ")] + rule
            } else {
                rules.append(rule)
                continue
            }
            guard rule.last == UInt8(ascii: ")"), let whole = open else { continue }
            rules.append(whole)
            open = nil
        }
        guard open == nil else {
            call.reply.error(ErrorText.openParenthesis(first))
            return nil
        }
        return rules
    }

    /// Whether a name is free, or that of a user which the asking one's attachment has made, and not its own.
    static func isChangeable(_ name: Bytes, by call: borrowing Call) -> Bool {
        let name = name.array
        let account = call.client.account
        guard !call.emulator.users.isReserved(name), account.name != name else { return false }
        return call.emulator.users.made[name].map { $0.owner == account.owner } ?? true
    }

    static func isWithinOwn(_ rights: AccessRights, _ call: borrowing Call) -> Bool {
        // Who is no made user has all rights that anybody can have.
        guard let own = call.client.madeUser?.rights else { return true }
        return rights.isWithin(own, butFor: AccessUsers.refused)
    }
}

private enum AccessQuestions {
    static let users: CommandBody = { call in
        let names = call.emulator.users.names
        call.reply.array(names.count)
        for name in names { name.withBytes { call.reply.bulk($0) } }
    }

    static let list: CommandBody = { call in
        let names = call.emulator.users.names
        call.reply.array(names.count)
        for name in names {
            let rules = call.emulator.users.rights(of: name)?.rules ?? []
            bulk(Array("user ".utf8) + name + [UInt8(ascii: " ")] + rules, call)
        }
    }

    static let user: CommandBody = { call in
        guard let rights = call.emulator.users.rights(of: call[2].array) else { return call.reply.null() }
        call.reply.map(6)
        call.reply.bulk("flags")
        call.reply.set(rights.flags.count)
        for flag in rights.flags { call.reply.bulk(flag) }
        call.reply.bulk("passwords")
        call.reply.array(rights.passwords.count)
        for password in rights.passwords { bulk(password, call) }
        describe(rights.root, call)
        call.reply.bulk("selectors")
        call.reply.array(rights.further.count)
        for selector in rights.further {
            call.reply.map(3)
            describe(selector, call)
        }
    }

    static func describe(_ selector: AccessSelector, _ call: borrowing Call) {
        call.reply.bulk("commands")
        bulk(selector.commandRules, call)
        call.reply.bulk("keys")
        bulk(Array(selector.keyRules.joined(separator: [UInt8(ascii: " ")])), call)
        call.reply.bulk("channels")
        bulk(Array(selector.channelRules.joined(separator: [UInt8(ascii: " ")])), call)
    }

    static func bulk(_ bytes: [UInt8], _ call: borrowing Call) {
        let reply = call.reply
        bytes.withBytes { reply.bulk($0) }
    }

    static let categories: CommandBody = { call in
        guard call.count <= 3 else { return call.reply.error(ErrorText.wrongSubcommandArity("acl", call[1])) }
        guard call.count == 3 else {
            call.reply.array(CommandCategory.allCases.count)
            for category in CommandCategory.allCases { call.reply.bulk(category.rawValue) }
            return
        }
        guard let category = CommandCategory(call[2].array) else {
            return call.reply.error(ErrorText.unknownCategory(call[2]))
        }
        let members = CommandCatalogue.shared.members(of: category)
        call.reply.array(members.count)
        for (number, name) in CommandCatalogue.shared.names.enumerated() where members.contains(number) {
            call.reply.bulk(name)
        }
    }

    static let password: CommandBody = { call in
        guard call.count <= 3 else { return call.reply.error(ErrorText.wrongSubcommandArity("acl", call[1])) }
        var bits: Int64 = 256
        if call.count == 3 {
            guard let wanted = call.integer(2) else { return }
            guard (1...4096).contains(wanted) else { return call.reply.error(ErrorText.passwordBits) }
            bits = wanted
        }
        let digits = Array("0123456789abcdef".utf8)
        var source = SystemRandomNumberGenerator()
        bulk((0..<(bits + 3) / 4).map { _ in digits[Int.random(in: 0..<16, using: &source)] }, call)
    }

    static let dryRun: CommandBody = { call in
        guard let rights = call.emulator.users.rights(of: call[2].array) else {
            return call.reply.error(ErrorText.unknownUser(call[2]))
        }
        let arguments = call.arguments + 3
        let count = call.count - 3
        guard let row = row(arguments, count, call.emulator.table) else {
            return call.reply.error(ErrorText.unknownCommand(ofDryRun: arguments[0]))
        }
        guard call.emulator.hasRightArity(row, count) else {
            return call.reply.error(ErrorText.wrongArity(row.pointee.fullName))
        }

        let isRefused = row.pointee.flags.contains(.refused)
        let denial =
            isRefused ? AccessDenial(reason: .command, place: 0) : rights.denial(row, arguments, count)

        guard let denial else { return call.reply.ok() }
        bulk(ErrorText.wouldDeny(denial, row.pointee.fullName, arguments[denial.place]), call)
    }

    static func row(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ table: CommandTable
    ) -> UnsafePointer<Command>? {
        guard let index = table.index(of: arguments[0]) else { return nil }
        let row = table.row(index)
        guard count > 1, let first = row.pointee.subcommands.baseAddress, !row.pointee.subcommands.isEmpty else {
            return row
        }
        return row.pointee.subcommands.firstIndex { arguments[1].isWord($0.name) }.map { first + $0 }
    }

    static let log: CommandBody = { call in
        guard call.count <= 3 else { return call.reply.error(ErrorText.wrongSubcommandArity("acl", call[1])) }
        if call.count == 3, call.isWord(2, "reset") {
            call.emulator.users.log.removeAll()
            return call.reply.ok()
        }
        var most: Int64 = 10
        if call.count == 3 {
            guard let wanted = call.integer(2) else { return }
            most = max(wanted, 0)
        }
        let entries = call.emulator.users.log.entries.prefix(Int(most))
        call.reply.array(entries.count)
        for entry in entries { describe(entry, call) }
    }

    static func describe(_ entry: AccessLog.Entry, _ call: borrowing Call) {
        call.reply.map(7)
        call.reply.bulk("count")
        call.reply.integer(entry.count)
        call.reply.bulk("reason")
        call.reply.bulk("\(entry.reason)")
        call.reply.bulk("context")
        call.reply.bulk(entry.context.rawValue)
        call.reply.bulk("object")
        bulk(entry.object, call)
        call.reply.bulk("username")
        bulk(entry.user, call)
        call.reply.bulk("age-seconds")
        call.reply.double(Double(max(call.emulator.clock.now - entry.time, 0)) / 1000)
        call.reply.bulk("client-info")
        call.reply.bulk(entry.client)
    }
}
