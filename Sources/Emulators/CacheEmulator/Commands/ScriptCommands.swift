import EventLoop
import RESPWire

/// Scripts in Lua: sent with each call, or kept and named by their digest.
let scriptCommands: [Command] = [
    Command("eval", -3, scriptFlags, .counted(at: 2)) { Scripts.run($0, isReadOnly: false) },
    Command("eval_ro", -3, scriptFlags.union(.readonly), .counted(at: 2)) { Scripts.run($0, isReadOnly: true) },
    Command("evalsha", -3, scriptFlags, .counted(at: 2)) { Scripts.runKnown($0, isReadOnly: false) },
    Command("evalsha_ro", -3, scriptFlags.union(.readonly), .counted(at: 2)) { Scripts.runKnown($0, isReadOnly: true) },
    Command(
        "script", -2, [],
        subcommands: [
            Command("load", 3, [.noscript, .stale], body: Scripts.load),
            Command("exists", -3, .noscript, body: Scripts.exists),
            Command("flush", -2, .noscript, body: Scripts.flush),
            Command("kill", 2, [.noscript, .allowBusy], body: { $0.killScript(isFunction: false) }),
            Command("debug", 3, .noscript, body: Scripts.debug),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.script) }),
        ], body: { _ in }),
]

private let scriptFlags: Command.Flags = [.noscript, .stale, .skipMonitor, .noMandatoryKeys, .movableKeys]

extension Call {
    /// Where the keys of a script stand, whose number argument 2 gives; nil after an error reply.
    func scriptKeys(_ number: Int64?, orElse text: StaticString) -> Range<Int>? {
        guard let number else {
            reply.error(text)
            return nil
        }
        guard number <= Int64(count - 3) else {
            reply.error("ERR Number of keys can't be greater than number of args")
            return nil
        }
        guard number >= 0 else {
            reply.error("ERR Number of keys can't be negative")
            return nil
        }
        return 3..<3 + Int(number)
    }
}

private enum Scripts {
    static func run(_ call: borrowing Call, isReadOnly: Bool) {
        guard let keys = call.scriptKeys(call[2].integer, orElse: ErrorText.notAnInteger) else { return }
        run(call.emulator.scripts.load(call[1], isLasting: false), keys, isReadOnly, call)
    }

    static func runKnown(_ call: borrowing Call, isReadOnly: Bool) {
        guard call[1].count == 40 else { return call.reply.error(ErrorText.noScript) }
        guard let keys = call.scriptKeys(call[2].integer, orElse: ErrorText.notAnInteger) else { return }
        guard let found = call.emulator.scripts.find(call[1]) else { return call.reply.error(ErrorText.noScript) }
        run(found, keys, isReadOnly, call)
    }

    private static func run(
        _ found: CachedScripts.Found, _ keys: Range<Int>, _ isReadOnly: Bool, _ call: borrowing Call
    ) {
        switch found {
        case .refused(let text): call.reply.error(text)
        case .script(let digest, let flags):
            let mayWrite = flags.map { !$0.contains(.noWrites) }
            if isReadOnly, mayWrite == true { return call.reply.error(ErrorText.mayWrite) }
            let isAllowed = flags.map { !$0.isDisjoint(with: [.allowOOM, .noWrites]) }
            if call.emulator.isOutOfMemory, isAllowed == false {
                return call.reply.error(ErrorText.outOfMemory)
            }
            call.emulator.scripts.run(
                digest, keys: keys, isReadOnly: isReadOnly || mayWrite == false, ignoresMemory: isAllowed == true,
                for: call)
        }
    }

    static let load: CommandBody = { call in
        switch call.emulator.scripts.load(call[2], isLasting: true) {
        case .refused(let text): call.reply.error(text)
        case .script(let digest, _): digest.withBytes { call.reply.bulk($0) }
        }
    }

    static let exists: CommandBody = { call in
        call.reply.array(call.count - 2)
        for index in 2..<call.count { call.reply.flag(call.emulator.scripts.contains(call[index])) }
    }

    static let flush: CommandBody = { call in
        let isMode = call.count == 2 || (call.count == 3 && (call.isWord(2, "sync") || call.isWord(2, "async")))
        guard isMode else { return call.reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option") }
        call.emulator.scripts.removeAll()
        call.reply.ok()
    }

    static let debug: CommandBody = { call in
        let hasPending = call.client.connection.output.count > 0
        guard !hasPending else { return call.reply.error(ErrorText.debugInPipeline) }
        if call.isWord(2, "no") { return call.reply.ok() }
        guard call.isWord(2, "yes") || call.isWord(2, "sync") else {
            return call.reply.error("ERR Use SCRIPT DEBUG YES/SYNC/NO")
        }
        call.reply.error("ERR the emulator has no debugger for scripts")
    }
}
