import EventLoop
import RESPWire

/// Replicas: what they ask before they are some, and what clients ask about them.
///
/// Whoever has authenticated may be a replica: all of a resource's data is its attachments' anyhow.
let replicationCommands: [Command] = [
    Command("psync", -3, [.admin, .noscript, .noAsyncLoading, .noMulti], body: Replicas.synchronise),
    Command("sync", 1, [.admin, .noscript, .noAsyncLoading, .noMulti], body: Replicas.synchronise),
    Command("replconf", -1, [.admin, .noscript, .loading, .stale, .allowBusy], body: Replicas.configure),
    Command("replicaof", 3, [.admin, .noscript, .stale, .noAsyncLoading], body: Replicas.follow),
    Command("slaveof", 3, [.admin, .noscript, .stale, .noAsyncLoading], body: Replicas.follow),
    Command("wait", 3, [.noscript], body: Replicas.wait),
    Command("role", 1, [.noscript, .loading, .stale, .fast], body: Replicas.role),
]

private enum Replicas {
    private static let longestAddress = 255

    /// PSYNC, or SYNC, of a client that is no replica yet.
    static let synchronise: CommandBody = { call in
        let isSilent = call.count == 1
        let client = call.client
        guard client.replica == nil else { return }
        if call.count > 3, call.isWord(3, "failover") { return call.reply.error(ErrorText.failoverOfMaster) }
        guard client.connection.output.count == 0 else { return call.reply.error(ErrorText.pendingOutput) }
        let setup = client.replicaSetup ?? ReplicaSetup()
        let replication = call.emulator.replication
        client.replies = .on
        if !isSilent {
            guard let place = call.integer(2) else { return }
            // What is asked for is the first byte that is missing.
            let (last, isTooSmall) = place.subtractingReportingOverflow(1)
            if !isTooSmall, replication.addPartial(client, setup, id: call[1].array, from: last) { return }
        }
        replication.addFull(client, setup, isSilent: isSilent)
    }

    /// REPLCONF. As in Redis an option that is right takes effect, also when a later one is wrong.
    static let configure: CommandBody = { call in
        guard call.count % 2 == 1 else { return call.reply.error(ErrorText.syntax) }
        var setup = call.client.replicaSetup ?? ReplicaSetup()
        defer { call.client.replicaSetup = setup }
        for index in stride(from: 1, to: call.count, by: 2) {
            let value = call[index + 1]
            if call.isWord(index, "listening-port") {
                guard let port = call.integer(index + 1) else { return }
                setup.port = Int(Int32(truncatingIfNeeded: port))
            } else if call.isWord(index, "ip-address") {
                guard value.count <= longestAddress else { return call.reply.error(ErrorText.longAddress(value.count)) }
                setup.address = value.array
            } else if call.isWord(index, "capa") {
                if value.isWord("eof") { setup.knowsMarks = true }
                if value.isWord("psync2") { setup.knowsHistories = true }
            } else if call.isWord(index, "ack") {
                guard let replica = call.client.replica, let offset = value.integer else { return }
                return call.emulator.replication.acknowledged(replica, offset)
            } else if call.isWord(index, "getack") {
                return
            } else if call.isWord(index, "rdb-only") {
                guard let wish = call.integer(index + 1) else { return }
                guard wish == 0 || wish == 1 else { return call.reply.error(ErrorText.notZeroOrOne) }
                setup.isSnapshotOnly = wish == 1
            } else if call.isWord(index, "rdb-filter-only") {
                guard let words = words(of: value) else { return call.reply.error(ErrorText.noFilters) }
                setup.wantsKeys = false
                setup.wantsFunctions = false
                for word in words {
                    guard word.withBytes({ $0.isWord("functions") }) else {
                        return call.reply.error(ErrorText.unknownFilter(word))
                    }
                    setup.wantsFunctions = true
                }
            } else {
                return call.reply.error(ErrorText.unknownReplicaOption(call[index]))
            }
        }
        call.reply.ok()
    }

    /// Words between spaces, or in quotes; nil where a quote does not end.
    static func words(of text: Bytes) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var quote: UInt8?
        for byte in text.raw {
            if let open = quote {
                if byte == open { quote = nil } else { word?.append(byte) }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
                word = word ?? []
            } else if byte == 32 || (9...13).contains(byte) {
                if let ended = word { words.append(ended) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        if let ended = word { words.append(ended) }
        return quote == nil ? words : nil
    }

    /// REPLICAOF: nobody's replica is what this server always is.
    static let follow: CommandBody = { call in
        if call.isWord(1, "no"), call.isWord(2, "one") { return call.reply.ok() }
        guard let port = call[2].integer, (0...65_535).contains(port) else {
            return call.reply.error(ErrorText.invalidMasterPort)
        }
        call.reply.error(ErrorText.noMaster)
    }

    static let wait: CommandBody = { call in
        guard let wanted = call.integer(1) else { return }
        guard let timeout = call[2].integer else {
            return call.reply.error("ERR timeout is not an integer or out of range")
        }
        guard timeout >= 0 else { return call.reply.error("ERR timeout is negative") }
        let replication = call.emulator.replication
        let count = replication.count(at: call.client.writeOffset)
        guard Int64(count) < wanted, call.client.mayWait, !call.client.isExecuting else {
            return call.reply.integer(count)
        }
        replication.wait(call, for: wanted, milliseconds: timeout)
    }

    static let role: CommandBody = { call in
        let replication = call.emulator.replication
        let online = replication.replicas.filter(\.isOnline)
        call.reply.array(3)
        call.reply.bulk("master")
        call.reply.integer(replication.offset)
        call.reply.array(online.count)
        for replica in online {
            call.reply.array(3)
            call.reply.bulk(replica.address)
            call.reply.bulk("\(replica.setup.port)")
            call.reply.bulk("\(replica.acknowledged)")
        }
    }
}
