import RESPWire

/// Sorted sets: members with scores, in order of score, then bytes. Ranges are in `SortedSetRangeCommands.swift`,
/// what combines several sets in `SortedSetAlgebraCommands.swift`.
let sortedSetCommands: [Command] = [
    Command("zadd", -4, [.write, .denyOOM, .fast], .first, body: { SortedSets.add($0, []) }),
    Command("zincrby", 4, [.write, .denyOOM, .fast], .first, body: { SortedSets.add($0, .increment) }),
    Command("zrem", -3, [.write, .fast], .first, body: SortedSets.remove),
    Command("zcard", 2, [.readonly, .fast], .first, body: SortedSets.count),
    Command("zscore", 3, [.readonly, .fast], .first, body: SortedSets.score),
    Command("zmscore", -3, [.readonly, .fast], .first, body: SortedSets.scores),
    Command("zrank", 3, [.readonly, .fast], .first, body: { SortedSets.rank($0, reversed: false) }),
    Command("zrevrank", 3, [.readonly, .fast], .first, body: { SortedSets.rank($0, reversed: true) }),
    Command("zpopmin", -2, [.write, .fast], .first, body: { SortedSets.pop($0, .lowest) }),
    Command("zpopmax", -2, [.write, .fast], .first, body: { SortedSets.pop($0, .highest) }),
    Command("zmpop", -4, [.write, .movableKeys], .counted(at: 1), body: SortedSets.popFromFirst),
    Command("zrandmember", -2, [.readonly], .first, body: SortedSets.random),
    Command("zscan", -3, [.readonly], .first, body: SortedSets.scan),
]

enum SortedSets {
    // MARK: adding

    struct AddOptions: OptionSet {
        let rawValue: UInt8
        static let onlyNew = AddOptions(rawValue: 1)
        static let onlyPresent = AddOptions(rawValue: 2)
        static let onlyGreater = AddOptions(rawValue: 4)
        static let onlyLess = AddOptions(rawValue: 8)
        static let countsChanged = AddOptions(rawValue: 16)
        static let increment = AddOptions(rawValue: 32)

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The option that a word names, nil for any other.
        init?(_ word: Bytes) {
            guard word.count <= 4 else { return nil }
            if word.isWord("nx") {
                self = .onlyNew
            } else if word.isWord("xx") {
                self = .onlyPresent
            } else if word.isWord("gt") {
                self = .onlyGreater
            } else if word.isWord("lt") {
                self = .onlyLess
            } else if word.isWord("ch") {
                self = .countsChanged
            } else if word.isWord("incr") {
                self = .increment
            } else {
                return nil
            }
        }

        /// What is wrong with the combination.
        func problem(pairs: Int) -> StaticString? {
            if isSuperset(of: [.onlyNew, .onlyPresent]) { return ErrorText.addOptions }
            let exclusive: [AddOptions] = [.onlyNew, .onlyGreater, .onlyLess]
            if exclusive.count(where: contains) > 1 { return ErrorText.addOptionsGTLT }
            if contains(.increment), pairs > 1 { return ErrorText.incrementPairs }
            return nil
        }
    }

    static func add(_ call: borrowing Call, _ options: AddOptions) {
        var options = options
        var first = 2
        while first < call.count, let option = AddOptions(call[first]) {
            options.insert(option)
            first += 1
        }
        let pairs = (call.count - first) / 2
        guard pairs > 0, (call.count - first) % 2 == 0 else { return call.reply.error(ErrorText.syntax) }
        if !options.isEmpty, let problem = options.problem(pairs: pairs) { return call.reply.error(problem) }

        withUnsafeTemporaryAllocation(of: Double.self, capacity: pairs) { scores in
            for pair in 0..<pairs {
                guard let score = call.double(first + pair * 2) else { return }
                scores.initializeElement(at: pair, to: score)
            }
            add(call, options, scores, membersFrom: first + 1)
        }
    }

    @inline(__always)
    private static func add(
        _ call: borrowing Call, _ options: AddOptions, _ scores: UnsafeMutableBufferPointer<Double>,
        membersFrom first: Int
    ) {
        let database = call.database
        let found = database.find(call[1], call.hash)
        if let found, found.type != .sortedSet { return call.reply.error(ErrorText.wrongType) }
        if found == nil, options.contains(.onlyPresent) {
            return options.contains(.increment) ? call.reply.null() : call.reply.integer(0)
        }

        let set = database.ownedSortedSet(found ?? database.make(.sortedSet, call[1], call.hash), call.hash)
        var added = 0
        var updated = 0
        var outcome = SortedSet.Outcome.refused
        for pair in 0..<scores.count {
            outcome = add(call[first + pair * 2], scores[pair], options, to: set)
            switch outcome {
            case .added: added &+= 1
            case .updated: updated &+= 1
            case .same, .refused: break
            case .notANumber: return call.reply.error(ErrorText.notFiniteScore)
            }
        }
        if options.contains(.increment) {
            switch outcome {
            case .added(let score), .updated(let score), .same(let score): call.reply.double(score)
            case .refused, .notANumber: call.reply.null()
            }
        } else {
            call.reply.integer(options.contains(.countsChanged) ? added &+ updated : added)
        }
        if added &+ updated > 0 {
            call.changed(call[1], .sortedSet, options.contains(.increment) ? "zincr" : "zadd")
            call.counts(added &+ updated)
        }
    }

    @inline(__always)
    private static func add(
        _ member: Bytes, _ number: Double, _ options: AddOptions, to set: SortedSet
    ) -> SortedSet.Outcome {
        if options.isEmpty { return set.put(member, score: number) }
        guard let old = set.score(of: member) else {
            if options.contains(.onlyPresent) { return .refused }
            set.insert(member, score: number)
            return .added(number)
        }
        if options.contains(.onlyNew) { return .refused }
        let score = options.contains(.increment) ? old + number : number
        if score.isNaN { return .notANumber }
        if options.contains(.onlyLess), score >= old { return .refused }
        if options.contains(.onlyGreater), score <= old { return .refused }
        if score == old { return .same(score) }
        set.setScore(score, of: member)
        return .updated(score)
    }

    // MARK: removing

    static let remove: CommandBody = { call in
        let database = call.database
        guard let entry = database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }

        let set = database.ownedSortedSet(entry, call.hash)
        var removed = 0
        var index = 2
        while index < call.count, set.count > 0 {
            if set.remove(call[index]) { removed += 1 }
            index += 1
        }
        if removed > 0 {
            call.changed(call[1], .sortedSet, "zrem")
            call.counts(removed)
        }
        if set.count == 0 {
            database.remove(set.entry, call.hash)
            call.notifyRemoval(of: call[1])
        }

        call.reply.integer(removed)
    }

    /// An end of a sorted set.
    enum End {
        case lowest
        case highest

        /// As an argument names it; nil for any other word.
        init?(_ word: Bytes) {
            if word.isWord("min") {
                self = .lowest
            } else if word.isWord("max") {
                self = .highest
            } else {
                return nil
            }
        }
    }

    static func pop(_ call: borrowing Call, _ end: End) {
        guard call.count <= 3 else { return call.reply.error(ErrorText.syntax) }
        var most: Int64 = 1
        if call.count == 3 {
            guard let number = call.integer(2, atLeast: 0, ErrorText.notPositive) else { return }
            most = number
        }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.array(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        guard most > 0 else { return call.reply.array(0) }

        let isNested = call.count == 3 && call.reply.isVersion3
        let count = Int(min(most, Int64(call.database.sortedSet(entry).count)))
        call.reply.array(isNested ? count : count * 2)
        pop(count, entry, call[1], call.hash, end, isNested: isNested, call)
    }

    /// Replies and takes out members that exist.
    static func pop(
        _ number: Int, _ entry: Entry, _ key: Bytes, _ hash: UInt64, _ end: End, isNested: Bool, _ call: borrowing Call
    ) {
        let set = call.database.ownedSortedSet(entry, hash)
        let first = end == .lowest ? 0 : set.count - number
        set.forEach(from: first, to: first + number, reversed: end == .highest) { member, score in
            if isNested { call.reply.array(2) }
            call.reply.bulk(member)
            call.reply.double(score)
        }
        call.changed(key, .sortedSet, end == .lowest ? "zpopmin" : "zpopmax")
        call.counts(number)
        if number == set.count {
            call.database.remove(set.entry, hash)
            call.notifyRemoval(of: key)
        } else {
            set.remove(from: first, to: first + number)
        }
    }

    static let popFromFirst: CommandBody = { call in
        guard let keys = call.countedKeys(1) else { return }
        let last = keys.upperBound
        guard last < call.count, let end = End(call[last]) else { return call.reply.error(ErrorText.syntax) }
        guard let most = call.popCount(last + 1) else { return }

        for index in keys {
            let hash = call.database.hash(call[index])
            guard let entry = call.database.find(call[index], hash) else { continue }
            guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
            return popNamed(most, entry, call[index], hash, end, call)
        }

        call.reply.nullArray()
    }

    /// Replies the key and as many members as there are, `most` at the most, and takes these out.
    static func popNamed(
        _ most: Int64, _ entry: Entry, _ key: Bytes, _ hash: UInt64, _ end: End, _ call: borrowing Call
    ) {
        let count = Int(min(most, Int64(call.database.sortedSet(entry).count)))
        call.reply.array(2)
        call.reply.bulk(key)
        call.reply.array(count)
        pop(count, entry, key, hash, end, isNested: true, call)
        call.tell([end == .lowest ? "ZPOPMIN" : "ZPOPMAX", .bytes(key), .number(most)])
        call.tellExpiry(of: key)
    }

    // MARK: reading

    static let count: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        call.reply.integer(call.database.sortedSet(entry).count)
    }

    static let score: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        guard let score = call.database.sortedSet(entry).score(of: call[2]) else { return call.reply.null() }
        call.reply.double(score)
    }

    static let scores: CommandBody = { call in
        let entry = call.findFirst()
        if let entry, entry.type != .sortedSet { return call.reply.error(ErrorText.wrongType) }
        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            if let entry, let score = call.database.sortedSet(entry).score(of: call[index]) {
                call.reply.double(score)
            } else {
                call.reply.null()
            }
        }
    }

    static func rank(_ call: borrowing Call, reversed: Bool) {
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        let set = call.database.sortedSet(entry)
        guard let rank = set.rank(of: call[2]) else { return call.reply.null() }
        call.reply.integer(reversed ? set.count - 1 - rank : rank)
    }

    static let scan: CommandBody = { call in
        guard let cursor = ScanOptions.cursor(call[2], call) else { return call.reply.error(ErrorText.invalidCursor) }
        guard let entry = call.findFirst() else {
            call.reply.array(2)
            call.reply.bulk("0")
            return call.reply.array(0)
        }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        guard let options = ScanOptions(call, from: 3) else { return }

        let set = call.database.sortedSet(entry)
        var found: [(member: Bytes, score: Double)] = []
        let next = set.scan(from: cursor, wanted: options.count) { member, score in
            if let pattern = options.pattern, !Glob.matches(pattern, member) { return }
            found.append((member, score))
        }

        call.reply.array(2)
        options.replyCursor(next, call)
        call.reply.array(found.count * 2)
        for (member, score) in found {
            call.reply.bulk(member)
            replyScanned(score, isPacked: set.isPacked, call)
        }
    }

    /// A score as ZSCAN writes it: a string in every version of the protocol, and of the packed form the whole numbers
    /// in all their digits.
    private static func replyScanned(_ score: Double, isPacked: Bool, _ call: borrowing Call) {
        if isPacked, score.magnitude <= Double(Int64.max / 2), let whole = Int64(exactly: score) {
            return call.reply.bulkInteger(whole)
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: DoubleText.maxLength) {
            call.reply.bulk(DoubleText.write(score, to: $0))
        }
    }

    // MARK: drawing

    static let random: CommandBody = { call in
        guard call.count > 2 else {
            guard let entry = call.findFirst() else { return call.reply.null() }
            guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
            let set = call.database.sortedSet(entry)
            return reply(draw(set, call), of: set, withScores: nil, call)
        }
        guard let number = call.integer(2) else { return }
        guard number >= -Int64.max else { return call.reply.error(ErrorText.outsideSymmetricRange) }
        if call.count > 4 || (call.count == 4 && !call.isWord(3, "withscores")) {
            return call.reply.error(ErrorText.syntax)
        }
        if call.count == 4, number.magnitude > UInt64(Int64.max / 2) { return call.reply.error(ErrorText.outOfRange) }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard entry.type == .sortedSet else { return call.reply.error(ErrorText.wrongType) }
        guard number >= -SelectionSampling.mostDraws else { return call.reply.error(ErrorText.outOfRange) }

        let set = call.database.sortedSet(entry)
        let withScores = call.count == 4
        if number < 0 || number == 1 {
            let count = Int(number.magnitude)
            call.reply.array(withScores && !call.reply.isVersion3 ? count * 2 : count)
            for _ in 0..<count where !call.hasOverflowed {
                reply(draw(set, call), of: set, withScores: withScores, call)
            }
        } else {
            replyDistinct(Int(min(number, Int64(set.count))), of: set, withScores: withScores, call)
        }
    }

    private static func draw(_ set: SortedSet, _ call: borrowing Call) -> Int {
        Int(call.emulator.random.next(upperBound: UInt64(set.count)))
    }

    /// The member of a rank; `withScores` nil for a reply that is no array.
    private static func reply(_ rank: Int, of set: SortedSet, withScores: Bool?, _ call: borrowing Call) {
        set.forEach(from: rank, to: rank + 1) { reply($0, $1, withScores: withScores ?? false, call) }
    }

    private static func reply(_ member: Bytes, _ score: Double, withScores: Bool, _ call: borrowing Call) {
        if withScores, call.reply.isVersion3 { call.reply.array(2) }
        call.reply.bulk(member)
        if withScores { call.reply.double(score) }
    }

    /// Members drawn without repetition: all of them from the highest down when as many are wanted, else a walk that
    /// takes each with the chance it should have, or few ranks that are drawn until they differ.
    private static func replyDistinct(_ count: Int, of set: SortedSet, withScores: Bool, _ call: borrowing Call) {
        call.reply.array(withScores && !call.reply.isVersion3 ? count * 2 : count)
        if count >= set.count {
            return set.forEach(reversed: true) { reply($0, $1, withScores: withScores, call) }
        }
        guard set.isPacked || count > set.count / 8 else {
            var ranks: Set<Int> = []
            while ranks.count < count { ranks.insert(draw(set, call)) }
            for rank in ranks { reply(rank, of: set, withScores: withScores, call) }
            return
        }
        var left = UInt64(set.count)
        var wanted = UInt64(count)
        set.forEach { member, score in
            if wanted > 0, call.emulator.random.next(upperBound: left) < wanted {
                reply(member, score, withScores: withScores, call)
                wanted -= 1
            }
            left -= 1
        }
    }
}
