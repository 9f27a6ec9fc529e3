import EventLoop
public import RESPWire

/// What a client has set up, taken out of one emulator and put into another one, or into a session with a real server.
extension CacheEmulator {
    public func state(of client: CacheClient) -> RESPSessionState {
        var state = RESPSessionState()
        state.version = client.version
        state.database = client.database
        state.replies = client.replies
        state.isWatching = !client.watched.isEmpty
        state.isTainted = client.isTainted
        state.channels = client.channels
        state.patterns = client.patterns
        state.shardChannels = client.shardChannels
        state.tracking = client.tracking?.words
        state.isMonitoring = client.isMonitor
        if let transaction = client.transaction {
            var queued = QueuedTransaction()
            for request in transaction.queue { queued.append(request.encoded) }
            queued.isAborted = transaction.isAborted
            state.transaction = queued
        }
        return state
    }

    /// Puts a state into a client that has none; nothing of it is answered. False when the state cannot be had here.
    public func restore(_ state: RESPSessionState, to client: CacheClient) -> Bool {
        guard state.database < databases.count, state.transaction?.isTooLong != true else { return false }
        client.version = state.version
        client.database = state.database
        // What was watched was watched elsewhere, and nobody can tell what has changed since.
        client.isTainted = state.isTainted || state.isWatching
        for channel in state.channels { channels.subscribe(client, to: channel) }
        for pattern in state.patterns { channels.subscribe(client, toPattern: pattern) }
        for channel in state.shardChannels { channels.subscribeShard(client, to: channel) }
        if let transaction = state.transaction { queue(transaction, client) }
        if let words = state.tracking { restoreTracking(words, to: client) }
        if state.isMonitoring { startMonitoring(client) }
        client.replies = state.replies
        return true
    }

    /// What the client keeps may have changed while nobody tracked it (`adopted`).
    private func restoreTracking(_ words: [[UInt8]], to client: CacheClient) {
        let output = client.connection.output
        let before = output.count
        KeptArguments(words).withArguments { track($0, $1, for: client, client.writer) }
        output.truncate(to: before)
    }

    /// A client that was moved here is served from now on.
    public func adopted(_ client: CacheClient) {
        if client.tracking != nil { forgetEverythingKept(client) }
    }

    private func queue(_ queued: QueuedTransaction, _ client: CacheClient) {
        client.transaction = Transaction()
        let batch = RequestBatch()
        let output = client.connection.output
        let before = output.count
        queued.bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                var partial = PartialRequest()
                let end = batch.parse(
                    UnsafeRawBufferPointer(rebasing: rest), limits: .authenticated, partial: &partial)
                guard batch.count > 0 else { break }
                var index = 0
                while index < batch.count { index = execute(batch, from: index, for: client) }
                rest = rest.dropFirst(batch[batch.count - 1].end)
                if end != .full { break }
            }
        }
        output.truncate(to: before)
        if queued.isAborted { client.transaction?.isAborted = true }
    }
}

extension Transaction.Request {
    /// As a client sends it.
    fileprivate var encoded: [UInt8] {
        withArguments { arguments, count in
            var bytes: [UInt8] = []
            RequestEncoding.append(arguments, count, to: &bytes)
            return bytes
        }
    }
}
