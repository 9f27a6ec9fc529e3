import RESPWire

/// What takes pending entries from one consumer of a group for another.
let streamClaimCommands: [Command] = [
    Command("xclaim", -6, [.write, .fast], .first, body: StreamClaims.claim),
    Command("xautoclaim", -6, [.write, .fast], .first, body: StreamClaims.claimIdle),
]

/// One consumer that takes entries over, and what of it is told.
private struct Claimant {
    let key: Bytes
    let groupName: Bytes
    let name: Bytes
    let stream: StreamValue
    let group: StreamGroup
    /// The consumer is made, or noted as seen, when it gets the first entry.
    private var number: Int?
    /// The key may be over where its effects arrive: then its value is told at the end.
    private let isByValue: Bool

    /// Of a group that is there.
    init(_ call: borrowing Call, _ entry: Entry, _ place: Int) {
        let database = call.database
        key = call[1]
        groupName = call[2]
        name = call[3]
        isByValue = entry.isNearItsEnd(now: call.now)
        call.tellNothing()
        var owner = entry
        stream = database.ownedStream(&owner, call.hash)
        group = stream.ownedGroup(place, in: database.memory)
    }

    private mutating func consumer(_ call: borrowing Call) -> Int {
        if let number { return number }
        let memory = call.database.memory
        let found = group.findConsumer(name)
        let made = found ?? group.makeConsumer(name, seenAt: call.now, in: memory)
        if found == nil {
            call.notify(.stream, "xgroup-createconsumer", key)
            call.counts(1, insteadOf: 0)
        }
        group.ownedConsumer(made, in: memory).seenAt = call.now
        number = made
        return made
    }

    /// Takes an entry out of the pending ones that is no longer in the stream.
    func drop(_ id: StreamID, _ call: borrowing Call) {
        group.removePending(id, in: call.database.memory)
        call.changedUnseen()
        if !isByValue { call.tell(["XACK", .bytes(key), .bytes(groupName), .array(id.array)]) }
    }

    /// Takes an entry over, as delivered at a time for the so manieth time.
    mutating func take(_ id: StreamID, at time: Int64, deliveries: Int64, _ call: borrowing Call) {
        let pending = StreamGroup.Pending(deliveredAt: time, deliveries: deliveries, consumer: consumer(call))
        group.setPending(id, pending, in: call.database.memory)
        call.changedUnseen()
        guard !isByValue else { return }
        call.tell([
            "XCLAIM", .bytes(key), .bytes(groupName), .bytes(name), "0", .array(id.array), "TIME",
            .number(pending.deliveredAt), "RETRYCOUNT", .number(pending.deliveries), "FORCE", "JUSTID", "LASTID",
            .array(group.lastID.array),
        ])
    }

    func tellLastID(_ call: borrowing Call) {
        guard !isByValue else { return }
        call.tell([
            "XGROUP", "SETID", .bytes(key), .bytes(groupName), .array(group.lastID.array), "ENTRIESREAD",
            .number(group.entriesRead),
        ])
    }

    func end(_ call: borrowing Call) {
        if isByValue { call.tellValue(of: key) }
    }

    func reply(_ id: StreamID, onlyID: Bool, _ call: borrowing Call) {
        if onlyID { return call.reply.id(id) }
        stream.visit(from: id, to: id) { node, item in
            call.reply.entry(item, of: node)
            return false
        }
    }
}

private enum StreamClaims {
    /// What follows the ids of XCLAIM.
    private struct Options {
        var deliveredAt: Int64
        var deliveries: Int64 = -1
        var makesPending = false
        var onlyIDs = false
        var lastID = StreamID.zero

        /// Nil after an error reply.
        init?(_ call: borrowing Call, from first: Int) {
            let now = call.now
            var time: Int64 = -1
            var index = first
            while index < call.count {
                let hasMore = index + 1 < call.count
                if call.isWord(index, "force") {
                    makesPending = true
                } else if call.isWord(index, "justid") {
                    onlyIDs = true
                } else if call.isWord(index, "idle"), hasMore {
                    guard let idle = call.integer(index + 1, atLeast: .min, ErrorText.claimIdleOption) else {
                        return nil
                    }
                    time = now &- idle
                    index += 1
                } else if call.isWord(index, "time"), hasMore {
                    guard let given = call.integer(index + 1, atLeast: .min, ErrorText.claimTime) else { return nil }
                    time = given
                    index += 1
                } else if call.isWord(index, "retrycount"), hasMore {
                    guard let count = call.integer(index + 1, atLeast: .min, ErrorText.claimRetries) else { return nil }
                    deliveries = count
                    index += 1
                } else if call.isWord(index, "lastid"), hasMore {
                    guard let id = call.streamID(index + 1) else { return nil }
                    lastID = id
                    index += 1
                } else {
                    call.reply.error(
                        Array("ERR Unrecognized XCLAIM option '".utf8) + call[index].text(upTo: call[index].count)
                            + Array("'".utf8))
                    return nil
                }
                index += 1
            }
            // What is no time in the past is now; -1 is as good as none.
            deliveredAt = time < 0 || time > now ? now : time
        }
    }

    static let claim: CommandBody = { call in
        guard let place = call.streamGroup(key: 1, group: 2, of: call.findFirst()),
            let entry = call.database.find(call[1], call.hash),
            let idle = call.integer(4, atLeast: .min, ErrorText.claimIdle)
        else { return }
        var ids: [StreamID] = []
        while 5 + ids.count < call.count, let text = StreamID.Text(call[5 + ids.count]) { ids.append(text.id) }
        guard let options = Options(call, from: 5 + ids.count) else { return }

        var claimant = Claimant(call, entry, place)
        let group = claimant.group
        let raisesLast = options.lastID > group.lastID
        if raisesLast { group.lastID = options.lastID }
        var claimed: [StreamID] = []
        for id in ids {
            let old = group.findPending(id)
            guard claimant.stream.contains(id) else {
                if old != nil { claimant.drop(id, call) }
                continue
            }
            guard old != nil || options.makesPending else { continue }
            if let old, idle > 0, call.now &- old.deliveredAt < idle { continue }
            var deliveries = old?.deliveries ?? 1
            if options.deliveries >= 0 {
                deliveries = options.deliveries
            } else if !options.onlyIDs {
                deliveries &+= 1
            }
            claimant.take(id, at: options.deliveredAt, deliveries: deliveries, call)
            claimed.append(id)
        }
        if raisesLast { claimant.tellLastID(call) }
        claimant.end(call)

        call.reply.array(claimed.count)
        for id in claimed { claimant.reply(id, onlyID: options.onlyIDs, call) }
    }

    /// How many entries XAUTOCLAIM looks at for each that it may claim.
    private static let attempts: Int64 = 10
    private static let largestCount = Int64.max / 16
    /// Redis makes room for so many ids of 16 bytes at once, where a machine has it: no process has addresses for these.
    private static let transientCount: Int64 = 1 << 43

    static let claimIdle: CommandBody = { call in
        let found = call.findFirst()
        guard let idle = call.integer(4, atLeast: .min, ErrorText.autoclaimIdle),
            let start = StreamInterval.first(call, 5)
        else { return }
        var count: Int64 = 100
        var onlyIDs = false
        var index = 6
        while index < call.count {
            if call.isWord(index, "count"), index + 1 < call.count {
                guard let number = call.integer(index + 1, atLeast: 1, ErrorText.autoclaimCount),
                    number <= largestCount
                else {
                    if (call[index + 1].integer ?? 0) > largestCount { call.reply.error(ErrorText.autoclaimCount) }
                    return
                }
                count = number
                index += 1
            } else if call.isWord(index, "justid") {
                onlyIDs = true
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 1
        }
        guard let place = call.streamGroup(key: 1, group: 2, of: found),
            let entry = call.database.find(call[1], call.hash)
        else { return }

        guard count < transientCount else {
            return call.reply.error("ERR Insufficient memory, failed allocating transient memory, COUNT too high.")
        }
        var claimant = Claimant(call, entry, place)
        var attempts = count &* attempts
        var claimed: [StreamID] = []
        var gone: [StreamID] = []
        var next: StreamID? = start
        while attempts > 0, count > 0, let from = next, let found = claimant.group.firstPending(from: from) {
            attempts -= 1
            next = found.id.next
            guard claimant.stream.contains(found.id) else {
                claimant.drop(found.id, call)
                gone.append(found.id)
                count -= 1
                continue
            }
            if idle > 0, call.now &- found.entry.deliveredAt < idle { continue }
            claimant.take(found.id, at: call.now, deliveries: found.entry.deliveries &+ (onlyIDs ? 0 : 1), call)
            claimed.append(found.id)
            count -= 1
        }
        claimant.end(call)

        call.reply.array(3)
        call.reply.id(next.flatMap { claimant.group.firstPending(from: $0)?.id } ?? .zero)
        call.reply.array(claimed.count)
        for id in claimed { claimant.reply(id, onlyID: onlyIDs, call) }
        call.reply.array(gone.count)
        for id in gone { call.reply.id(id) }
    }
}
