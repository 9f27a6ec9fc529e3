import CPrefetch
import EventLoop
public import RESPWire

extension CacheEmulator {
    /// Runs the requests of a batch from number `first` on for one client and writes their replies.
    ///
    /// Returns the number of the request to go on with: less than `batch.count` when the client takes no more replies
    /// now, waits in a command that blocks (then none is to be handed in before `CacheFront.waitEnded`), or is to be
    /// closed.
    public func execute(_ batch: RequestBatch, from first: Int, for client: CacheClient) -> Int {
        if isBusy { return executeWithinScript(batch, from: first, for: client) }
        readClock()
        noteBatch()
        // Not from its coming on: until it is moved here another emulator serves it.
        if client.connection.output.meter !== sent { client.connection.output.meter = sent }
        current = client
        defer { current = nil }
        plan(batch, from: first, client)
        var index = first
        var call = Call(self, client, batch.arguments, 0, hash: 0)
        while index < batch.count {
            let request = batch[index]
            let arguments = batch.arguments + request.first
            if pause != nil, postpones(plannedCommand[index], arguments, request.count, client) { break }
            let before = client.connection.output.count
            client.noteUse(plannedCommand[index], arguments, request.count)
            let isUnanswered = client.replies != .on
            if isUnanswered { client.isUnanswered = true }
            call.goOn(with: arguments, request.count, hash: plannedHash[index])
            run(plannedCommand[index], call)
            if isUnanswered { client.isUnanswered = false }
            if client.replies != .on { suppressReply(of: client, from: before) }
            index += 1
            if client.isEnding || client.isWaiting || client.connection.isOverHighWater { break }
        }
        if index > first { statistics.inputBytes &+= batch[index - 1].end - (first > 0 ? batch[first - 1].end : 0) }
        if isSampling { isSampling = false }
        if client.connection.output.count > Self.looksAtOutput { checkOutput(of: client) }
        if tracking.isOn { broadcastChanges() }
        if !channels.overLimit.isEmpty { checkSubscribers() }
        watchExpiry()
        return index
    }

    /// No limit is below it that would mean anything.
    static let looksAtOutput = 1024

    /// Finds the command of every request, and has the processor fetch what the commands will look at: first the
    /// slots of all their first keys, then the entries.
    private func plan(_ batch: RequestBatch, from first: Int, _ client: CacheClient) {
        let keyspace = databases[client.database].table
        let seed = memory.seed
        let prefetches = batch.count - first > 1
        for index in first..<batch.count {
            let request = batch[index]
            let arguments = batch.arguments + request.first
            guard let command = table.index(of: arguments[0]) else {
                plannedCommand[index] = -1
                continue
            }
            plannedCommand[index] = command
            guard request.count > 1, table.row(command).pointee.keys.first == 1 else { continue }
            let hash = keyHash(arguments[1], seed: seed)
            plannedHash[index] = hash
            guard prefetches else { continue }
            let segment = keyspace.segment(hash)
            cprefetch(segment.slots + segment.home(hash))
        }
        guard prefetches else { return }
        for index in first..<batch.count where plannedCommand[index] >= 0 {
            guard batch[index].count > 1, table.row(plannedCommand[index]).pointee.keys.first == 1 else { continue }
            let hash = plannedHash[index]
            let segment = keyspace.segment(hash)
            guard let entry = segment.likely(hash) else { continue }
            cprefetch(entry.block)
            cprefetch(entry.block + 48)
        }
    }

    /// Checks and runs one request; `index` is its command's in the table, or -1, `hash` that of its first key.
    func run(
        _ index: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ hash: UInt64, _ client: CacheClient
    ) {
        run(index, Call(self, client, arguments, count, hash: hash))
    }

    @inline(__always)
    private func run(_ index: Int, _ call: borrowing Call) {
        let client = call.client
        guard index >= 0 else {
            if let replica = client.replica { return replication.drop(replica) }
            return refuseUnknown(call.arguments, call.count, client)
        }
        let row = table.row(index)
        guard row.pointee.isPlain, client.isPlain, isPlain, hasRightArity(row, call.count) else {
            return runChecked(row, index, call.arguments, call.count, call.hash, client)
        }
        client.lastCommand = row
        // By its reply: a reference of its own would be counted for every command.
        let before = call.reply.output.count
        row.pointee.body(call)
        statistics.commands &+= 1
        counts[row.pointee.number].calls &+= 1
        if isError(call.reply.output, at: before) { noteFailure(row, call.reply.output, at: before) }
        if waiting.hasReady { serveReady() }
    }

    /// The same for a request of which something has to be known before it runs.
    @inline(never)
    private func runChecked(
        _ row: UnsafePointer<Command>, _ index: Int, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int,
        _ hash: UInt64, _ client: CacheClient
    ) {
        if client.replica != nil, refusesReplica(row.pointee, arguments, count, client) { return }
        guard let row = resolve(row, arguments, count, client) else { return }
        let command = row.pointee
        if command.flags.contains(.protected), let refusal = protection(of: command) {
            return refuse(client, row, "\(refusal)")
        }
        if !client.isAuthenticated, !command.flags.contains(.noAuth) {
            return refuse(client, row, "\(ErrorText.noAuth)")
        }
        if client.transaction != nil, command.flags.contains(.noMulti) {
            return refuse(client, row, "\(ErrorText.notInsideMulti)")
        }
        if let denial = denial(to: client, row, arguments, count) {
            if CommandCatalogue.isNewer(command.fullName) {
                return refuse(client, row, String(decoding: ErrorText.unknown(row, arguments), as: UTF8.self))
            }
            note(denial, row, arguments, of: client, client.transaction == nil ? .toplevel : .multi)
            return refuse(client, row, ErrorText.denied(denial.reason, command.fullName))
        }
        if client.isInSubscribedMode, !command.flags.contains(.whileSubscribed) {
            return refuse(client, row, Self.refusedWhileSubscribed(command.fullName))
        }
        if client.isMonitor, command.flags.contains(.readonly) || mayWrite(command, arguments, count, client) {
            return refuse(client, row, "ERR Replica can't interact with the keyspace")
        }
        if let longScript {
            guard command.flags.contains(.allowBusy) else { return refuse(client, row, "\(longScript.busy)") }
        } else if limit.bytes > 0, client.id != 0, lacksMemory(for: command, client) {
            return refuse(client, row, "\(ErrorText.outOfMemory)")
        }
        if let writeRefusal, refusesWriting(command, client) { return refuse(client, row, writeRefusal) }
        client.lastCommand = row
        if client.transaction != nil, !command.flags.contains(.immediate) {
            return queue(index, row, arguments, count, client)
        }
        // What the script has changed so far nobody is told before it ends.
        if isBusy { return call(row, arguments, count, hash, client) }
        guard let replication = effects?.replication else {
            call(row, arguments, count, hash, client)
            if tracking.isOn { trackingCommandEnded(command, client) }
            if waiting.hasReady { serveReady() }
            return
        }
        replication.begin()
        call(row, arguments, count, hash, client)
        replication.end(of: client)
        if tracking.isOn { trackingCommandEnded(command, client) }
        if waiting.hasReady {
            replication.begin()
            serveReady()
            replication.end(of: nil)
        }
    }

    /// Whether a replica's request must not run: it would be answered in the middle of the stream. As in Redis the
    /// replica is closed then.
    private func refusesReplica(
        _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient
    ) -> Bool {
        switch command.name.description {
        case "psync", "sync": return true
        case "replconf" where count >= 3 && (arguments[1].isWord("ack") || arguments[1].isWord("getack")): return false
        default:
            if let replica = client.replica { replication.drop(replica) }
            return true
        }
    }

    /// Runs a command that may run, now.
    @inline(__always)
    func call(
        _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ hash: UInt64,
        _ client: CacheClient
    ) {
        let command = row.pointee
        if clock.countsUses, command.flags.contains(.write) { countUses(command, arguments, count, client) }
        let isShownBefore = command.runsScript
        let output = client.connection.output
        let before = output.count
        if isShownBefore {
            commandStatistics.errorOfScript = []
            if !monitors.isEmpty { showToMonitors(command, arguments, count, client) }
            scriptCall = (row, arguments, count)
            momentOfScript = microseconds
            clock.now = momentOfScript / 1000
        }
        defer {
            if isShownBefore { scriptCall = nil }
            if tracking.isOn { trackReading(command, arguments, count, client) }
            if !monitors.isEmpty, !isShownBefore { showToMonitors(command, arguments, count, client) }
        }
        perform(row, arguments, count, hash, client)
        statistics.commands &+= 1
        counts[command.number].calls &+= 1
        if isError(output, at: before) { noteFailure(row, output, at: before) }
    }

    /// The same, of which nobody is told: a part of another command.
    @inline(__always)
    func perform(
        _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ hash: UInt64,
        _ client: CacheClient
    ) {
        let command = row.pointee
        let call = Call(self, client, arguments, count, hash: hash)
        if times(command) { callTimed(command, call) } else { runBody(command, call) }
    }

    @inline(__always) func runBody(_ command: Command, _ call: borrowing Call) {
        if command.flags.contains(.front) {
            call.client.front.run(
                FrontCommand(
                    name: command.container ?? command.name, arguments: call.arguments, count: call.count,
                    reply: call.reply), for: call.client)
        } else if let effects {
            callHeard(command, call, effects)
        } else {
            command.body(call)
        }
    }

    /// The row that a request means: of a container, its subcommand's. Nil after an error reply.
    private func resolve(
        _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient
    ) -> UnsafePointer<Command>? {
        let command = row.pointee
        guard hasRightArity(row, count) else {
            refuse(client, row, ErrorText.wrongArity(command.name.description))
            return nil
        }
        if command.subcommands.isEmpty || count < 2 { return row }
        guard let place = command.subcommands.firstIndex(where: { arguments[1].isWord($0.name) }),
            let subcommands = command.subcommands.baseAddress
        else {
            if client.isAuthenticated {
                statistics.noteUnsupported("\(command.name) \(arguments[1].slice(0, min(arguments[1].count, 32)).text)")
            }
            client.transaction?.isAborted = true
            let before = client.connection.output.count
            client.writer.error(ErrorText.unknownSubcommand(command.name.description, arguments[1]))
            noteRefusal(nil, client.connection.output, at: before)
            return nil
        }
        let found = subcommands + place
        guard hasRightArity(found, count) else {
            refuse(client, found, ErrorText.wrongArity(found.pointee.fullName))
            return nil
        }
        return found
    }

    /// Whether a command has to be refused while changes cannot be kept: as in Redis what writes, be it queued, and PING,
    /// which watchdogs send.
    private func refusesWriting(_ command: Command, _ client: CacheClient) -> Bool {
        if command.flags.contains(.write) { return true }
        switch command.name.description {
        case "ping": return true
        case "exec":
            return client.transaction?.queue.contains { table.commands[$0.command].flags.contains(.write) } ?? false
        default: return false
        }
    }

    /// Why a command that the server would have to be told to run does not; nil where it does.
    private func protection(of command: Command) -> StaticString? {
        guard command.name.description == "debug" else { return ErrorText.noModules }
        return allowsDebug ? nil : ErrorText.noDebug
    }

    /// Runs one request of a transaction.
    func runQueued(_ request: Transaction.Request, for client: CacheClient) {
        request.withArguments { arguments, count in
            guard let row = resolve(table.row(request.command), arguments, count, client) else { return }
            if let denial = denial(to: client, row, arguments, count) {
                let before = client.connection.output.count
                if CommandCatalogue.isNewer(row.pointee.fullName) {
                    return client.writer.error(ErrorText.unknown(row, arguments))
                }
                note(denial, row, arguments, of: client, .multi)
                client.writer.error(ErrorText.deniedInExec(denial.reason))
                return noteRefusal(row, client.connection.output, at: before)
            }
            let hash = count > 1 ? keyHash(arguments[1], seed: memory.seed) : 0
            call(row, arguments, count, hash, client)
        }
    }

    private func queue(
        _ index: Int, _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int,
        _ client: CacheClient
    ) {
        client.transaction?.append(Transaction.Request(command: index, arguments, count))
        client.writer.simple("QUEUED")
    }

    @inline(__always) func hasRightArity(_ row: UnsafePointer<Command>, _ count: Int) -> Bool {
        let arity = row.pointee.arity
        return arity >= 0 ? count == arity : count >= -arity
    }

    /// Answers with an error; inside MULTI, EXEC will not run. A refused EXEC ends the transaction.
    private func refuse(_ client: CacheClient, _ row: UnsafePointer<Command>, _ text: String) {
        let before = client.connection.output.count
        defer { noteRefusal(row, client.connection.output, at: before) }
        client.transaction?.isAborted = true
        guard row.pointee.name.description == "exec" else { return client.writer.error(text) }
        client.transaction = nil
        unwatch(client)
        client.writer.error(ErrorText.execAborted(because: text))
    }

    private func refuseUnknown(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient) {
        // A browser that was made to speak to this port: closed before the body of its request is taken for commands.
        if arguments[0].isWord("post") || arguments[0].isWord("host:") {
            client.isEnding = true
            return client.front.end(client)
        }
        if client.isAuthenticated {
            statistics.noteUnsupported(arguments[0].slice(0, min(arguments[0].count, 64)).text)
        }
        client.transaction?.isAborted = true
        let before = client.connection.output.count
        client.writer.error(ErrorText.unknownCommand(arguments, count))
        noteRefusal(nil, client.connection.output, at: before)
    }

    private static func refusedWhileSubscribed(_ name: String) -> String {
        """
        ERR Can't execute '\(name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
        context
        """
    }

    func suppressReply(of client: CacheClient, from before: Int) {
        client.connection.output.truncate(to: before)
        switch client.replies {
        case .on, .off: break
        case .skipping: client.replies = .on
        case .skipNext: client.replies = .skipping
        }
        guard !client.ownMessages.isEmpty else { return }
        client.ownMessages.withUnsafeBytes { client.connection.output.append($0) }
        client.ownMessages = []
    }
}
