import RESPWire

/// MULTI, EXEC and WATCH: commands are queued, then run without anything in between.
let transactionCommands: [Command] = [
    Command("multi", 1, [.noscript, .loading, .stale, .fast, .allowBusy, .immediate], body: Transactions.begin),
    Command("exec", 1, [.noscript, .loading, .stale, .skipSlowlog, .immediate], body: Transactions.execute),
    Command("discard", 1, [.noscript, .loading, .stale, .fast, .allowBusy, .immediate], body: Transactions.discard),
    Command("watch", -2, [.noscript, .loading, .stale, .fast, .allowBusy, .immediate], .all, body: Transactions.watch),
    Command("unwatch", 1, [.noscript, .loading, .stale, .fast, .allowBusy], body: Transactions.unwatch),
]

private enum Transactions {
    static let begin: CommandBody = { call in
        guard call.client.transaction == nil else { return call.reply.error(ErrorText.nestedMulti) }
        call.client.transaction = Transaction()
        call.reply.ok()
    }

    static let execute: CommandBody = { call in
        let client = call.client
        guard let transaction = client.transaction else { return call.reply.error(ErrorText.execWithoutMulti) }
        client.transaction = nil
        call.emulator.taintExpired(client)
        let isTainted = client.isTainted
        call.emulator.unwatch(client)
        if transaction.isAborted { return call.reply.error(ErrorText.execAborted) }
        if isTainted { return call.reply.nullArray() }
        call.reply.array(transaction.queue.count)
        client.isExecuting = true
        defer { client.isExecuting = false }
        for request in transaction.queue { call.emulator.runQueued(request, for: client) }
    }

    static let discard: CommandBody = { call in
        guard call.client.transaction != nil else { return call.reply.error(ErrorText.discardWithoutMulti) }
        call.client.transaction = nil
        call.emulator.unwatch(call.client)
        call.reply.ok()
    }

    static let watch: CommandBody = { call in
        guard call.client.transaction == nil else { return call.reply.error(ErrorText.watchInsideMulti) }
        for index in 1..<call.count { call.emulator.watch(call[index], for: call.client) }
        call.reply.ok()
    }

    static let unwatch: CommandBody = { call in
        call.emulator.unwatch(call.client)
        call.reply.ok()
    }
}

extension CacheEmulator {
    /// From now on until EXEC, a change of the key taints the client's transaction.
    func watch(_ key: Bytes, for client: CacheClient) {
        let database = databases[client.database]
        _ = database.find(key, database.hash(key))  // one that is over already is not watched as existing
        let watched = WatchedKey(database: client.database, key: key.array)
        guard !client.watched.contains(watched) else { return }
        client.watched.append(watched)
        watchers[watched, default: []].append(client)
    }

    /// Watched keys whose time is over, though nobody has looked, count as changed.
    func taintExpired(_ client: CacheClient) {
        for watched in client.watched {
            let database = databases[watched.database]
            watched.key.withBytes { _ = database.find($0, database.hash($0)) }
        }
    }
}
