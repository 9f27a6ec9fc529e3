import RESPWire

/// Sets: members without an order. What combines several sets is in `SetAlgebraCommands.swift`.
let setCommands: [Command] = [
    Command("sadd", -3, [.write, .denyOOM, .fast], .first, body: Sets.add),
    Command("srem", -3, [.write, .fast], .first, body: Sets.remove),
    Command("smembers", 2, [.readonly], .first, body: Sets.members),
    Command("sismember", 3, [.readonly, .fast], .first, body: Sets.contains),
    Command("smismember", -3, [.readonly, .fast], .first, body: Sets.containsMany),
    Command("scard", 2, [.readonly, .fast], .first, body: Sets.count),
    Command("smove", 4, [.write, .fast, .needsKeys], .firstTwo, body: Sets.move),
    Command("spop", -2, [.write, .fast], .first, body: RandomMembers.pop),
    Command("srandmember", -2, [.readonly], .first, body: RandomMembers.draw),
    Command("sscan", -3, [.readonly], .first, body: Sets.scan),
]

private enum Sets {
    static let add: CommandBody = { call in
        let entry = call.database.find(call[1], call.hash)
        guard call.accepts(entry, .set) else { return }

        let set = call.database.ownedSet(entry ?? call.database.make(.set, call[1], call.hash), call.hash)
        var added = 0
        for index in 2..<call.count where set.insert(call[index]) { added += 1 }
        if added > 0 {
            call.changed(call[1], .set, "sadd")
            call.counts(added)
        }

        call.reply.integer(added)
    }

    static let remove: CommandBody = { call in
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard call.accepts(entry, .set) else { return }

        let set = call.database.ownedSet(entry, call.hash)
        var removed = 0
        for index in 2..<call.count where set.remove(call[index]) {
            removed += 1
            if set.count == 0 { break }
        }
        if removed > 0 {
            call.changed(call[1], .set, "srem")
            call.counts(removed)
        }
        if set.count == 0 {
            call.database.remove(set.entry, call.hash)
            call.notifyRemoval(of: call[1])
        }

        call.reply.integer(removed)
    }

    static let members: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.set(0) }
        guard call.accepts(entry, .set) else { return }

        let set = call.database.set(entry)

        let reply = call.reply
        reply.set(set.count)
        set.forEach { reply.bulk($0) }
    }

    static let contains: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.flag(false) }
        guard call.accepts(entry, .set) else { return }

        call.reply.flag(call.database.set(entry).contains(call[2]))
    }

    static let containsMany: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .set) else { return }

        let set = entry.map { call.database.set($0) }

        call.reply.array(call.count - 2)
        for index in 2..<call.count { call.reply.flag(set?.contains(call[index]) ?? false) }
    }

    static let count: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard call.accepts(entry, .set) else { return }

        call.reply.integer(call.database.set(entry).count)
    }

    static let move: CommandBody = { call in
        let database = call.database
        guard let source = database.find(call[1], call.hash) else { return call.reply.flag(false) }
        let targetHash = database.hash(call[2])
        let target = database.find(call[2], targetHash)
        guard call.accepts(source, .set), call.accepts(target, .set) else { return }
        if call[1] == call[2] { return call.reply.flag(database.set(source).contains(call[3])) }

        let set = database.ownedSet(source, call.hash)
        guard set.remove(call[3]) else { return call.reply.flag(false) }
        call.changed(call[1], .set, "srem")
        if set.count == 0 {
            database.remove(set.entry, call.hash)
            call.notifyRemoval(of: call[1])
        }
        let receiver = database.ownedSet(target ?? database.make(.set, call[2], targetHash), targetHash)
        let isNew = receiver.insert(call[3])
        if isNew { call.changed(call[2], .set, "sadd") }

        call.reply.flag(true)
    }

    static let scan: CommandBody = { call in
        guard let cursor = ScanOptions.cursor(call[2], call) else { return call.reply.error(ErrorText.invalidCursor) }
        guard let entry = call.findFirst() else { return ScanOptions.replyEmpty(call) }
        guard call.accepts(entry, .set) else { return }
        guard let options = ScanOptions(call, from: 3) else { return }

        // A set of integers has its members' digits nowhere in memory: they are copied.
        var found: [[UInt8]] = []
        let next = call.database.set(entry).scan(from: cursor, wanted: options.count) { member in
            if options.accepts(member) { found.append(member.array) }
        }

        call.reply.array(2)
        options.replyCursor(next, call)
        call.reply.array(found.count)
        for member in found { member.withBytes { call.reply.bulk($0) } }
    }
}

/// SPOP and SRANDMEMBER.
private enum RandomMembers {
    static let pop: CommandBody = { call in
        guard call.count <= 3 else { return call.reply.error(ErrorText.syntax) }
        guard call.count == 3 else { return popOne(call) }
        guard let number = call.integer(2, atLeast: 0, ErrorText.notPositive) else { return }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.set(0) }
        guard call.accepts(entry, .set) else { return }
        guard number > 0 else { return call.reply.set(0) }

        let database = call.database
        let reply = call.reply
        let set = database.ownedSet(entry, call.hash)
        call.counts(Int(min(number, Int64(set.count))))
        // Before the reply, as in Redis.
        call.notify(.set, "spop", call[1])
        if number >= Int64(set.count) {
            reply.set(set.count)
            set.forEach { reply.bulk($0) }
            database.remove(set.entry, call.hash)
            call.tell(["DEL", .bytes(call[1])])
            call.notifyRemoval(of: call[1])
        } else {
            var taken: [CommandWord] = []
            reply.set(Int(number))
            for _ in 0..<number { take(from: set, call, &taken) }
            tell(taken, call)
        }
        call.changed(call[1])
    }

    private static func popOne(_ call: borrowing Call) {
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.null() }
        guard call.accepts(entry, .set) else { return }

        let set = call.database.ownedSet(entry, call.hash)
        var taken: [CommandWord] = []
        call.notify(.set, "spop", call[1])
        take(from: set, call, &taken)
        if set.count == 0 {
            call.database.remove(set.entry, call.hash)
            call.notifyRemoval(of: call[1])
        }
        tell(taken, call)
        call.changed(call[1])
    }

    /// These were drawn.
    private static func tell(_ taken: [CommandWord], _ call: borrowing Call) {
        call.tell(["SREM", .bytes(call[1])] + taken)
        call.tellExpiry(of: call[1])
    }

    /// Replies a member drawn at random and takes it out; `taken` has it where somebody listens.
    private static func take(from set: SetValue, _ call: borrowing Call, _ taken: inout [CommandWord]) {
        let reply = call.reply
        let emulator = call.emulator
        let isHeard = call.isHeard
        set.random(using: &emulator.random) { member in
            reply.bulk(member)
            if isHeard { taken.append(.array(member.array)) }
            _ = set.remove(member)
        }
    }

    static let draw: CommandBody = { call in
        guard call.count <= 3 else { return call.reply.error(ErrorText.syntax) }
        guard call.count == 3 else { return drawOne(call) }
        guard let number = call.integer(2) else { return }
        guard number >= -Int64.max else { return call.reply.error(ErrorText.outsideSymmetricRange) }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard call.accepts(entry, .set) else { return }
        guard number >= -SelectionSampling.mostDraws else { return call.reply.error(ErrorText.outOfRange) }

        let set = call.database.set(entry)
        let emulator = call.emulator
        let reply = call.reply
        if number < 0 {
            reply.array(Int(-number))
            for _ in 0..<(-number) where !call.hasOverflowed { set.random(using: &emulator.random) { reply.bulk($0) } }
        } else {
            let wanted = Int(min(number, Int64(set.count)))
            reply.array(wanted)
            sample(wanted, of: set, emulator) { reply.bulk($0) }
        }
    }

    private static func drawOne(_ call: borrowing Call) {
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard call.accepts(entry, .set) else { return }

        let reply = call.reply
        let emulator = call.emulator
        call.database.set(entry).random(using: &emulator.random) { reply.bulk($0) }
    }

    /// Calls `body` with `wanted` different members.
    private static func sample(_ wanted: Int, of set: SetValue, _ emulator: CacheEmulator, _ body: (Bytes) -> Void) {
        if set.hasIntegers || SelectionSampling.isBetterThanDrawing(wanted, of: set.count) {
            var sampling = SelectionSampling(wanted, of: set.count)
            return set.forEach { if sampling.takesNext(using: &emulator.random) { body($0) } }
        }
        var drawn: Set<UnsafePointer<UInt8>> = []
        while drawn.count < wanted {
            set.random(using: &emulator.random) { member in
                if drawn.insert(member.start).inserted { body(member) }
            }
        }
    }
}
