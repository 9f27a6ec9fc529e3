import RDBWire
import RESPWire

/// Functions in Lua: libraries that are loaded once, and called by name.
let functionCommands: [Command] = [
    Command("fcall", -3, functionFlags, .counted(at: 2)) { Functions.run($0, isReadOnly: false) },
    Command("fcall_ro", -3, functionFlags.union(.readonly), .counted(at: 2)) { Functions.run($0, isReadOnly: true) },
    Command(
        "function", -2, [],
        subcommands: [
            Command("load", -3, [.write, .denyOOM, .noscript], body: Functions.load),
            Command("delete", 3, [.write, .noscript], body: Functions.delete),
            Command("flush", -2, [.write, .noscript], body: Functions.flush),
            Command("restore", -3, [.write, .denyOOM, .noscript], body: Functions.restore),
            Command("dump", 2, .noscript, body: Functions.dump),
            Command("list", -2, .noscript, body: Functions.list),
            Command("stats", 2, [.noscript, .allowBusy], body: Functions.statistics),
            Command("kill", 2, [.noscript, .allowBusy], body: { $0.killScript(isFunction: true) }),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.function) }),
        ], body: { _ in }),
]

private let functionFlags: Command.Flags = [.noscript, .stale, .skipMonitor, .noMandatoryKeys, .movableKeys]

private enum Functions {
    static func run(_ call: borrowing Call, isReadOnly: Bool) {
        guard let function = call.emulator.functions.find(call[1]) else {
            return call.reply.error("ERR Function not found")
        }
        guard let keys = call.scriptKeys(call[2].integer, orElse: "ERR Bad number of keys provided") else { return }
        let mayWrite = !function.flags.contains(.noWrites)
        if isReadOnly, mayWrite { return call.reply.error(ErrorText.mayWrite) }
        let isAllowed = !function.flags.isDisjoint(with: [.allowOOM, .noWrites])
        if call.emulator.isOutOfMemory, !isAllowed { return call.reply.error(ErrorText.outOfMemory) }
        call.emulator.functions.run(
            function, keys: keys, isReadOnly: !mayWrite, ignoresMemory: isAllowed, for: call)
    }

    static let load: CommandBody = { call in
        var index = 2
        var replaces = false
        while index < call.count - 1 {
            guard call.isWord(index, "replace") else {
                return call.reply.error("ERR Unknown option given: ", quoting: call[index])
            }
            replaces = true
            index += 1
        }
        do throws(FunctionLibraries.Refusal) {
            let name = try call.emulator.functions.load(call[index].array, replaces: replaces)
            call.emulator.statistics.changes &+= 1
            name.withBytes { call.reply.bulk($0) }
        } catch {
            call.reply.error(error.text)
        }
    }

    static let delete: CommandBody = { call in
        guard call.emulator.functions.delete(call[2].array) else { return call.reply.error("ERR Library not found") }
        call.emulator.statistics.changes &+= 1
        call.reply.ok()
    }

    static let flush: CommandBody = { call in
        guard call.count <= 3 else {
            return call.reply.error(ErrorText.wrongSubcommandArity("function", call[1]))
        }
        guard call.count == 2 || call.isWord(2, "sync") || call.isWord(2, "async") else {
            return call.reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
        }
        call.emulator.functions.removeAll()
        call.emulator.statistics.changes &+= 1
        call.reply.ok()
    }

    static let restore: CommandBody = { call in
        guard call.count <= 4 else {
            return call.reply.error(ErrorText.wrongSubcommandArity("function", call[1]))
        }
        var policy = FunctionLibraries.Policy.append
        if call.count == 4 {
            switch true {
            case call.isWord(3, "flush"): policy = .flush
            case call.isWord(3, "append"): policy = .append
            case call.isWord(3, "replace"): policy = .replace
            default:
                return call.reply.error(
                    "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
            }
        }
        do throws(FunctionLibraries.Refusal) {
            try call.emulator.functions.restore(call[2].array, policy)
            call.emulator.statistics.changes &+= 1
            call.reply.ok()
        } catch {
            call.reply.error(error.text)
        }
    }

    static let dump: CommandBody = { call in
        do throws(RDBError) {
            try call.emulator.functions.dump().withBytes { call.reply.bulk($0) }
        } catch {
            call.reply.error("ERR \(error)")
        }
    }

    static let list: CommandBody = { call in
        var pattern: [UInt8]?
        var showsCode = false
        var index = 2
        while index < call.count {
            if !showsCode, call.isWord(index, "withcode") {
                showsCode = true
            } else if pattern == nil, call.isWord(index, "libraryname") {
                guard index + 1 < call.count else {
                    return call.reply.error("ERR library name argument was not given")
                }
                index += 1
                pattern = call[index].array.map { Bytes.folded($0) }
            } else {
                return call.reply.error("ERR Unknown argument ", quoting: call[index])
            }
            index += 1
        }
        let libraries = call.emulator.functions.libraries.filter { library in
            guard let pattern else { return true }
            let name = library.name.map { Bytes.folded($0) }
            return pattern.withBytes { pattern in name.withBytes { Glob.matches(pattern, $0) } }
        }
        call.reply.array(libraries.count)
        for library in libraries { describe(library, showsCode, call) }
    }

    private static func describe(_ library: FunctionLibraries.Library, _ showsCode: Bool, _ call: borrowing Call) {
        let reply = call.reply
        reply.map(showsCode ? 4 : 3)
        reply.bulk("library_name")
        library.name.withBytes { reply.bulk($0) }
        reply.bulk("engine")
        reply.bulk("LUA")
        reply.bulk("functions")
        reply.array(library.functions.count)
        for function in library.functions {
            reply.map(3)
            reply.bulk("name")
            function.name.withBytes { reply.bulk($0) }
            reply.bulk("description")
            if let text = function.description { text.withBytes { reply.bulk($0) } } else { reply.null() }
            reply.bulk("flags")
            let flags = Shebang.Flags.names.filter { function.flags.contains($0.0) }
            reply.set(flags.count)
            for (_, name) in flags { reply.simple(name) }
        }
        guard showsCode else { return }
        reply.bulk("library_code")
        library.code.withBytes { reply.bulk($0) }
    }

    static let statistics: CommandBody = { call in
        if let script = call.emulator.longScript, !script.isFunction { return call.reply.error(script.busy) }
        call.reply.map(2)
        call.reply.bulk("running_script")
        describeRunning(call)
        call.reply.bulk("engines")
        call.reply.map(1)
        call.reply.bulk("LUA")
        call.reply.map(2)
        call.reply.bulk("libraries_count")
        call.reply.integer(call.emulator.functions.libraries.count)
        call.reply.bulk("functions_count")
        call.reply.integer(call.emulator.functions.functionCount)
    }

    private static func describeRunning(_ call: borrowing Call) {
        let reply = call.reply
        guard let script = call.emulator.longScript, let (_, arguments, count) = call.emulator.scriptCall else {
            return reply.null()
        }
        reply.map(3)
        reply.bulk("name")
        script.name.withBytes { reply.bulk($0) }
        reply.bulk("command")
        reply.array(count)
        for index in 0..<count { reply.bulk(arguments[index]) }
        reply.bulk("duration_ms")
        reply.integer(Int(script.milliseconds))
    }
}
