import RESPWire

/// Consumer groups: made and removed, what their consumers acknowledge and what they have still to.
let streamGroupCommands: [Command] = [
    Command(
        "xgroup", -2, [],
        subcommands: [
            Command("create", -5, [.write, .denyOOM], .second, body: StreamGroups.create),
            Command("setid", -5, [.write, .needsKeys], .second, body: StreamGroups.setID),
            Command("destroy", 4, [.write, .needsKeys], .second, body: StreamGroups.destroy),
            Command("createconsumer", 5, [.write, .denyOOM, .needsKeys], .second, body: StreamGroups.createConsumer),
            Command("delconsumer", 5, [.write, .needsKeys], .second, body: StreamGroups.deleteConsumer),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.streamGroup) }),
        ], body: { _ in }),
    Command("xack", -4, [.write, .fast], .first, body: StreamGroups.acknowledge),
    Command("xpending", -3, [.readonly], .first, body: StreamGroups.pending),
]

extension Call {
    /// The place of a group in a stream, or nil after an error that says which is missing, key or group.
    func streamGroup(key: Int, group: Int, of entry: Entry?) -> Int? {
        guard accepts(entry, .stream) else { return nil }
        guard let entry, let place = database.stream(entry).indexOfGroup(arguments[group]) else {
            reply.error(ErrorText.noGroup(arguments[key], arguments[group]))
            return nil
        }
        return place
    }
}

private enum StreamGroups {
    // MARK: groups

    /// What may stand behind XGROUP CREATE and SETID.
    private struct Options {
        var makesStream = false
        var entriesRead = StreamGroup.unknown

        /// Nil after an error reply.
        init?(_ call: borrowing Call, isCreating: Bool) {
            var index = 5
            while index < call.count {
                if isCreating, call.isWord(index, "mkstream") {
                    makesStream = true
                    index += 1
                } else if call.isWord(index, "entriesread"), index + 1 < call.count {
                    guard let number = call.integer(index + 1) else { return nil }
                    guard number >= StreamGroup.unknown else {
                        call.reply.error(ErrorText.entriesReadNegative)
                        return nil
                    }
                    entriesRead = number
                    index += 2
                } else {
                    call.reply.error(ErrorText.wrongSubcommandArity("xgroup", call[1]))
                    return nil
                }
            }
        }
    }

    static let create: CommandBody = { call in
        guard let options = Options(call, isCreating: true) else { return }
        let (database, hash) = (call.database, call.database.hash(call[2]))
        let found = database.find(call[2], hash)
        guard call.accepts(found, .stream) else { return }
        guard found != nil || options.makesStream else { return call.reply.error(ErrorText.groupNeedsKey) }
        guard call.count <= 8 else {
            return call.reply.error(ErrorText.wrongSubcommandArity("xgroup", call[1]))
        }
        guard let id = lastID(call, found) else { return }
        if let found, database.stream(found).indexOfGroup(call[3]) != nil {
            return call.reply.error(ErrorText.busyGroup)
        }

        var owner = found ?? database.make(.stream, call[2], hash)
        let stream = database.ownedStream(&owner, hash)
        let group = StreamGroup.make(
            call[3], lastID: id, entriesRead: options.entriesRead, in: database.memory)
        stream.insert(group, in: database.memory)
        if found == nil { call.changed(call[2]) } else { call.changedUnseen() }
        call.tell([
            "XGROUP", "CREATE", .bytes(call[2]), .bytes(call[3]), .array(id.array), "MKSTREAM", "ENTRIESREAD",
            .number(options.entriesRead),
        ])
        call.tellExpiry(of: call[2])
        call.reply.ok()
        call.notify(.stream, "xgroup-create", call[2])
    }

    /// Argument 4 as an id, `$` for the last one; nil after an error reply.
    private static func lastID(_ call: borrowing Call, _ entry: Entry?, allowsEnds: Bool = false) -> StreamID? {
        if call[4] == Bytes("$") { return entry.map { call.database.stream($0).lastID } ?? .zero }
        guard let text = StreamID.Text(call[4], allowsEnds: allowsEnds) else {
            call.reply.error(ErrorText.streamID)
            return nil
        }
        return text.id
    }

    /// The entry of argument 2 and the place of the group that argument 3 names; nil after an error reply.
    private static func find(_ call: borrowing Call) -> (entry: Entry, hash: UInt64, place: Int)? {
        let hash = call.database.hash(call[2])
        let entry = call.database.find(call[2], hash)
        guard call.accepts(entry, .stream) else { return nil }
        guard let entry else {
            call.reply.error(ErrorText.groupNeedsKey)
            return nil
        }
        guard let place = call.database.stream(entry).indexOfGroup(call[3]) else {
            call.reply.error(ErrorText.noGroup(call[3], ofKey: call[2]))
            return nil
        }
        return (entry, hash, place)
    }

    private static func owned(_ found: (entry: Entry, hash: UInt64, place: Int), _ call: borrowing Call) -> StreamGroup
    {
        var owner = found.entry
        return call.database.ownedStream(&owner, found.hash).ownedGroup(found.place, in: call.database.memory)
    }

    static let setID: CommandBody = { call in
        guard let options = Options(call, isCreating: false), let found = find(call) else { return }
        guard call.count == 5 || call.count == 7 else {
            return call.reply.error(ErrorText.wrongSubcommandArity("xgroup", call[1]))
        }
        guard let id = lastID(call, found.entry, allowsEnds: true) else { return }

        let group = owned(found, call)
        group.lastID = id
        group.entriesRead = options.entriesRead
        call.changedUnseen()
        if !found.entry.isNearItsEnd(now: call.now) {
            call.tell([
                "XGROUP", "SETID", .bytes(call[2]), .bytes(call[3]), .array(id.array), "ENTRIESREAD",
                .number(options.entriesRead),
            ])
        }
        call.reply.ok()
        call.notify(.stream, "xgroup-setid", call[2])
    }

    static let destroy: CommandBody = { call in
        let hash = call.database.hash(call[2])
        let entry = call.database.find(call[2], hash)
        guard call.accepts(entry, .stream) else { return }
        guard var owner = entry else { return call.reply.error(ErrorText.groupNeedsKey) }
        guard let place = call.database.stream(owner).indexOfGroup(call[3]) else { return call.reply.integer(0) }

        call.database.ownedStream(&owner, hash).removeGroup(place, in: call.database.memory)
        call.changedUnseen()
        call.reply.integer(1)
        call.notify(.stream, "xgroup-destroy", call[2])
        call.signal(call[2], .stream)
    }

    // MARK: consumers

    static let createConsumer: CommandBody = { call in
        guard let found = find(call) else { return }
        let group = call.database.stream(found.entry).group(found.place)
        guard group.findConsumer(call[4]) == nil else { return call.reply.integer(0) }

        _ = owned(found, call).makeConsumer(call[4], seenAt: call.now, in: call.database.memory)
        call.changedUnseen()
        call.notify(.stream, "xgroup-createconsumer", call[2])
        call.reply.integer(1)
    }

    static let deleteConsumer: CommandBody = { call in
        guard let found = find(call) else { return }
        let group = call.database.stream(found.entry).group(found.place)
        guard let number = group.findConsumer(call[4]) else { return call.reply.integer(0) }

        let pending = group.consumer(number).pendingCount
        owned(found, call).removeConsumer(number, in: call.database.memory)
        call.changedUnseen()
        call.notify(.stream, "xgroup-delconsumer", call[2])
        call.reply.integer(pending)
    }

    // MARK: pending entries

    static let acknowledge: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .stream) else { return }
        guard var owner = entry, let place = call.database.stream(owner).indexOfGroup(call[2]) else {
            return call.reply.integer(0)
        }
        guard let ids = call.streamIDs(3..<call.count) else { return }

        let memory = call.database.memory
        let group = call.database.ownedStream(&owner, call.hash).ownedGroup(place, in: memory)
        var acknowledged = 0
        for id in ids where group.removePending(id, in: memory) { acknowledged += 1 }
        if acknowledged > 0 {
            call.changedUnseen()
            call.counts(acknowledged)
        }
        call.reply.integer(acknowledged)
    }

    static let pending: CommandBody = { call in
        guard call.count == 3 || (6...9).contains(call.count) else { return call.reply.error(ErrorText.syntax) }
        if call.count == 3 {
            guard let place = call.streamGroup(key: 1, group: 2, of: call.findFirst()),
                let entry = call.database.find(call[1], call.hash)
            else { return }
            return replySummary(call.database.stream(entry).group(place), call)
        }
        var first = 3
        var idle: Int64 = 0
        if call.isWord(3, "idle") {
            guard let number = call.integer(4) else { return }
            guard call.count >= 8 else { return call.reply.error(ErrorText.syntax) }
            idle = number
            first = 5
        }
        guard let count = call.integer(first + 2),
            let interval = StreamInterval(call, from: first, to: first + 1),
            let place = call.streamGroup(key: 1, group: 2, of: call.findFirst()),
            let entry = call.database.find(call[1], call.hash)
        else { return }

        let group = call.database.stream(entry).group(place)
        var consumer: Int?
        if first + 3 < call.count {
            consumer = group.findConsumer(call[first + 3])
            guard consumer != nil else { return call.reply.array(0) }
        }
        let found = pending(
            group, consumer, interval, idle: idle, most: Int(max(count, 0)), now: call.now)
        call.reply.array(found.count)
        for (id, pending) in found {
            call.reply.array(4)
            call.reply.id(id)
            call.reply.bulk(group.consumer(pending.consumer).name)
            call.reply.integer(max(call.now &- pending.deliveredAt, 0))
            call.reply.integer(pending.deliveries)
        }
    }

    /// The pending entries of a group or of one of its consumers in a range, `most` at the most.
    private static func pending(
        _ group: StreamGroup, _ consumer: Int?, _ interval: StreamInterval, idle: Int64, most: Int, now: Int64
    ) -> [(StreamID, StreamGroup.Pending)] {
        var found: [(StreamID, StreamGroup.Pending)] = []
        func take(_ id: StreamID, _ pending: StreamGroup.Pending) -> Bool {
            guard id <= interval.last else { return false }
            if idle == 0 || now &- pending.deliveredAt >= idle { found.append((id, pending)) }
            return found.count < most
        }
        guard most > 0 else { return [] }
        if let consumer {
            group.consumer(consumer).pending.visit(from: interval.first) { item in
                group.findPending(item.id).map { take(item.id, $0) } ?? false
            }
        } else {
            group.visitPending(from: interval.first, while: take)
        }
        return found
    }

    private static func replySummary(_ group: StreamGroup, _ call: borrowing Call) {
        call.reply.array(4)
        call.reply.integer(group.pendingCount)
        guard let first = group.pending.first, let last = group.pending.last else {
            call.reply.null()
            call.reply.null()
            return call.reply.nullArray()
        }
        call.reply.id(first.id)
        call.reply.id(last.id)
        let consumers = (0..<group.consumerCount).map { group.consumer(group.number($0)) }
            .filter { $0.pendingCount > 0 }
        call.reply.array(consumers.count)
        for consumer in consumers {
            call.reply.array(2)
            call.reply.bulk(consumer.name)
            call.reply.bulkInteger(Int64(consumer.pendingCount))
        }
    }
}
