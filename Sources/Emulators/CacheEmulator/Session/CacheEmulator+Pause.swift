import EventLoop
import RESPWire

/// CLIENT PAUSE: for a while nothing runs, or nothing that writes. Who asks for it waits with the request in its input.
final class Pause: Timed {
    var isOfAll = false
    /// In milliseconds of the resource's time.
    var deadline: Int64?
    var timer: TimerToken?
    var postponed: [CacheClient] = []
    /// Behind those who wait: then they are answered.
    var number: Int { .max }

    /// Another one may have begun meanwhile, or this one been made longer.
    func timeIsOver(in emulator: CacheEmulator) {
        if emulator.pause === self, (deadline ?? 0) <= emulator.time { emulator.unpause() }
    }
}

extension CacheEmulator {
    /// Begins a pause. One that is there already is neither shortened nor weakened.
    public func pause(milliseconds: Int64, isOfAll: Bool) {
        let begun = pause ?? Pause()
        begun.isOfAll = begun.isOfAll || isOfAll
        // What is further away than this is no time to anybody.
        begun.deadline = max(begun.deadline ?? 0, time &+ min(milliseconds, 1 << 40))
        pause = begun
        watch(begun)
    }

    /// Ends the pause: what was postponed runs.
    public func unpause() {
        guard let ended = pause else { return }
        pause = nil
        stopWatching(ended)
        for client in ended.postponed {
            client.isPostponed = false
            client.front.waitEnded(client)
        }
    }

    /// Whether a request has to wait for the end of the pause; then the client waits with it. What is refused anyhow is
    /// refused at once, as in Redis.
    @inline(never)
    func postpones(_ index: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient) -> Bool
    {
        guard let pause, index >= 0, client.isAuthenticated, client.replica == nil else { return false }
        guard let command = meant(index, arguments, count), !command.flags.contains(.refused),
            pause.isOfAll || mayWrite(command, arguments, count, client)
        else { return false }
        client.isPostponed = true
        pause.postponed.append(client)
        return true
    }

    /// The row that a request means, of a container its subcommand's; nil where it is refused anyhow.
    private func meant(_ index: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Command? {
        let row = table.row(index)
        guard hasRightArity(row, count) else { return nil }
        let command = row.pointee
        guard !command.subcommands.isEmpty, count > 1 else { return command }
        return command.subcommands.first {
            arguments[1].isWord($0.name) && ($0.arity >= 0 ? count == $0.arity : count >= -$0.arity)
        }
    }

    /// It may change keys, or is handed on to replicas.
    func mayWrite(
        _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient
    ) -> Bool {
        if command.isToldToReplicas { return true }
        if command.runsScript, let flags = scriptFlags(command, arguments) { return !flags.contains(.noWrites) }
        switch command.name.description {
        // What scripts do that say nothing of it is not known before.
        case "eval", "evalsha", "fcall": return true
        case "exec":
            return client.transaction?.queue.contains { request in
                request.withArguments { arguments, count in
                    meant(request.command, arguments, count).map { mayWrite($0, arguments, count, client) } ?? false
                }
            } ?? false
        default: return false
        }
    }

    /// What the script, or the function, says of itself that a request runs; nil where it says nothing, or is not there.
    private func scriptFlags(_ command: Command, _ arguments: UnsafeMutablePointer<Bytes>) -> Shebang.Flags? {
        switch command.name.description {
        case "eval", "eval_ro":
            if case .read(let shebang) = Shebang.read(arguments[1]) { return shebang.flags }
        case "evalsha", "evalsha_ro":
            if hasScripts, case .script(_, let flags)? = scripts.find(arguments[1]) { return flags }
        default:
            if hasFunctions { return functions.find(arguments[1])?.flags }
        }
        return nil
    }

    /// A client that goes waits for nothing.
    func forgetPostponed(_ client: CacheClient) {
        guard client.isPostponed else { return }
        client.isPostponed = false
        pause?.postponed.removeAll { $0 === client }
    }
}
