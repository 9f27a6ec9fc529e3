import RESPWire

/// Hands entries of one stream to a consumer of a group, for XREADGROUP.
struct StreamDelivery {
    private let read: StreamRead
    private let key: Bytes
    private let database: Database
    private let reply: ReplyWriter
    private let emulator: CacheEmulator
    private let groupName: Bytes
    private let consumerName: Bytes
    private let stream: StreamValue
    private let group: StreamGroup
    private let consumer: Int
    private let isNewConsumer: Bool

    /// The group is there; the consumer is made where it is not.
    init(_ read: StreamRead, _ call: borrowing Call, _ key: Bytes, _ hash: UInt64, _ entry: Entry) {
        self.read = read
        self.key = key
        database = call.database
        reply = call.reply
        emulator = call.emulator
        let place = read.group ?? 0
        groupName = call[place]
        consumerName = call[place + 1]
        var owner = entry
        stream = database.ownedStream(&owner, hash)
        group = stream.ownedGroup(stream.indexOfGroup(groupName) ?? 0, in: database.memory)
        if let found = group.findConsumer(consumerName) {
            consumer = found
            group.ownedConsumer(found, in: database.memory).seenAt = database.now
            isNewConsumer = false
        } else {
            consumer = group.makeConsumer(consumerName, seenAt: database.now, in: database.memory)
            isNewConsumer = true
            call.notify(.stream, "xgroup-createconsumer", key)
            call.counts(2)
        }
        call.changedUnseen()
    }

    /// Replies with new entries, or with what is pending behind an id.
    func run(_ id: StreamID?) {
        if let id { replyHistory(id) } else { replyNew() }
    }

    private func replyNew() {
        let first = group.lastID.next ?? .zero
        var left = stream.count(from: first, to: .largest, most: read.most)
        var told: [StreamID] = []
        reply.array(left)
        guard left > 0 else { return tell([], deliveries: 1, withGroup: false) }
        stream.visit(from: first) { node, item in
            stream.noteDelivery(of: item.id, to: group)
            reply.entry(item, of: node)
            if !read.needsNoAcknowledgement {
                group.setPending(
                    item.id,
                    StreamGroup.Pending(deliveredAt: database.now, deliveries: 1, consumer: consumer),
                    in: database.memory)
                if emulator.effects != nil { told.append(item.id) }
            }
            left -= 1
            return left > 0
        }
        tell(told, deliveries: 1, withGroup: true)
    }

    private func replyHistory(_ id: StreamID) {
        var ids: [StreamID] = []
        let most = read.most
        if let first = id.next {
            group.consumer(consumer).pending.visit(from: first) { item in
                ids.append(item.id)
                return ids.count < most
            }
        }
        tell([], deliveries: 0, withGroup: false)
        reply.array(ids.count)
        for id in ids {
            var isThere = false
            stream.visit(from: id, to: id) { node, item in
                reply.entry(item, of: node)
                isThere = true
                return false
            }
            guard isThere, var pending = group.findPending(id) else {
                reply.array(2)
                reply.id(id)
                reply.nullArray()
                continue
            }
            pending.deliveredAt = database.now
            pending.deliveries &+= 1
            group.setPending(id, pending, in: database.memory)
            tell([id], deliveries: pending.deliveries, withGroup: false)
        }
    }

    // MARK: effects

    /// How many ids one effect names at most.
    private static let idsPerEffect = 100

    /// What was delivered is told as claims; then how far the group is.
    private func tell(_ ids: [StreamID], deliveries: Int64, withGroup: Bool) {
        guard let effects = emulator.effects, isNewConsumer || withGroup || !ids.isEmpty else { return }
        if let entry = database.find(key, database.hash(key)), entry.isNearItsEnd(now: database.now) {
            return effects.emitValue(of: key, in: database, by: emulator.payloadMaker)
        }
        if isNewConsumer, ids.isEmpty {
            effects.emit(
                in: database.number,
                ["XGROUP", "CREATECONSUMER", .bytes(key), .bytes(groupName), .bytes(consumerName)])
        }
        for first in stride(from: 0, to: ids.count, by: Self.idsPerEffect) {
            var words: [CommandWord] = ["XCLAIM", .bytes(key), .bytes(groupName), .bytes(consumerName), "0"]
            for id in ids[first..<min(first + Self.idsPerEffect, ids.count)] { words.append(.array(id.array)) }
            words += [
                "TIME", .number(database.now), "RETRYCOUNT", .number(deliveries), "FORCE", "JUSTID", "LASTID",
                .array(group.lastID.array),
            ]
            effects.emit(in: database.number, words)
        }
        guard withGroup else { return }
        effects.emit(
            in: database.number,
            [
                "XGROUP", "SETID", .bytes(key), .bytes(groupName), .array(group.lastID.array), "ENTRIESREAD",
                .number(group.entriesRead),
            ])
    }
}
