import RESPWire

/// What streams tell about themselves.
let streamInfoCommands: [Command] = [
    Command(
        "xinfo", -2, [],
        subcommands: [
            Command("consumers", 4, [.readonly], .second, body: StreamInfo.consumers),
            Command("groups", 3, [.readonly], .second, body: StreamInfo.groups),
            Command("stream", -3, [.readonly], .second, body: StreamInfo.stream),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.streamInfo) }),
        ], body: { _ in })
]

private enum StreamInfo {
    /// The stream of argument 2; nil after an error reply.
    private static func find(_ call: borrowing Call) -> StreamValue? {
        guard let entry = call.find(call[2]) else {
            call.reply.error(ErrorText.noSuchKey)
            return nil
        }
        return call.accepts(entry, .stream) ? call.database.stream(entry) : nil
    }

    static let consumers: CommandBody = { call in
        guard let stream = find(call) else { return }
        guard let place = stream.indexOfGroup(call[3]) else {
            return call.reply.error(ErrorText.noGroup(call[3], ofKey: call[2]))
        }
        let group = stream.group(place)
        call.reply.array(group.consumerCount)
        for index in 0..<group.consumerCount {
            let consumer = group.consumer(group.number(index))
            call.reply.map(3)
            call.reply.bulk("name")
            call.reply.bulk(consumer.name)
            call.reply.bulk("pending")
            call.reply.integer(consumer.pendingCount)
            call.reply.bulk("idle")
            call.reply.integer(max(call.now &- consumer.seenAt, 0))
        }
    }

    static let groups: CommandBody = { call in
        guard let stream = find(call) else { return }
        call.reply.array(stream.groupCount)
        for index in 0..<stream.groupCount {
            let group = stream.group(index)
            call.reply.map(6)
            call.reply.bulk("name")
            call.reply.bulk(group.name)
            call.reply.bulk("consumers")
            call.reply.integer(group.consumerCount)
            call.reply.bulk("pending")
            call.reply.integer(group.pendingCount)
            replyPosition(of: group, in: stream, call)
        }
    }

    private static func replyPosition(of group: StreamGroup, in stream: StreamValue, _ call: borrowing Call) {
        call.reply.bulk("last-delivered-id")
        call.reply.id(group.lastID)
        call.reply.bulk("entries-read")
        if group.entriesRead == StreamGroup.unknown { call.reply.null() } else { call.reply.integer(group.entriesRead) }
        call.reply.bulk("lag")
        if let lag = stream.lag(of: group) { call.reply.integer(lag) } else { call.reply.null() }
    }

    // MARK: XINFO STREAM

    static let stream: CommandBody = { call in
        guard let stream = find(call) else { return }
        var count: Int64 = 10
        if call.count > 3 {
            let hasCount = call.count == 6 && call.isWord(4, "count")
            guard call.isWord(3, "full"), call.count == 4 || hasCount else {
                return call.reply.error(ErrorText.wrongSubcommandArity("xinfo", call[1]))
            }
            if hasCount {
                guard let number = call.integer(5) else { return }
                count = number < 0 ? 10 : number
            }
        }
        let isFull = call.count > 3
        call.reply.map(isFull ? 9 : 10)
        replyCounters(of: stream, call)
        if isFull {
            replyContents(of: stream, most: count == 0 ? .max : Int(count), call)
        } else {
            call.reply.bulk("groups")
            call.reply.integer(stream.groupCount)
            call.reply.bulk("first-entry")
            replyEdge(of: stream, isLast: false, call)
            call.reply.bulk("last-entry")
            replyEdge(of: stream, isLast: true, call)
        }
    }

    private static func replyCounters(of stream: StreamValue, _ call: borrowing Call) {
        call.reply.bulk("length")
        call.reply.integer(stream.length)
        call.reply.bulk("radix-tree-keys")
        call.reply.integer(stream.nodeCount)
        call.reply.bulk("radix-tree-nodes")
        call.reply.integer(stream.radixNodeCount)
        call.reply.bulk("last-generated-id")
        call.reply.id(stream.lastID)
        call.reply.bulk("max-deleted-entry-id")
        call.reply.id(stream.maxDeletedID)
        call.reply.bulk("entries-added")
        call.reply.integer(stream.entriesAdded)
        call.reply.bulk("recorded-first-entry-id")
        call.reply.id(stream.firstID)
    }

    private static func replyEdge(of stream: StreamValue, isLast: Bool, _ call: borrowing Call) {
        var isThere = false
        stream.visit(reversed: isLast) { node, item in
            call.reply.entry(item, of: node)
            isThere = true
            return false
        }
        if !isThere { call.reply.null() }
    }

    private static func replyContents(of stream: StreamValue, most: Int, _ call: borrowing Call) {
        call.reply.bulk("entries")
        call.reply.entries(of: stream, from: .zero, to: .largest, most: most)
        call.reply.bulk("groups")
        call.reply.array(stream.groupCount)
        for index in 0..<stream.groupCount {
            let group = stream.group(index)
            call.reply.map(7)
            call.reply.bulk("name")
            call.reply.bulk(group.name)
            replyPosition(of: group, in: stream, call)
            call.reply.bulk("pel-count")
            call.reply.integer(group.pendingCount)
            call.reply.bulk("pending")
            var left = min(most, group.pendingCount)
            call.reply.array(left)
            group.visitPending { id, pending in
                guard left > 0 else { return false }
                left -= 1
                call.reply.array(4)
                call.reply.id(id)
                call.reply.bulk(group.consumer(pending.consumer).name)
                call.reply.integer(pending.deliveredAt)
                call.reply.integer(pending.deliveries)
                return true
            }
            call.reply.bulk("consumers")
            call.reply.array(group.consumerCount)
            for index in 0..<group.consumerCount {
                reply(group.consumer(group.number(index)), of: group, most: most, call)
            }
        }
    }

    private static func reply(_ consumer: StreamConsumer, of group: StreamGroup, most: Int, _ call: borrowing Call) {
        call.reply.map(4)
        call.reply.bulk("name")
        call.reply.bulk(consumer.name)
        call.reply.bulk("seen-time")
        call.reply.integer(consumer.seenAt)
        call.reply.bulk("pel-count")
        call.reply.integer(consumer.pendingCount)
        call.reply.bulk("pending")
        var left = min(most, consumer.pendingCount)
        call.reply.array(left)
        consumer.pending.visit { item in
            guard left > 0, let pending = group.findPending(item.id) else { return false }
            left -= 1
            call.reply.array(3)
            call.reply.id(item.id)
            call.reply.integer(pending.deliveredAt)
            call.reply.integer(pending.deliveries)
            return true
        }
    }
}
