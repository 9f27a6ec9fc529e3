import RESPWire

/// Lists: elements in an order that pushing and inserting make, found by place or by value. What takes elements away
/// from an end is in `ListMoveCommands.swift`.
let listCommands: [Command] = [
    Command("lpush", -3, [.write, .denyOOM, .fast], .first, body: { Lists.push($0, .left, onlyIfPresent: false) }),
    Command("rpush", -3, [.write, .denyOOM, .fast], .first, body: { Lists.push($0, .right, onlyIfPresent: false) }),
    Command("lpushx", -3, [.write, .denyOOM, .fast], .first, body: { Lists.push($0, .left, onlyIfPresent: true) }),
    Command("rpushx", -3, [.write, .denyOOM, .fast], .first, body: { Lists.push($0, .right, onlyIfPresent: true) }),
    Command("llen", 2, [.readonly, .fast], .first, body: Lists.length),
    Command("lrange", 4, [.readonly], .first, body: Lists.range),
    Command("lindex", 3, [.readonly], .first, body: Lists.element),
    Command("lpos", -3, [.readonly], .first, body: Lists.positions),
    Command("lset", 4, [.write, .denyOOM, .needsKeys], .first, body: Lists.set),
    Command("linsert", 5, [.write, .denyOOM], .first, body: Lists.insert),
    Command("lrem", 4, [.write], .first, body: Lists.remove),
    Command("ltrim", 4, [.write], .first, body: Lists.trim),
]

/// An end of a list.
enum ListEnd {
    case left
    case right

    /// As an argument names it; nil for any other word.
    init?(_ word: Bytes) {
        if word.isWord("left") {
            self = .left
        } else if word.isWord("right") {
            self = .right
        } else {
            return nil
        }
    }

    /// The events of a push and of a pop at this end.
    var pushed: StaticString { self == .left ? "lpush" : "rpush" }
    var popped: StaticString { self == .left ? "lpop" : "rpop" }
}

private enum Lists {
    // MARK: adding

    @inline(__always)
    static func push(_ call: borrowing Call, _ end: ListEnd, onlyIfPresent: Bool) {
        let database = call.database
        let found = database.find(call[1], call.hash)
        if let found, found.type != .list { return call.reply.error(ErrorText.wrongType) }
        if found == nil, onlyIfPresent { return call.reply.integer(0) }

        var entry = found ?? database.make(.list, call[1], call.hash)
        let list = database.ownedList(&entry, call.hash)
        for index in 2..<call.count {
            switch end {
            case .left: list.prepend(call[index], in: database.memory)
            case .right: list.append(call[index], in: database.memory)
            }
        }
        call.counts(call.count - 2)
        // A message about it goes behind the reply, as in Redis.
        call.reply.integer(list.count)
        call.changed(call[1], .list, end.pushed)
    }

    static let insert: CommandBody = { call in
        let isBehind = call.isWord(2, "after")
        guard isBehind || call.isWord(2, "before") else { return call.reply.error(ErrorText.syntax) }
        let database = call.database
        guard var entry = database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        guard let place = database.list(entry).firstPosition(of: call[3]) else { return call.reply.integer(-1) }
        let list = database.ownedList(&entry, call.hash)
        list.insert(call[4], at: place, behind: isBehind, in: database.memory)
        call.changed(call[1], .list, "linsert")

        call.reply.integer(list.count)
    }

    static let set: CommandBody = { call in
        let database = call.database
        guard var entry = database.find(call[1], call.hash) else { return call.reply.error(ErrorText.noSuchKey) }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
        guard let number = call.integer(2) else { return }
        guard let index = place(number, in: database.list(entry)) else {
            return call.reply.error(ErrorText.indexOutOfRange)
        }

        let list = database.ownedList(&entry, call.hash)
        list.replace(at: list.position(of: index), with: call[3], in: database.memory)
        call.reply.ok()
        call.changed(call[1], .list, "lset")
    }

    // MARK: reading

    static let length: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
        call.reply.integer(call.database.list(entry).count)
    }

    static let range: CommandBody = { call in
        guard let first = call.integer(2), let last = call.integer(3) else { return }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        let list = call.database.list(entry)
        let range = Ranks.range(first, last, count: list.count)
        call.reply.array(range.count)
        list.forEach(from: range.lowerBound, to: range.upperBound) { call.reply.bulk($0) }
    }

    static let element: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }
        guard let number = call.integer(2) else { return }

        let list = call.database.list(entry)
        guard let index = place(number, in: list) else { return call.reply.null() }
        call.reply.bulk(list.element(at: list.position(of: index)))
    }

    /// What LPOS is asked for.
    private struct Search {
        /// Which match is the first that counts: 1 for the very first, from behind when negative.
        var rank: Int64 = 1
        /// How many matches are wanted, 0 for all; nil for one that is not in an array.
        var count: Int64?
        /// How many elements are looked at, 0 for all.
        var longest: Int64 = 0

        /// Nil after an error reply.
        init?(_ call: borrowing Call) {
            var index = 3
            while index < call.count {
                let hasNext = index + 1 < call.count
                if hasNext, call.isWord(index, "rank") {
                    guard let number = call.integer(index + 1) else { return nil }
                    guard number != 0 else {
                        call.reply.error(ErrorText.rankZero)
                        return nil
                    }
                    rank = number
                } else if hasNext, call.isWord(index, "count") {
                    guard let number = call.integer(index + 1, atLeast: 0, ErrorText.negativeCount) else { return nil }
                    count = number
                } else if hasNext, call.isWord(index, "maxlen") {
                    guard let number = call.integer(index + 1, atLeast: 0, ErrorText.negativeLength) else { return nil }
                    longest = number
                } else {
                    call.reply.error(ErrorText.syntax)
                    return nil
                }
                index += 2
            }
        }
    }

    static let positions: CommandBody = { call in
        guard let search = Search(call) else { return }
        guard let entry = call.findFirst() else {
            return search.count == nil ? call.reply.null() : call.reply.array(0)
        }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        let list = call.database.list(entry)
        let count = list.count
        let isReversed = search.rank < 0
        // The smallest rank has no positive counterpart: it wraps, as in Redis, and every match counts.
        let rank = isReversed ? 0 &- search.rank : search.rank
        let most = search.longest == 0 ? count : Int(min(search.longest, Int64(count)))
        var found: [Int] = []
        var matches: Int64 = 0
        var step = 0
        list.visit(from: isReversed ? count - most : 0, to: isReversed ? count : most, reversed: isReversed) {
            defer { step += 1 }
            guard $0 == call[2] else { return true }
            matches += 1
            guard matches >= rank else { return true }
            found.append(isReversed ? count - 1 - step : step)
            guard let wanted = search.count else { return false }
            return wanted == 0 || matches &- rank &+ 1 < wanted
        }

        if search.count != nil {
            call.reply.array(found.count)
            for place in found { call.reply.integer(place) }
        } else if let place = found.first {
            call.reply.integer(place)
        } else {
            call.reply.null()
        }
    }

    // MARK: removing

    static let remove: CommandBody = { call in
        guard let number = call.integer(2) else { return }
        let database = call.database
        guard var entry = database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        let list = database.ownedList(&entry, call.hash)
        let most = number == 0 ? Int.max : Int(clamping: number.magnitude)
        let removed = list.removeAll(equalTo: call[3], most: most, reversed: number < 0, in: database.memory)
        if removed > 0 {
            call.changed(call[1], .list, "lrem")
            if list.count == 0 {
                database.remove(entry, call.hash)
                call.notifyRemoval(of: call[1])
            }
        }

        call.reply.integer(removed)
    }

    static let trim: CommandBody = { call in
        guard let first = call.integer(2), let last = call.integer(3) else { return }
        let database = call.database
        guard var entry = database.find(call[1], call.hash) else { return call.reply.ok() }
        guard entry.type == .list else { return call.reply.error(ErrorText.wrongType) }

        let count = database.list(entry).count
        let kept = Ranks.range(first, last, count: count)
        if kept.isEmpty {
            database.remove(entry, call.hash)
        } else if kept.count < count {
            let list = database.ownedList(&entry, call.hash)
            list.remove(count - kept.upperBound, from: kept.upperBound, in: database.memory)
            list.remove(kept.lowerBound, from: 0, in: database.memory)
        } else {
            call.tellNothing()
        }
        call.changed(call[1], .list, "ltrim")
        call.counts(count - kept.count)
        if kept.isEmpty { call.notifyRemoval(of: call[1]) }

        call.reply.ok()
    }

    /// The place that a number names, counted from behind when negative; nil outside the list.
    private static func place(_ number: Int64, in list: ListValue) -> Int? {
        let place = number < 0 ? number + Int64(list.count) : number
        return place >= 0 && place < Int64(list.count) ? Int(place) : nil
    }
}

/// Ranges of ranks as clients give them: both ends included, negative ones counted from behind.
enum Ranks {
    /// The places that exist of those from `first` to `last`; empty when there are none.
    static func range(_ first: Int64, _ last: Int64, count: Int) -> Range<Int> {
        let count = Int64(count)
        let low = max(first < 0 ? first + count : first, 0)
        let high = min(last < 0 ? last + count : last, count - 1)
        return low <= high ? Int(low)..<Int(high) + 1 : 0..<0
    }
}
