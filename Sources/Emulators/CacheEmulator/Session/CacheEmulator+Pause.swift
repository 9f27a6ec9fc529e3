import EventLoop
import RESPWire

/// CLIENT PAUSE: for a while nothing runs, or nothing that writes. Who asks for it waits with the request in its input.
struct Pause {
    var isOfAll: Bool
    /// In the loop's nanoseconds.
    var end: UInt64
    var timer: TimerToken?
    var postponed: [CacheClient] = []
}

extension CacheEmulator {
    /// Begins a pause. One that is there already is neither shortened nor weakened.
    public func pause(milliseconds: Int64, isOfAll: Bool) {
        var begun = pause ?? Pause(isOfAll: isOfAll, end: 0)
        begun.isOfAll = begun.isOfAll || isOfAll
        // What is further away than this is no time to anybody.
        begun.end = max(begun.end, loop.now + UInt64(min(milliseconds, 1 << 40)) * 1_000_000)
        if let timer = begun.timer { loop.cancel(timer) }
        begun.timer = loop.schedule(after: begun.end - loop.now) { [weak self] in self?.unpause() }
        pause = begun
    }

    /// Ends the pause: what was postponed runs.
    public func unpause() {
        guard let ended = pause else { return }
        pause = nil
        if let timer = ended.timer { loop.cancel(timer) }
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
        let command = table.commands[index]
        guard hasRightArity(table.row(index), count), !command.flags.contains(.refused),
            pause.isOfAll || mayWrite(command, client)
        else { return false }
        client.isPostponed = true
        self.pause?.postponed.append(client)
        return true
    }

    /// It may change keys, or is handed on to replicas.
    func mayWrite(_ command: Command, _ client: CacheClient) -> Bool {
        if !command.flags.isDisjoint(with: [.write, .mayReplicate]) { return true }
        switch command.name.description {
        // Redis hands messages on to replicas.
        case "publish", "spublish": return true
        // What scripts do is not known before; PFCOUNT keeps its count.
        case "eval", "evalsha", "fcall", "pfcount": return true
        case "exec": return client.transaction?.queue.contains { mayWrite(table.commands[$0.command], client) } ?? false
        default: return false
        }
    }

    /// A client that goes waits for nothing.
    func forgetPostponed(_ client: CacheClient) {
        guard client.isPostponed else { return }
        client.isPostponed = false
        pause?.postponed.removeAll { $0 === client }
    }
}
