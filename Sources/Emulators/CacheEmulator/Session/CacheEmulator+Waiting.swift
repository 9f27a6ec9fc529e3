import EventLoop
import RESPWire

/// Commands that block: who waits is served behind the command that has made a key, before the next one runs.
extension CacheEmulator {
    /// Has a client wait until `serve` has served it, or `milliseconds` are over; 0 for no end.
    func wait(_ waiter: Waiter, for keys: [[UInt8]], milliseconds: Int64) {
        waiting.add(waiter, for: keys)
        waiter.client.waiter = waiter
        databases[waiter.database].awaitedCount += 1
        // What is further away than this is no time to anybody.
        guard milliseconds > 0, milliseconds < 1 << 40 else { return }
        waiter.deadline = clock.now &+ milliseconds
        watch(waiter)
    }

    /// The answer of a wait whose time is over.
    func timeIsOver(_ waiter: Waiter) {
        guard waiter.client.waiter === waiter else { return }
        end(waiter) { $0.nullArray() }
    }

    /// Serves those who wait for keys that have appeared, until nobody can be served.
    @inline(never)
    func serveReady() {
        while let key = waiting.takeReady() { serve(key) }
    }

    /// As Redis each key in its turn: as many as it has something for, in the order in which they came. One whose command
    /// wants another type waits on where it stands.
    private func serve(_ key: WatchedKey) {
        let database = databases[key.database]
        key.key.withBytes { name in
            let hash = database.hash(name)
            let type = database.find(name, hash)?.type
            var last: UInt64?
            while let type, let (ticket, waiter) = waiting.next(for: key, after: last) {
                last = ticket
                guard waiter.type == type else { continue }
                guard let entry = database.find(name, hash), entry.type == type else { break }
                serve(waiter, AwaitedKey(name: name, hash: hash, entry: entry))
            }
            if type == .stream { return }
            last = nil
            while let (ticket, waiter) = waiting.next(for: key, after: last) {
                last = ticket
                if waiter.noticesLoss { serve(waiter, AwaitedKey(name: name, hash: hash, entry: nil)) }
            }
        }
    }

    private func serve(_ waiter: Waiter, _ key: AwaitedKey) {
        let client = waiter.client
        let before = client.connection.output.count
        // What is changed now that client changes, not the one whose command has made the key.
        let caller = current
        current = client
        defer { current = caller }
        if tracking.isOn, waiter.takesUntold { tracking.untold = key.name.array }
        defer { tracking.untold = nil }
        let began = SlowLog.nanoseconds
        let isServed = waiter.request.withArguments { arguments, count in
            let call = Call(self, client, in: waiter.database, arguments, count, hash: key.hash)
            return waiter.serve(call, key)
        }
        guard isServed else { return }
        noteServed(waiter, in: SlowLog.nanoseconds - began)
        noteEnd(of: client, at: before)
        if waiter.isSilent { client.connection.output.truncate(to: before) }
        leave(waiter)
        client.front.replied(client, behind: before)
        sendPending(to: client)
        client.front.waitEnded(client)
    }

    /// Ends a wait with a reply.
    private func end(_ waiter: Waiter, _ reply: (ReplyWriter) -> Void) {
        let client = waiter.client
        leave(waiter)
        let before = client.connection.output.count
        if !waiter.isSilent { reply(client.writer) }
        noteEnd(of: client, at: before)
        client.front.replied(client, behind: before)
        client.front.waitEnded(client)
    }

    /// The command in which a client has waited may have ended with an error.
    private func noteEnd(of client: CacheClient, at before: Int) {
        let output = client.connection.output
        guard let row = client.lastCommand, isError(output, at: before) else { return }
        noteFailure(row, output, at: before)
    }

    private func leave(_ waiter: Waiter) {
        waiting.remove(waiter)
        databases[waiter.database].awaitedCount -= 1
        waiter.client.waiter = nil
        stopWatching(waiter)
    }

    // MARK: for whoever owns the connection

    /// Ends a client's wait as if its time were over, or with an error. False when it does not wait.
    public func unblock(_ client: CacheClient, withError: Bool) -> Bool {
        if let pending = client.pending { return unblock(pending, withError: withError) }
        guard let waiter = client.waiter else { return false }
        end(waiter) { withError ? $0.error(ErrorText.unblocked) : $0.nullArray() }
        return true
    }

    /// Gives up what a client waits in; nothing is answered.
    public func stopWaiting(_ client: CacheClient) {
        forgetPostponed(client)
        if let pending = client.pending { forget(pending) }
        if let waiter = client.waiter { leave(waiter) }
    }

    /// What a client waits in; nil when it does not wait.
    public func awaited(by client: CacheClient) -> (words: [[UInt8]], since: UInt64, isSilent: Bool)? {
        if let pending = client.pending { return (pending.request.words, pending.since, pending.isSilent) }
        return client.waiter.map { ($0.request.words, $0.since, $0.isSilent) }
    }

    /// Runs a command that a client has asked elsewhere, before it came here: it is answered, or waits.
    public func ask(_ words: [[UInt8]], isSilent: Bool, for client: CacheClient) {
        readClock()
        current = client
        defer { current = nil }
        let mode = client.replies
        let before = client.connection.output.count
        client.replies = isSilent ? .off : .on
        KeptArguments(words).withArguments { arguments, count in
            let index = table.index(of: arguments[0]) ?? -1
            let hash = count > 1 ? keyHash(arguments[1], seed: memory.seed) : 0
            client.noteUse(index, arguments, count)
            run(index, arguments, count, hash, client)
        }
        if isSilent { client.connection.output.truncate(to: before) }
        client.replies = mode
        if tracking.isOn { broadcastChanges() }
        watchExpiry()
    }
}
