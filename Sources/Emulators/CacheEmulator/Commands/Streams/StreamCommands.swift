import RESPWire

/// Streams: entries in the order of their ids, added behind the last and looked up by ranges. Waiting readers are in
/// `StreamReadCommands.swift`, consumer groups in `StreamGroupCommands.swift` and `StreamClaimCommands.swift`.
let streamCommands: [Command] = [
    Command("xadd", -5, [.write, .denyOOM, .fast], .first, body: Streams.add),
    Command("xlen", 2, [.readonly, .fast], .first, body: Streams.length),
    Command("xrange", -4, [.readonly], .first, body: { Streams.range($0, reversed: false) }),
    Command("xrevrange", -4, [.readonly], .first, body: { Streams.range($0, reversed: true) }),
    Command("xdel", -3, [.write, .fast], .first, body: Streams.delete),
    Command("xtrim", -4, [.write], .first, body: Streams.trim),
    Command("xsetid", -3, [.write, .denyOOM, .fast, .needsKeys], .first, body: Streams.setID),
]

private enum Streams {
    /// Names and values of one entry may take so much.
    private static let largestEntry = 1 << 30

    // MARK: writing

    static let add: CommandBody = { call in
        guard let options = StreamTrim(call, isAdding: true) else { return }
        let first = options.next + 1
        guard call.count - first >= 2, (call.count - first) % 2 == 0 else {
            return call.reply.error(ErrorText.wrongArity("xadd"))
        }
        if let given = options.id, given.hasSequence, given.id == .zero {
            return call.reply.error(ErrorText.streamIDZero)
        }
        let database = call.database
        let entry = database.find(call[1], call.hash)
        if let entry, entry.type != .stream { return call.reply.error(ErrorText.wrongType) }
        if entry == nil, options.onlyIfPresent { return call.reply.null() }
        let last = entry.map { database.stream($0).lastID } ?? .zero
        guard last != .largest else { return call.reply.error(ErrorText.streamExhausted) }
        guard let id = newID(options.id, behind: last, call.now) else {
            // Redis says so of a millisecond without a number left: it takes a leftover of the system for its reason.
            let isFull = options.id.map { !$0.hasSequence && $0.id.milliseconds == last.milliseconds } ?? false
            return call.reply.error(isFull ? ErrorText.streamEntryTooLarge : ErrorText.streamIDNotAbove)
        }
        guard (first..<call.count).reduce(0, { $0 + call[$1].count }) <= largestEntry else {
            return call.reply.error(ErrorText.streamEntryTooLarge)
        }

        var owner = entry ?? database.make(.stream, call[1], call.hash)
        let stream = database.ownedStream(&owner, call.hash)
        let fields = (call.count - first) / 2
        stream.append(id, call.arguments + first, fields: fields, in: database.memory)
        let trimmed = options.trim(stream, in: database.memory)
        call.reply.id(id)
        call.changed(call[1], .stream, "xadd")
        if trimmed > 0 { call.notify(.stream, "xtrim", call[1]) }
        call.signal(call[1], .stream)
        if call.isHeard { tellAdded(id, options, trimmed: trimmed, length: stream.length, from: first, call) }
    }

    /// The id of a new entry: as it is given, or drawn; nil where it would not be above the last.
    private static func newID(_ given: StreamID.Text?, behind last: StreamID, _ now: Int64) -> StreamID? {
        guard let given else {
            let time = UInt64(clamping: now)
            return time > last.milliseconds ? StreamID(time, 0) : last.next
        }
        if given.hasSequence { return given.id > last ? given.id : nil }
        if given.id.milliseconds == last.milliseconds {
            return last.sequence < .max ? StreamID(last.milliseconds, last.sequence + 1) : nil
        }
        return given.id > last ? given.id : nil
    }

    /// With the id that was drawn, and as many entries as are left: nodes may end elsewhere where it arrives.
    private static func tellAdded(
        _ id: StreamID, _ options: StreamTrim, trimmed: Int, length: Int, from first: Int, _ call: borrowing Call
    ) {
        var words: [CommandWord] = ["XADD", .bytes(call[1])]
        if trimmed > 0 { words += ["MAXLEN", "=", .number(Int64(length))] }
        words.append(.array(id.array))
        for index in first..<call.count { words.append(.bytes(call[index])) }
        call.tell(words)
        call.tellExpiry(of: call[1])
    }

    static let delete: CommandBody = { call in
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .stream else { return call.reply.error(ErrorText.wrongType) }
        guard let ids = call.streamIDs(2..<call.count) else { return }

        var owner = entry
        let stream = call.database.ownedStream(&owner, call.hash)
        var deleted = 0
        var isFirst = false
        for id in ids where stream.remove(id, in: call.database.memory) {
            if id == stream.firstID { isFirst = true }
            if id > stream.maxDeletedID { stream.maxDeletedID = id }
            deleted += 1
        }
        if deleted > 0 {
            if isFirst || stream.length == 0 { stream.updateFirstID() }
            call.changed(call[1], .stream, "xdel")
            call.counts(deleted)
        }
        call.reply.integer(deleted)
    }

    static let trim: CommandBody = { call in
        guard let options = StreamTrim(call, isAdding: false) else { return }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .stream else { return call.reply.error(ErrorText.wrongType) }

        var owner = entry
        let stream = call.database.ownedStream(&owner, call.hash)
        let trimmed = options.trim(stream, in: call.database.memory)
        if trimmed > 0 {
            call.changed(call[1], .stream, "xtrim")
            call.counts(trimmed)
            call.tell(["XTRIM", .bytes(call[1]), "MAXLEN", "=", .number(Int64(stream.length))])
            call.tellExpiry(of: call[1])
        }
        call.reply.integer(trimmed)
    }

    static let setID: CommandBody = { call in
        guard let id = call.streamID(2) else { return }
        var added: Int64?
        var maxDeleted = StreamID.zero
        var index = 3
        while index < call.count {
            let hasMore = index + 1 < call.count
            if call.isWord(index, "entriesadded"), hasMore {
                guard let number = call.integer(index + 1) else { return }
                guard number >= 0 else { return call.reply.error(ErrorText.entriesAddedNegative) }
                added = number
            } else if call.isWord(index, "maxdeletedid"), hasMore {
                guard let given = call.streamID(index + 1) else { return }
                guard id >= given else { return call.reply.error(ErrorText.lastIDBelowGivenDeleted) }
                maxDeleted = given
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 2
        }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.error(ErrorText.noSuchKey) }
        guard entry.type == .stream else { return call.reply.error(ErrorText.wrongType) }
        let found = call.database.stream(entry)
        if let top = found.edge(true) {
            guard id >= top else { return call.reply.error(ErrorText.lastIDBelowTop) }
            if let added, added < Int64(found.length) { return call.reply.error(ErrorText.entriesAddedTooSmall) }
        }

        var owner = entry
        let stream = call.database.ownedStream(&owner, call.hash)
        stream.lastID = id
        if let added { stream.entriesAdded = added }
        if maxDeleted != .zero { stream.maxDeletedID = maxDeleted }
        call.changedUnseen()
        call.reply.ok()
        call.notify(.stream, "xsetid", call[1])
    }

    // MARK: reading

    static let length: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard entry.type == .stream else { return call.reply.error(ErrorText.wrongType) }
        call.reply.integer(call.database.stream(entry).length)
    }

    static func range(_ call: borrowing Call, reversed: Bool) {
        guard let interval = StreamInterval(call, from: reversed ? 3 : 2, to: reversed ? 2 : 3) else { return }
        var most: Int64?
        var index = 4
        while index < call.count {
            guard call.isWord(index, "count"), index + 1 < call.count else { return call.reply.error(ErrorText.syntax) }
            guard let number = call.integer(index + 1) else { return }
            // As in Redis, where -1 is what stands for no limit, and what is below 0 is made 0.
            most = max(number, 0)
            index += 2
        }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard entry.type == .stream else { return call.reply.error(ErrorText.wrongType) }
        if most == 0 { return call.reply.nullArray() }

        let limit = most.map { Int($0) } ?? .max
        call.reply.entries(
            of: call.database.stream(entry), from: interval.first, to: interval.last, most: limit, reversed: reversed)
    }
}
