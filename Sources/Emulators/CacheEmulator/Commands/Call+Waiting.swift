import EventLoop
import RESPWire

/// How a command waits for keys that are not there. Its body, when it finds nothing:
///
///     guard call.mayWait else { return call.reply.nullArray() }   // inside MULTI it does not wait
///     call.wait(for: 1..<call.count - 1, .list, milliseconds: time) { call, key in … }
///
/// Nothing is replied then. The closure is called with each of the keys that comes to be with the wanted type, or for
/// which `signal` is called, when the command that did it has ended (behind EXEC, when all of it has), in the order in
/// which the clients came. It gets a call with the same arguments (or with `words`), takes what it wants, tells the
/// effect always (`tell`: nothing is told by itself here), writes the whole reply and answers true; or it answers false,
/// has written nothing, and the client waits on. It captures what its arguments say at the most: a client that
/// is moved while it waits asks with them again.
///
/// A time that is over, CLIENT UNBLOCK, a client that goes or that is moved to another server need no code of a command.
extension Call {
    /// False inside EXEC and wherever else nobody can wait: what finds nothing answers so at once.
    var mayWait: Bool { client.mayWait && !client.isExecuting }

    /// A script has asked for it: not even where nothing would have to be waited for may it ask to wait.
    var isOfScript: Bool { client.id == 0 && emulator.scriptCall != nil }

    /// Has the client wait for the keys at some places.
    ///
    /// - Parameters:
    ///   - type: of the keys; one that appears with another type changes nothing.
    ///   - milliseconds: 0 waits for ever.
    ///   - words: what is kept instead of the arguments, name in front: a request that means the same whenever it is
    ///     asked, here or elsewhere (XREAD with ids in place of `$`).
    ///   - noticesLoss: `serve` is called also, with no entry, when one of the keys, a stream, is gone.
    func wait(
        for places: some Sequence<Int>, _ type: ValueType, milliseconds: Int64, words: [[UInt8]]? = nil,
        noticesLoss: Bool = false, serve: @escaping ServeBody
    ) {
        let request = words.map { KeptArguments($0) } ?? KeptArguments(arguments, count)
        let waiter = Waiter(
            client, database.number, type, request, since: emulator.loop.now, noticesLoss: noticesLoss, serve: serve)
        emulator.wait(waiter, for: places.map { arguments[$0].array }, milliseconds: milliseconds)
    }

    /// A key that was there before has something new for those who wait for it.
    @inline(__always) func signal(_ key: Bytes, _ type: ValueType) {
        if database.awaitedCount > 0 { emulator.waiting.note(key, type, in: database.number) }
    }

    /// How long a command may wait, in milliseconds, from an argument in seconds; nil after an error reply.
    func waitTime(seconds index: Int) -> Int64? {
        guard let seconds = arguments[index].double else {
            reply.error(ErrorText.timeoutNotAFloat)
            return nil
        }
        // What has no room in 64 bits is the smallest number in Redis.
        var time = Int64(exactly: (seconds * 1000).rounded(.up)) ?? .min
        if let whole = arguments[index].integer {
            let (product, overflow) = whole.multipliedReportingOverflow(by: 1000)
            time = overflow ? .min : product
        }
        guard time >= 0 else {
            reply.error(ErrorText.timeoutNegative)
            return nil
        }
        return time
    }

    /// The same from an argument in milliseconds.
    func waitTime(milliseconds index: Int) -> Int64? {
        guard let time = arguments[index].integer else {
            reply.error(ErrorText.timeoutNotAnInteger)
            return nil
        }
        guard time >= 0 else {
            reply.error(ErrorText.timeoutNegative)
            return nil
        }
        return time
    }
}
