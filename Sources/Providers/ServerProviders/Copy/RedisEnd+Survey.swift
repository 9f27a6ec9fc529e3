import BrokerModel
import ProviderKit
import RESPWire
import ReplicationWire

/// What a server holds and offers.
extension RedisEnd {
    /// Keys whose types and sizes are asked in one question.
    private static let asked = 100

    /// Looks at a server over a connection of its own.
    static func survey(of server: CopyServer, sample: Int) async throws(BrokerError) -> BackingSurvey {
        let end = RedisEnd(server)
        let result: Result<BackingSurvey, BrokerError>
        do throws(BrokerError) {
            result = .success(try await end.survey(sample: sample))
        } catch {
            result = .failure(error)
        }
        await end.close()
        return try result.get()
    }

    private func survey(sample: Int) async throws(BrokerError) -> BackingSurvey {
        var survey = BackingSurvey(keys: try await counts())
        if case .one(let database) = server.scope { survey.database = database }
        try await ask { connection throws(BrokerError) in try Self.facts(connection) }.put(into: &survey)
        var cursor: CopyCursor?
        var left = sample
        while left > 0 {
            let part = try await keys(from: cursor)
            let drawn = Array(part.keys.prefix(left))
            left -= drawn.count
            for (type, bytes) in try await weigh(drawn) {
                survey.drawn[type, default: .init()].keys += 1
                survey.drawn[type, default: .init()].bytes += bytes
            }
            cursor = part.next
            if cursor == nil { break }
        }
        return survey
    }

    private struct Facts: Sendable {
        var info: [Substring: Substring] = [:]
        var commands: Set<String>?
        var handsOutChanges: Bool?
        var clients: [Int64: String]?
        var keyspaceEvents: KeyspaceEventSet?

        func put(into survey: inout BackingSurvey) {
            func number(_ name: Substring) -> Int? { info[name].flatMap { Int($0) } }
            survey.memory = number("used_memory")
            survey.memoryLimit = number("maxmemory")
            survey.evictedKeys = number("evicted_keys")
            if let most = number("maxclients"), let now = number("connected_clients") {
                survey.clientsLeft = most - now
            }
            survey.run = info["run_id"].map(String.init)
            survey.commands = commands
            survey.version = info["redis_version"].flatMap { DatedOptions.version($0) }
            survey.handsOutChanges = handsOutChanges
            survey.clients = clients
            survey.keyspaceEvents = keyspaceEvents
        }
    }

    /// What the user may not ask stays unknown.
    private static func facts(_ connection: RedisConnection) throws(BrokerError) -> Facts {
        let questions = ReplicatedCommand("INFO").bytes + ReplicatedCommand("COMMAND").bytes
        let replies = try connection.ask(questions, count: 2)
        var facts = Facts()
        facts.info = Self.facts(in: replies[0].text ?? "")
        if case .array(let commands) = replies[1] {
            var names: Set<String> = []
            for command in commands { Self.name(command, into: &names) }
            facts.commands = names
        }
        if facts.commands?.contains("psync") == false {
            facts.handsOutChanges = false
        } else if let user = try connection.tell("ACL", "WHOAMI"),
            let may = try connection.tell("ACL", "DRYRUN", user, "PSYNC", "?", "-1")
        {
            facts.handsOutChanges = may == "OK"
        }
        facts.clients = try connection.tell("CLIENT", "LIST").map(clients)
        facts.keyspaceEvents = try keyspaceEvents(connection)
        return facts
    }

    /// Which events of keys a server publishes, asked over a connection of its own; nil where it does not tell.
    static func keyspaceEvents(of server: CopyServer) async throws(BrokerError) -> KeyspaceEventSet? {
        try await asked(server) { connection throws(BrokerError) in try keyspaceEvents(connection) }
    }

    private static func keyspaceEvents(_ connection: RedisConnection) throws(BrokerError) -> KeyspaceEventSet? {
        let question = ReplicatedCommand(["CONFIG", "GET", "notify-keyspace-events"].map { Array($0.utf8) }).bytes
        guard case .array(let parts)? = try connection.ask(question, count: 1).first, parts.count == 2 else {
            return nil
        }
        return parts[1].text.map { KeyspaceEventSet($0) }
    }

    /// The limit of a server's memory, and how much it takes; nil where it does not tell.
    static func memory(of server: CopyServer) async throws(BrokerError) -> (bound: MemoryBound?, used: Int?) {
        try await asked(server) { connection throws(BrokerError) in
            let info = facts(in: try connection.tell("INFO", "memory") ?? "")
            let bytes = info["maxmemory"].flatMap { Int($0) }
            let bound = bytes.map { MemoryBound(bytes: $0, policy: String(info["maxmemory_policy"] ?? "noeviction")) }
            return (bound, info["used_memory"].flatMap { Int($0) })
        }
    }

    /// Asks over a connection of its own.
    private static func asked<Value: Sendable>(
        _ server: CopyServer, _ question: @escaping @Sendable (RedisConnection) throws(BrokerError) -> Value
    ) async throws(BrokerError) -> Value {
        let end = RedisEnd(server)
        let result: Result<Value, BrokerError>
        do throws(BrokerError) {
            result = .success(try await end.ask(question))
        } catch {
            result = .failure(error)
        }
        await end.close()
        return try result.get()
    }

    /// The fields of INFO.
    private static func facts(in text: String) -> [Substring: Substring] {
        var facts: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
        return facts
    }

    /// The lines of CLIENT LIST.
    private static func clients(_ text: String) -> [Int64: String] {
        var clients: [Int64: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var fields: [Substring: Substring] = [:]
            for field in line.split(separator: " ") {
                let parts = field.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { fields[parts[0]] = parts[1] }
            }
            guard fields["name"] != Substring(RedisConnection.name), let id = fields["id"].flatMap({ Int64($0) }) else {
                continue
            }
            clients[id] = fields["name"].map { "\($0) at \(fields["addr"] ?? "")" } ?? String(fields["addr"] ?? "")
        }
        return clients
    }

    /// An element of COMMAND's answer: the name first, since Redis 7.0 the subcommands tenth.
    private static func name(_ command: RedisReply, into names: inout Set<String>) {
        guard case .array(let parts) = command, let name = parts.first?.text else { return }
        names.insert(name.lowercased())
        guard parts.count > 9, case .array(let subcommands) = parts[9] else { return }
        for subcommand in subcommands { Self.name(subcommand, into: &names) }
    }

    /// Type and bytes of memory of keys; those that are gone are left out.
    private func weigh(_ keys: [CopyKey]) async throws(BrokerError) -> [(String, Int)] {
        try await ask { connection throws(BrokerError) in
            var weighed: [(String, Int)] = []
            var rest = keys[...]
            while let database = rest.first?.database {
                let some = rest.prefix(Self.asked).prefix { $0.database == database }
                rest = rest.dropFirst(some.count)
                try connection.select(try self.serversNumber(of: database))
                var questions: [UInt8] = []
                for key in some {
                    questions += ReplicatedCommand([Array("TYPE".utf8), key.name]).bytes
                    questions += ReplicatedCommand([Array("MEMORY".utf8), Array("USAGE".utf8), key.name]).bytes
                }
                let replies = try connection.ask(questions, count: some.count * 2)
                for index in some.indices.map({ ($0 - some.startIndex) * 2 }) {
                    guard let type = replies[index].text, type != "none" else { continue }
                    // A server that does not tell sizes still tells types.
                    if case .integer(let bytes) = replies[index + 1] {
                        weighed.append((type, Int(bytes)))
                    } else {
                        weighed.append((type, 0))
                    }
                }
            }
            return weighed
        }
    }

    // MARK: removing

    func removeAll() async throws(BrokerError) {
        let databases = try await counts().keys.sorted()
        try await ask { connection throws(BrokerError) in
            for database in databases {
                try connection.select(try self.serversNumber(of: database))
                _ = try connection.ask("FLUSHDB")
            }
        }
    }

    /// Removes the keys that still have these digests: they are watched, looked at again and removed in a transaction.
    func remove(_ keys: [CopyKey], with digests: [UInt64?]) async throws(BrokerError) -> Int {
        try await ask { connection throws(BrokerError) in
            var removed = 0
            var rest = Array(zip(keys, digests))[...]
            while let database = rest.first?.0.database {
                let some = rest.prefix(Self.asked).prefix { $0.0.database == database }
                rest = rest.dropFirst(some.count)
                try connection.select(try self.serversNumber(of: database))
                let names = some.map(\.0.name)
                let watch = ReplicatedCommand([Array("WATCH".utf8)] + names).bytes
                if case .error(let words)? = try connection.ask(watch, count: 1).first {
                    throw self.server.refusal(of: "WATCH", words)
                }
                let now = try Self.digests(of: some.map(\.0)[...], connection)
                let same = zip(some, now).filter { $0.0.1 != nil && $0.0.1 == $0.1 }.map(\.0.0.name)
                guard !same.isEmpty else {
                    _ = try connection.ask("UNWATCH")
                    continue
                }
                let removal = ReplicatedCommand([Array("DEL".utf8)] + same).bytes
                let transaction = ReplicatedCommand("MULTI").bytes + removal + ReplicatedCommand("EXEC").bytes
                let replies = try connection.ask(transaction, count: 3)
                if case .array(let results) = replies[2], case .integer(let count)? = results.first {
                    removed += Int(count)
                } else if case .error(let words) = replies[1], words.hasPrefix("OOM"),
                    case .integer(let count)? = try connection.ask(removal, count: 1).first
                {
                    // A full server queues nothing, and nobody writes to it.
                    removed += Int(count)
                }
            }
            return removed
        }
    }
}
