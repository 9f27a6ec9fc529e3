import RESPWire

/// Taking elements from lists and sorted sets that may yet have to come: as their namesakes without a B while one of the
/// keys is there, else the client waits (`Call+Waiting.swift`). They are told as those namesakes.
let blockingCommands: [Command] = [
    Command("blpop", -3, [.write, .noscript, .blocking], .allButLast, body: { Blocking.pop($0, .left) }),
    Command("brpop", -3, [.write, .noscript, .blocking], .allButLast, body: { Blocking.pop($0, .right) }),
    Command("blmpop", -5, [.write, .blocking, .movableKeys], .counted(at: 2), body: Blocking.popMany),
    Command("blmove", 6, [.write, .denyOOM, .noscript, .blocking], .firstTwo, body: Blocking.move),
    Command(
        "brpoplpush", 4, [.write, .denyOOM, .noscript, .blocking], .firstTwo,
        body: { Blocking.move($0, "rpoplpush", 3) }),
    Command(
        "bzpopmin", -3, [.write, .noscript, .fast, .blocking], .allButLast, body: { Blocking.popMember($0, .lowest) }),
    Command(
        "bzpopmax", -3, [.write, .noscript, .fast, .blocking], .allButLast, body: { Blocking.popMember($0, .highest) }),
    Command("bzmpop", -5, [.write, .blocking, .movableKeys], .counted(at: 2), body: Blocking.popMembers),
]

private enum Blocking {
    /// Acts on the first of some keys that is there; else the client waits for all of them, or is answered as if the time
    /// were over.
    static func act(
        _ call: borrowing Call, on keys: Range<Int>, _ type: ValueType, _ milliseconds: Int64,
        _ serve: @escaping ServeBody
    ) {
        for index in keys {
            let hash = call.database.hash(call[index])
            guard let entry = call.database.find(call[index], hash) else { continue }
            guard call.accepts(entry, type) else { return }
            _ = serve(call, AwaitedKey(name: call[index], hash: hash, entry: entry))
            return
        }
        guard call.mayWait else { return call.reply.nullArray() }
        call.wait(for: keys, type, milliseconds: milliseconds, serve: serve)
    }

    // MARK: lists

    static func pop(_ call: borrowing Call, _ end: ListEnd) {
        guard let time = call.waitTime(seconds: call.count - 1) else { return }
        act(call, on: 1..<call.count - 1, .list, time) { call, key in
            guard let entry = key.entry else { return false }
            call.reply.array(2)
            call.reply.bulk(key.name)
            ListMoves.popOne(entry, key.name, key.hash, end, call)
            call.tell([end == .left ? "LPOP" : "RPOP", .bytes(key.name)])
            call.tellExpiry(of: key.name)
            return true
        }
    }

    static let popMany: CommandBody = { call in
        guard let keys = call.countedKeys(2) else { return }
        guard keys.upperBound < call.count, let end = ListEnd(call[keys.upperBound]) else {
            return call.reply.error(ErrorText.syntax)
        }
        guard let most = call.popCount(keys.upperBound + 1), let time = call.waitTime(seconds: 1) else { return }

        act(call, on: keys, .list, time) { call, key in
            guard let entry = key.entry else { return false }
            ListMoves.popNamed(most, entry, key.name, key.hash, end, call)
            return true
        }
    }

    static let move: CommandBody = { call in
        guard ListEnd(call[3]) != nil, ListEnd(call[4]) != nil else { return call.reply.error(ErrorText.syntax) }
        move(call, "lmove", 5)
    }

    /// The arguments begin with the `count` ones of the command `name`, which does the same without waiting.
    static func move(_ call: borrowing Call, _ name: StaticString, _ count: Int) {
        guard let time = call.waitTime(seconds: call.count - 1) else { return }
        if call.database.find(call[1], call.hash) == nil, !call.mayWait { return call.reply.null() }
        act(call, on: 1..<2, .list, time) { call, key in
            call.run(as: name, count, key.hash)
            return true
        }
    }

    // MARK: sorted sets

    static func popMember(_ call: borrowing Call, _ end: SortedSets.End) {
        guard let time = call.waitTime(seconds: call.count - 1) else { return }
        act(call, on: 1..<call.count - 1, .sortedSet, time) { call, key in
            guard let entry = key.entry else { return false }
            call.reply.array(3)
            call.reply.bulk(key.name)
            SortedSets.pop(1, entry, key.name, key.hash, end, isNested: false, call)
            call.tell([end == .lowest ? "ZPOPMIN" : "ZPOPMAX", .bytes(key.name)])
            call.tellExpiry(of: key.name)
            return true
        }
    }

    static let popMembers: CommandBody = { call in
        guard let keys = call.countedKeys(2) else { return }
        guard keys.upperBound < call.count, let end = SortedSets.End(call[keys.upperBound]) else {
            return call.reply.error(ErrorText.syntax)
        }
        guard let most = call.popCount(keys.upperBound + 1), let time = call.waitTime(seconds: 1) else { return }

        act(call, on: keys, .sortedSet, time) { call, key in
            guard let entry = key.entry else { return false }
            SortedSets.popNamed(most, entry, key.name, key.hash, end, call)
            return true
        }
    }
}

extension Call {
    /// Runs another command on the first arguments of this one; it replies and tells its effect.
    fileprivate func run(as name: StaticString, _ count: Int, _ hash: UInt64) {
        guard let index = emulator.table.index(of: Bytes(name)) else { return }
        withUnsafeTemporaryAllocation(of: Bytes.self, capacity: count) { slots in
            let words = slots.baseAddress.unsafelyUnwrapped
            words.initialize(to: Bytes(name))
            for place in 1..<count { (words + place).initialize(to: arguments[place]) }
            emulator.perform(emulator.table.row(index), words, count, hash, client)
        }
        tellNothing()
    }
}
