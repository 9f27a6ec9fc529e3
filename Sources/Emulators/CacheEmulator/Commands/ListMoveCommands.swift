import RESPWire

/// Taking elements from the ends of lists, and moving them from one list to another.
let listMoveCommands: [Command] = [
    Command("lpop", -2, [.write, .fast], .first, body: { ListMoves.pop($0, .left, "lpop") }),
    Command("rpop", -2, [.write, .fast], .first, body: { ListMoves.pop($0, .right, "rpop") }),
    Command("lmpop", -4, [.write, .movableKeys], .counted(at: 1), body: ListMoves.popFromFirst),
    Command("lmove", 5, [.write, .denyOOM, .needsKeys], .firstTwo, body: ListMoves.move),
    Command(
        "rpoplpush", 3, [.write, .denyOOM, .needsKeys], .firstTwo,
        body: { ListMoves.move($0, from: .right, to: .left) }),
]

enum ListMoves {
    @inline(__always)
    static func pop(_ call: borrowing Call, _ end: ListEnd, _ name: String) {
        guard call.count <= 3 else { return call.reply.error(ErrorText.wrongArity(name)) }
        if call.count == 3 { return popMany(call, end) }
        let database = call.database
        guard let entry = database.find(call[1], call.hash) else { return call.reply.null() }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        popOne(entry, call[1], call.hash, end, call)
    }

    /// Replies and takes out one element.
    @inline(__always)
    static func popOne(_ entry: Entry, _ key: Bytes, _ hash: UInt64, _ end: ListEnd, _ call: borrowing Call) {
        let database = call.database
        var entry = entry
        let list = database.ownedList(&entry, hash)
        removeOne(of: list, at: end, in: database.memory) { call.reply.bulk($0) }
        call.changed(key, .list, end.popped)
        if list.count == 0 {
            database.remove(entry, hash)
            call.notifyRemoval(of: key)
        }
    }

    static func popMany(_ call: borrowing Call, _ end: ListEnd) {
        guard let count = call.integer(2, atLeast: 0, ErrorText.notPositive) else { return }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.nullArray() }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
        guard count > 0 else { return call.reply.array(0) }

        popMany(count, entry, call[1], call.hash, end, call)
    }

    /// Replies and takes out as many elements as there are, `most` at the most.
    static func popMany(
        _ most: Int64, _ entry: Entry, _ key: Bytes, _ hash: UInt64, _ end: ListEnd, _ call: borrowing Call
    ) {
        let database = call.database
        var entry = entry
        let list = database.ownedList(&entry, hash)
        let count = Int(min(most, Int64(list.count)))
        let first = end == .left ? 0 : list.count - count
        call.reply.array(count)
        list.forEach(from: first, to: first + count, reversed: end == .right) { call.reply.bulk($0) }
        let isWhole = count == list.count
        if isWhole {
            database.remove(entry, hash)
        } else {
            list.remove(count, from: first, in: database.memory)
        }
        call.changed(key, .list, end.popped)
        call.counts(count)
        if isWhole { call.notifyRemoval(of: key) }
    }

    static let popFromFirst: CommandBody = { call in
        guard let keys = call.countedKeys(1) else { return }
        guard keys.upperBound < call.count, let end = ListEnd(call[keys.upperBound]) else {
            return call.reply.error(ErrorText.syntax)
        }
        guard let most = call.popCount(keys.upperBound + 1) else { return }

        for index in keys {
            let hash = call.database.hash(call[index])
            guard let entry = call.database.find(call[index], hash) else { continue }
            guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
            return popNamed(most, entry, call[index], hash, end, call)
        }

        call.reply.nullArray()
    }

    /// Replies the key and as many elements as there are, `most` at the most, and takes these out.
    static func popNamed(
        _ most: Int64, _ entry: Entry, _ key: Bytes, _ hash: UInt64, _ end: ListEnd, _ call: borrowing Call
    ) {
        call.reply.array(2)
        call.reply.bulk(key)
        popMany(most, entry, key, hash, end, call)
        // Of this list, whichever is the first with elements elsewhere.
        call.tell([end == .left ? "LPOP" : "RPOP", .bytes(key), .number(most)])
        call.tellExpiry(of: key)
    }

    static let move: CommandBody = { call in
        guard let from = ListEnd(call[3]), let to = ListEnd(call[4]) else { return call.reply.error(ErrorText.syntax) }
        move(call, from: from, to: to)
    }

    static func move(_ call: borrowing Call, from: ListEnd, to: ListEnd) {
        let database = call.database
        let memory = database.memory
        guard var entry = database.find(call[1], call.hash) else { return call.reply.null() }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
        let hash = database.hash(call[2])
        let found = database.find(call[2], hash)
        if let found, found.type != .list { return call.reply.error(ErrorText.wrongType) }

        let source = database.ownedList(&entry, call.hash)
        if call[1] == call[2] {
            call.changed(call[1], .list, to.pushed)
            rotate(source, from: from, to: to, call)
            return call.notify(.list, from.popped, call[1])
        }
        var target = found ?? database.make(.list, call[2], hash)
        let list = database.ownedList(&target, hash)
        // The bytes stay where they are in the source's chunk until the other list has them.
        removeOne(of: source, at: from, in: memory) { bytes in
            add(bytes, to: list, at: to, in: memory)
            // A message about it goes before the reply, as in Redis, and that of the source behind it.
            call.changed(call[2], .list, to.pushed)
            call.reply.bulk(bytes)
        }
        call.changed(call[1], .list, from.popped)
        call.counts(1, insteadOf: 2)
        if source.count == 0 {
            database.remove(entry, call.hash)
            call.notifyRemoval(of: call[1])
        }
    }

    /// Moves an element within one list: its bytes lie in chunks that move, so they are copied first.
    private static func rotate(_ list: ListValue, from: ListEnd, to: ListEnd, _ call: borrowing Call) {
        let memory = call.database.memory
        let bytes = list.element(at: list.position(of: from == .left ? 0 : list.count - 1))
        call.reply.bulk(bytes)
        if from == to { return }
        withUnsafeTemporaryAllocation(byteCount: max(bytes.count, 1), alignment: 1) { copy in
            let start = copy.baseAddress.unsafelyUnwrapped
            start.copyMemory(from: bytes.start, byteCount: bytes.count)
            let moved = Bytes(raw: start, bytes.count)
            removeOne(of: list, at: from, in: memory) { _ in }
            add(moved, to: list, at: to, in: memory)
        }
    }

    @inline(__always)
    private static func removeOne(of list: ListValue, at end: ListEnd, in memory: Memory, _ body: (Bytes) -> Void) {
        switch end {
        case .left: list.removeFirst(in: memory, body)
        case .right: list.removeLast(in: memory, body)
        }
    }

    private static func add(_ bytes: Bytes, to list: ListValue, at end: ListEnd, in memory: Memory) {
        switch end {
        case .left: list.prepend(bytes, in: memory)
        case .right: list.append(bytes, in: memory)
        }
    }
}
