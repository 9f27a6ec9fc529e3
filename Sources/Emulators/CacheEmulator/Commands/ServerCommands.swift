import RESPWire

/// The server as a whole: sizes, flushing, configuration, and what clients ask when they connect.
let serverCommands: [Command] = [
    Command("dbsize", 1, [.readonly, .fast], body: Server.size),
    Command("flushdb", -1, [.write], body: Server.flush),
    Command("flushall", -1, [.write], body: Server.flushAll),
    Command("swapdb", 3, [.write, .fast], body: Server.swap),
    Command("monitor", 1, [.admin, .noscript, .loading, .stale], body: Server.monitor),
    Command("time", 1, [.loading, .stale, .fast], body: Server.time),
    Command("info", -1, [.loading, .stale], body: { $0.emulator.replyInfo($0) }),
    Command(
        "config", -2, [],
        subcommands: [
            Command("get", -3, [.admin, .noscript, .loading, .stale], body: Server.getConfiguration),
            Command("set", -4, [.admin, .noscript, .loading, .stale], body: Server.setConfiguration),
            Command("resetstat", 2, [.admin, .noscript, .loading, .stale], body: Server.resetStatistics),
            Command("rewrite", 2, [.admin, .noscript, .loading, .stale], body: Server.rewriteConfiguration),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.configuration) }),
        ], body: { _ in }),
    Command(
        "command", -1, [.loading, .stale],
        subcommands: [
            Command("count", 2, [.loading, .stale], body: CommandInspection.count),
            Command("info", -2, [.loading, .stale], body: CommandInspection.info),
            Command("docs", -2, [.loading, .stale], body: CommandInspection.documentation),
            Command("list", -2, [.loading, .stale], body: CommandInspection.list),
            Command("getkeys", -4, [.loading, .stale], body: CommandInspection.keys),
            Command("getkeysandflags", -4, [.loading, .stale], body: CommandInspection.keysAndFlags),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.command) }),
        ], body: CommandInspection.all),
]

private enum Server {
    static let size: CommandBody = { call in
        call.reply.integer(call.database.count)
    }

    /// Whether the arguments are at most ASYNC or SYNC; false after an error reply.
    static func takesFlushMode(_ call: borrowing Call) -> Bool {
        if call.count == 1 || (call.count == 2 && (call.isWord(1, "async") || call.isWord(1, "sync"))) { return true }
        call.reply.error(ErrorText.syntax)
        return false
    }

    static let flush: CommandBody = { call in
        guard takesFlushMode(call) else { return }
        call.emulator.flush([call.database])
        call.reply.ok()
    }

    static let flushAll: CommandBody = { call in
        guard takesFlushMode(call) else { return }
        call.emulator.flush(call.emulator.databases)
        call.reply.ok()
    }

    static let swap: CommandBody = { call in
        guard let first = call[1].integer.flatMap(Int32.init(exactly:)) else {
            return call.reply.error("ERR invalid first DB index")
        }
        guard let second = call[2].integer.flatMap(Int32.init(exactly:)) else {
            return call.reply.error("ERR invalid second DB index")
        }
        let valid = 0..<Int32(CacheEmulator.databaseCount)
        guard valid.contains(first), valid.contains(second) else {
            return call.reply.error(ErrorText.databaseOutOfRange)
        }
        let emulator = call.emulator
        emulator.statistics.changes &+= 1
        if first != second {
            let databases = (emulator.databases[Int(first)], emulator.databases[Int(second)])
            for watched in emulator.watchers.keys {
                switch watched.database {
                case Int(first): taint(watched, from: databases.0, to: databases.1, emulator)
                case Int(second): taint(watched, from: databases.1, to: databases.0, emulator)
                default: break
                }
            }
            databases.0.swapContents(with: databases.1)
            emulator.waiting.noteAll(in: Int(first))
            emulator.waiting.noteAll(in: Int(second))
        }
        call.reply.ok()
    }

    /// A watched key's database is swapped for another one. What was not there stays so when it comes with its time over.
    private static func taint(_ watched: WatchedKey, from old: Database, to new: Database, _ emulator: CacheEmulator) {
        let isChanged = watched.key.withBytes { key in
            let hash = old.hash(key)
            if old.table.find(key, hash) != nil { return true }
            guard let entry = new.table.find(key, hash) else { return false }
            // It ends where it was: here that would be a change.
            guard entry.hasExpiry, entry.expiry <= new.now else { return true }
            return new.find(key, hash) != nil
        }
        if isChanged { emulator.taintWatchers(watched) }
    }

    static let monitor: CommandBody = { call in
        guard !call.client.isExecuting else {
            return call.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client")
        }
        // Asked again, it is not answered.
        guard !call.client.isMonitor else { return }
        call.emulator.startMonitoring(call.client)
        call.reply.ok()
    }

    static let time: CommandBody = { call in
        let now = call.emulator.microseconds(for: call.client)
        call.reply.array(2)
        call.reply.bulkInteger(now / 1_000_000)
        call.reply.bulkInteger(now % 1_000_000)
    }

    static let getConfiguration: CommandBody = { call in
        var found: [(name: [UInt8], value: String)] = []
        for index in 2..<call.count {
            for parameter in call.emulator.configuration.matching(call[index]) {
                let name = parameter.name.map { Bytes.folded($0) }
                if !found.contains(where: { $0.name.withBytes { $0.isWord(name) } }) { found.append(parameter) }
            }
        }
        call.reply.map(found.count)
        for parameter in found {
            parameter.name.withBytes { call.reply.bulk($0) }
            call.reply.bulk(parameter.value)
        }
    }

    static let setConfiguration: CommandBody = { call in
        guard call.count % 2 == 0 else { return call.reply.error(ErrorText.syntax) }
        let parameters = call.emulator.configuration.parameters
        var places: [Int] = []
        for index in stride(from: 2, to: call.count, by: 2) {
            guard let place = call.emulator.configuration.index(of: call[index]) else {
                return call.reply.error(
                    Array("ERR Unknown option or number of arguments for CONFIG SET - '".utf8) + call[index].array
                        + Array("'".utf8))
            }
            let problem = parameters[place].kind.refusal ?? (places.contains(place) ? "duplicate parameter" : nil)
            if let problem { return refuse(parameters[place].name, problem, call) }
            places.append(place)
        }
        var values: [String] = []
        for (number, place) in places.enumerated() {
            switch parameters[place].kind.check(call[number * 2 + 3]) {
            case .taken(let value):
                if let problem = call.emulator.configuration.refusal(place, of: value) {
                    return refuse(parameters[place].name, problem, call)
                }
                values.append(value)
            case .refused(let problem): return refuse(parameters[place].name, problem, call)
            }
        }
        for (number, place) in places.enumerated() {
            call.emulator.configuration.set(place, to: values[number])
            if parameters[place].name.hasPrefix("maxmemory") || parameters[place].name.hasPrefix("lfu") {
                call.emulator.limitMemory()
            }
            if Self.ofConnections.contains(parameters[place].name) {
                call.emulator.connectionLimits = ConnectionLimits(call.emulator.configuration)
                call.emulator.watchConnections()
            }
            if parameters[place].name == "tracking-table-max-keys" {
                let most = call.emulator.configuration.number("tracking-table-max-keys")
                call.emulator.tracking.most = most == 0 ? .max : most
            }
            if parameters[place].name.contains("-max-") {
                let memory = call.emulator.memory
                memory.packing = PackingLimits(
                    call.emulator.configuration, listPlainBytes: memory.packing.listPlainBytes)
            }
            if parameters[place].name == "acllog-max-len" {
                call.emulator.users.log.most = Int(values[number]) ?? 0
            }
            if parameters[place].name.hasPrefix("latency") { call.emulator.configureLatency() }
            if parameters[place].name.hasPrefix("slowlog") {
                call.emulator.slowLog.configure(call.emulator.configuration)
            }
            if parameters[place].name.hasPrefix("repl-") || parameters[place].name == "client-output-buffer-limit" {
                call.emulator.replication.limits = ReplicationLimits(call.emulator.configuration)
            }
            // What is shown may be less than what was asked for.
            if case .events = parameters[place].kind {
                call.emulator.publishEvents(KeyspaceEvents(letters: call[number * 2 + 3].text))
            }
        }
        call.reply.ok()
    }

    private static let ofConnections = [
        "client-output-buffer-limit", "client-query-buffer-limit", "maxclients", "proto-max-bulk-len", "timeout",
    ]

    private static func refuse(_ name: String, _ problem: String, _ call: borrowing Call) {
        call.reply.error("ERR CONFIG SET failed (possibly related to argument '\(name)') - \(problem)")
    }

    static let resetStatistics: CommandBody = { call in
        call.emulator.resetStatistics()
        call.reply.ok()
    }

    static let rewriteConfiguration: CommandBody = { call in
        call.reply.error("ERR The server is running without a config file")
    }
}

extension CacheEmulator {
    /// Takes all keys out of some databases; whoever watches one of them is told.
    func flush(_ flushed: [Database]) {
        trackFlush()
        taintWatchers(ofKeysIn: flushed)
        for database in flushed {
            statistics.changes &+= database.count
            database.removeAll()
            if database.awaitedCount > 0 { waiting.noteAll(in: database.number) }
        }
    }

    /// Whoever watches a key that is there, in one of these databases, is told that it has changed.
    func taintWatchers(ofKeysIn changed: [Database]) {
        for watched in watchers.keys where changed.contains(where: { $0.number == watched.database }) {
            let database = databases[watched.database]
            let exists = watched.key.withBytes { database.find($0, database.hash($0)) != nil }
            if exists { taintWatchers(watched) }
        }
    }
}
