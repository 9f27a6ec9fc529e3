import EventLoop
import RESPWire

/// A script, or a function, that has run for longer than `busy-reply-threshold`.
///
/// As in Redis it goes on, and clients are served within it, by nested turns of the loop: they are answered that a script
/// runs, unless they ask for one of the few things that then work. The keyspace is half-way through the script, so nothing
/// else is done for anybody: nobody who waits is served, no key expires or is evicted, no change is told, and the clock
/// stands.
struct LongScript {
    var isFunction: Bool
    /// What errors call it.
    var name: [UInt8]
    /// For which it has run.
    var milliseconds: Int64
    /// It has run a command that writes: it cannot be killed any more.
    var hasWritten: Bool
    /// Somebody has asked for its end with SCRIPT KILL or FUNCTION KILL.
    var isKilled = false

    /// What others are answered.
    var busy: StaticString { isFunction ? ErrorText.functionIsBusy : ErrorText.scriptIsBusy }

    /// Then every script is ended: only one that has not written can be killed, timers and swaps wait for it, and apps
    /// cannot end the server as Redis advises.
    static let longest: Int64 = 60_000
    /// Where the loop has no nested turns, scripts may run for this long at the least.
    static let shortest: Int64 = 100
}

extension CacheEmulator {
    /// Why a script that runs has to end now, or nil. Serves clients meanwhile where the script has become long.
    func reasonToEnd(_ script: LongScript) -> StaticString? {
        if loop.runUrgentWork() == .stopping || endsScripts { return ErrorText.scriptStopped }
        guard script.milliseconds < LongScript.longest else { return ErrorText.scriptTooLong }
        guard script.milliseconds >= configuration.scriptTimeLimit else { return nil }
        var script = script
        script.isKilled = longScript?.isKilled == true
        longScript = script
        switch loop.runNested() {
        case .stopping: return ErrorText.scriptStopped
        case .impossible: return script.milliseconds < LongScript.shortest ? nil : ErrorText.scriptTooSlow
        case .served: break
        }
        if endsScripts { return ErrorText.scriptStopped }
        return longScript?.isKilled == true ? ErrorText.scriptKilled : nil
    }

    /// The requests of a batch as `execute` runs them, within a script.
    func executeWithinScript(_ batch: RequestBatch, from first: Int, for client: CacheClient) -> Int {
        let caller = current
        current = client
        defer { current = caller }
        var index = first
        while index < batch.count {
            let request = batch[index]
            let arguments = batch.arguments + request.first
            let before = client.connection.output.count
            let command = table.index(of: arguments[0]) ?? -1
            client.noteUse(command, arguments, request.count)
            run(command, arguments, request.count, 0, client)
            if client.replies != .on { suppressReply(of: client, from: before) }
            index += 1
            if client.isEnding || client.isWaiting || client.connection.isOverHighWater { break }
        }
        if client.connection.output.count > Self.looksAtOutput { checkOutput(of: client) }
        return index
    }
}

extension Call {
    /// SCRIPT KILL and FUNCTION KILL.
    func killScript(isFunction: Bool) {
        guard let script = emulator.longScript else { return reply.error(ErrorText.notBusy) }
        if script.hasWritten { return reply.error(ErrorText.unkillable) }
        guard script.isFunction == isFunction else { return reply.error(script.busy) }
        emulator.longScript?.isKilled = true
        reply.ok()
    }
}
