import RESPWire

/// Ranges of sorted sets: by rank, by score, by member. Every one is turned into ranks first, which the index finds
/// without walking.
let sortedSetRangeCommands: [Command] = [
    Command("zcount", 4, [.readonly, .fast], .first, body: { SortedSetRanges.count($0, by: .score) }),
    Command("zlexcount", 4, [.readonly, .fast], .first, body: { SortedSetRanges.count($0, by: .member) }),
    Command("zrange", -4, [.readonly], .first, body: { SortedSetRanges.reply($0, Ranging()) }),
    Command(
        "zrevrange", -4, [.readonly], .first,
        body: { SortedSetRanges.reply($0, Ranging(by: .rank, isReversed: true)) }),
    Command(
        "zrangebyscore", -4, [.readonly], .first,
        body: { SortedSetRanges.reply($0, Ranging(by: .score, isReversed: false)) }),
    Command(
        "zrevrangebyscore", -4, [.readonly], .first,
        body: { SortedSetRanges.reply($0, Ranging(by: .score, isReversed: true)) }),
    Command(
        "zrangebylex", -4, [.readonly], .first,
        body: { SortedSetRanges.reply($0, Ranging(by: .member, isReversed: false)) }),
    Command(
        "zrevrangebylex", -4, [.readonly], .first,
        body: { SortedSetRanges.reply($0, Ranging(by: .member, isReversed: true)) }),
    Command("zrangestore", -5, [.write, .denyOOM, .needsKeys], .firstTwo, body: SortedSetRanges.store),
    Command("zremrangebyrank", 4, [.write], .first, body: { SortedSetRanges.remove($0, by: .rank) }),
    Command("zremrangebyscore", 4, [.write], .first, body: { SortedSetRanges.remove($0, by: .score) }),
    Command("zremrangebylex", 4, [.write], .first, body: { SortedSetRanges.remove($0, by: .member) }),
]

/// What a range is measured by.
private enum RangeKind {
    case rank
    case score
    case member

    /// The event of what is removed by it.
    var removed: StaticString {
        switch self {
        case .rank: "zremrangebyrank"
        case .score: "zremrangebyscore"
        case .member: "zremrangebylex"
        }
    }
}

/// What the options of ZRANGE and its kin ask for.
private struct Ranging {
    /// Nil until an option or the default has said it.
    var by: RangeKind?
    var isReversed: Bool?
    var withScores = false
    var offset: Int64 = 0
    /// Below 0: all.
    var limit: Int64 = -1

    /// Reads the options from argument `first` on; false after an error reply.
    mutating func take(_ call: borrowing Call, from first: Int, stores: Bool = false) -> Bool {
        var index = first
        while index < call.count {
            if !stores, call.isWord(index, "withscores") {
                withScores = true
            } else if index + 2 < call.count, call.isWord(index, "limit") {
                guard let skipped = call.integer(index + 1), let most = call.integer(index + 2) else { return false }
                offset = skipped
                limit = most
                index += 2
            } else if isReversed == nil, call.isWord(index, "rev") {
                isReversed = true
            } else if by == nil, call.isWord(index, "bylex") {
                by = .member
            } else if by == nil, call.isWord(index, "byscore") {
                by = .score
            } else {
                call.reply.error(ErrorText.syntax)
                return false
            }
            index += 1
        }
        let problem: StaticString? =
            switch by ?? .rank {
            case .rank where limit != -1: ErrorText.limitOfRanks
            case .member where withScores: ErrorText.scoresByMember
            default: nil
            }
        if let problem { call.reply.error(problem) }
        return problem == nil
    }

    /// Of the ranks that are in the range, those that LIMIT leaves; counted from behind when reversed.
    func limited(_ ranks: Range<Int>) -> Range<Int> {
        guard by == .score || by == .member else { return ranks }
        guard offset >= 0, offset < Int64(ranks.count) else { return 0..<0 }
        let rest = ranks.count - Int(offset)
        let count = limit < 0 ? rest : Int(min(limit, Int64(rest)))
        if isReversed == true {
            let end = ranks.upperBound - Int(offset)
            return end - count..<end
        }
        let start = ranks.lowerBound + Int(offset)
        return start..<start + count
    }
}

/// A range as its two arguments give it.
private enum SortedSetRange {
    case ranks(first: Int64, last: Int64, isReversed: Bool)
    case scores(ScoreRange)
    case members(MemberRange)

    /// From the arguments `first` and the next, of which the first is the upper bound of a reversed range by score or
    /// member. Nil after an error reply.
    init?(_ call: borrowing Call, _ first: Int, by kind: RangeKind, isReversed: Bool) {
        let low = isReversed ? first + 1 : first
        let high = isReversed ? first : first + 1
        switch kind {
        case .rank:
            guard let start = call.integer(first), let end = call.integer(first + 1) else { return nil }
            self = .ranks(first: start, last: end, isReversed: isReversed)
        case .score:
            guard let range = ScoreRange(from: call[low], to: call[high]) else {
                call.reply.error(ErrorText.scoreBound)
                return nil
            }
            self = .scores(range)
        case .member:
            guard let range = MemberRange(from: call[low], to: call[high]) else {
                call.reply.error(ErrorText.memberBound)
                return nil
            }
            self = .members(range)
        }
    }

    /// The ranks in a set, counted from the lowest score whatever the direction.
    func ranks(in set: SortedSet) -> Range<Int> {
        switch self {
        case .ranks(let first, let last, let isReversed):
            let range = Ranks.range(first, last, count: set.count)
            guard isReversed, !range.isEmpty else { return range }
            return set.count - range.upperBound..<set.count - range.lowerBound
        case .scores(let range):
            let start = set.count { _, score in range.isAbove(score) }
            return start..<max(start, set.count { _, score in range.reaches(score) })
        case .members(let range):
            if range.isEmpty { return 0..<0 }
            let start = set.count { member, _ in range.isAbove(member) }
            return start..<max(start, set.count { member, _ in range.reaches(member) })
        }
    }
}

private enum SortedSetRanges {
    static func count(_ call: borrowing Call, by kind: RangeKind) {
        guard let range = SortedSetRange(call, 2, by: kind, isReversed: false) else { return }
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        call.reply.integer(range.ranks(in: call.database.sortedSet(entry)).count)
    }

    static func reply(_ call: borrowing Call, _ ranging: Ranging) {
        var ranging = ranging
        guard ranging.take(call, from: 4) else { return }
        let isReversed = ranging.isReversed ?? false
        guard let range = SortedSetRange(call, 2, by: ranging.by ?? .rank, isReversed: isReversed) else { return }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }

        let set = call.database.sortedSet(entry)
        let ranks = ranging.limited(range.ranks(in: set))
        let withScores = ranging.withScores
        let isNested = withScores && call.reply.isVersion3
        call.reply.array(withScores && !isNested ? ranks.count * 2 : ranks.count)
        set.forEach(from: ranks.lowerBound, to: ranks.upperBound, reversed: isReversed) { member, score in
            if isNested { call.reply.array(2) }
            call.reply.bulk(member)
            if withScores { call.reply.double(score) }
        }
    }

    static let store: CommandBody = { call in
        var ranging = Ranging()
        guard ranging.take(call, from: 5, stores: true) else { return }
        let isReversed = ranging.isReversed ?? false
        guard let range = SortedSetRange(call, 3, by: ranging.by ?? .rank, isReversed: isReversed) else { return }
        let entry = call.find(call[2])
        if let entry, entry.type != .sortedSet { return call.reply.error(ErrorText.wrongType) }

        let database = call.database
        let made = database.makeDetached(.sortedSet, call[1])
        let target = database.sortedSet(made)
        if let entry {
            let set = database.sortedSet(entry)
            let ranks = ranging.limited(range.ranks(in: set))
            // As Redis, which knows the number beforehand for ranks only: it shows in negative zeros.
            let most = database.memory.packing.sortedSetMembers
            if ranks.count > most, (ranging.by ?? .rank) == .rank { target.becomeIndexed() }
            set.forEach(from: ranks.lowerBound, to: ranks.upperBound, reversed: isReversed) {
                target.insert($0, score: $1)
            }
        }
        // As with what is removed: the members of such a range are told.
        let isTold = ranging.by == .member && (target.count > 0 || database.find(call[1], call.hash) != nil)
        call.store(target, "zrangestore")
        if isTold { call.tellValue(of: call[1]) }
    }

    static func remove(_ call: borrowing Call, by kind: RangeKind) {
        guard let range = SortedSetRange(call, 2, by: kind, isReversed: false) else { return }
        let database = call.database
        guard let entry = database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }

        let ranks = range.ranks(in: database.sortedSet(entry))
        if kind == .member, call.isHeard, !ranks.isEmpty { tellRemoval(of: ranks, database.sortedSet(entry), call) }
        let isWhole = ranks.count == database.sortedSet(entry).count
        if isWhole {
            database.remove(entry, call.hash)
        } else if !ranks.isEmpty {
            database.ownedSortedSet(entry, call.hash).remove(from: ranks.lowerBound, to: ranks.upperBound)
        }
        if !ranks.isEmpty {
            call.changed(call[1], .sortedSet, kind.removed)
            call.counts(ranks.count)
        }
        if isWhole { call.notifyRemoval(of: call[1]) }

        call.reply.integer(ranks.count)
    }

    /// What a range of members is among different scores is defined nowhere: the members are told.
    private static func tellRemoval(of ranks: Range<Int>, _ set: SortedSet, _ call: borrowing Call) {
        var words: [CommandWord] = ["ZREM", .bytes(call[1])]
        set.forEach(from: ranks.lowerBound, to: ranks.upperBound) { member, _ in words.append(.array(member.array)) }
        call.tell(words)
        call.tellExpiry(of: call[1])
    }
}

extension Call {
    /// Puts a detached sorted set in the place of whatever the first key holds, or, when it is empty, takes that away.
    /// Answers with how many members it has.
    func store(_ set: SortedSet, _ event: StaticString) {
        let count = set.count
        guard count > 0 else {
            database.discard(set.entry)
            reply.integer(0)
            guard let old = database.find(arguments[1], hash) else { return }
            database.remove(old, hash)
            return changed(arguments[1], .generic, "del")
        }
        database.put(set.entry, hash)
        reply.integer(count)
        changed(arguments[1], .sortedSet, event)
    }
}
