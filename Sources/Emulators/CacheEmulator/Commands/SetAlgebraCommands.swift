import RESPWire

/// Intersections, unions and differences of sets; a key that is not here is an empty set.
let setAlgebraCommands: [Command] = [
    Command("sinter", -2, [.readonly], .all, body: { SetAlgebra.reply($0, .intersection) }),
    Command("sinterstore", -3, [.write, .denyOOM, .needsKeys], .all, body: { SetAlgebra.store($0, .intersection) }),
    Command("sintercard", -3, [.readonly, .movableKeys], .counted(at: 1), body: SetAlgebra.countIntersection),
    Command("sunion", -2, [.readonly], .all, body: { SetAlgebra.reply($0, .union) }),
    Command("sunionstore", -3, [.write, .denyOOM, .needsKeys], .all, body: { SetAlgebra.store($0, .union) }),
    Command("sdiff", -2, [.readonly], .all, body: { SetAlgebra.reply($0, .difference) }),
    Command("sdiffstore", -3, [.write, .denyOOM, .needsKeys], .all, body: { SetAlgebra.store($0, .difference) }),
]

private enum SetAlgebra {
    enum Operation {
        case intersection
        case union
        case difference

        /// The event of a result that is stored.
        var stored: StaticString {
            switch self {
            case .intersection: "sinterstore"
            case .union: "sunionstore"
            case .difference: "sdiffstore"
            }
        }
    }

    /// The sets of some keys, nil for keys that are not here; nil after an error reply for another type.
    static func sets(_ call: borrowing Call, _ keys: Range<Int>) -> [SetValue?]? {
        var sets: [SetValue?] = []
        for index in keys {
            let entry = call.find(call[index])
            guard call.accepts(entry, .set) else { return nil }
            sets.append(entry.map { call.database.set($0) })
        }
        return sets
    }

    static func reply(_ call: borrowing Call, _ operation: Operation) {
        guard let sets = sets(call, 1..<call.count) else { return }

        let result = call.database.makeDetached(.set, Bytes(""))
        let set = call.database.set(result)
        forEach(of: sets, operation) { _ = set.insert($0) }

        let reply = call.reply
        reply.set(set.count)
        set.forEach { reply.bulk($0) }
        call.database.discard(result)
    }

    static func store(_ call: borrowing Call, _ operation: Operation) {
        guard let sets = sets(call, 2..<call.count) else { return }

        let result = call.database.makeDetached(.set, call[1])
        let set = call.database.set(result)
        if operation == .difference, isBetterByRemoving(sets) {
            sets.first??.forEach { _ = set.insert($0) }
            for other in sets.dropFirst() { other?.forEach { _ = set.remove($0) } }
        } else {
            forEach(of: sets, operation) { _ = set.insert($0) }
        }
        let count = set.count
        guard count > 0 else {
            call.database.discard(result)
            call.reply.integer(0)
            guard let old = call.database.find(call[1], call.hash) else { return }
            call.database.remove(old, call.hash)
            return call.changed(call[1], .generic, "del")
        }
        call.database.put(result, call.hash)
        call.reply.integer(count)
        call.changed(call[1], .set, operation.stored)
    }

    static let countIntersection: CommandBody = { call in
        guard let keys = call.countedKeys(1) else { return }
        guard keys.upperBound <= call.count else {
            return call.reply.error("ERR Number of keys can't be greater than number of args")
        }
        var limit: Int64 = 0
        for index in stride(from: keys.upperBound, to: call.count, by: 2) {
            guard call.isWord(index, "limit"), index + 1 < call.count else {
                return call.reply.error(ErrorText.syntax)
            }
            guard let number = call.integer(index + 1, atLeast: 0, ErrorText.negativeLimit) else { return }
            limit = number
        }
        guard let sets = sets(call, keys) else { return }

        let most = limit > 0 ? Int(min(limit, Int64(Int.max))) : Int.max
        var count = 0
        forEachCommon(of: sets) { _ in
            count += 1
            return count < most
        }

        call.reply.integer(count)
    }

    /// Whether a difference is made by removing from a copy of the first set rather than by looking into the others for each
    /// of its members. Redis chooses so too, and it can be seen: the copy keeps the form that members needed which are gone.
    private static func isBetterByRemoving(_ sets: [SetValue?]) -> Bool {
        let present = sets.compactMap { $0 }
        guard let first = sets.first ?? nil else { return false }
        return first.count * present.count / 2 > present.reduce(0) { $0 + $1.count }
    }

    /// Calls `body` with every member of the result; with those of a union that several sets have, several times.
    static func forEach(of sets: [SetValue?], _ operation: Operation, _ body: (Bytes) -> Void) {
        switch operation {
        case .intersection:
            forEachCommon(of: sets) {
                body($0)
                return true
            }
        case .union:
            for set in sets { set?.forEach(body) }
        case .difference:
            let others = sets.dropFirst().compactMap { $0 }
            sets.first??.forEach { member in
                if !others.contains(where: { $0.contains(member) }) { body(member) }
            }
        }
    }

    /// Calls `body` with the members that all sets have until it returns false.
    static func forEachCommon(of sets: [SetValue?], while body: (Bytes) -> Bool) {
        let present = sets.compactMap { $0 }.sorted { $0.count < $1.count }
        guard present.count == sets.count, let smallest = present.first else { return }
        let others = present.dropFirst()
        smallest.visit { member in
            others.allSatisfy { $0.contains(member) } ? body(member) : true
        }
    }
}
