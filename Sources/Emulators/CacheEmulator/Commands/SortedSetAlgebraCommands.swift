import RESPWire

/// Union, intersection and difference of sorted sets; plain sets take part with scores of 1.
let sortedSetAlgebraCommands: [Command] = [
    Command(
        "zunion", -3, [.readonly, .movableKeys], .counted(at: 1),
        body: { SortedSetAlgebra.reply($0, .union, "zunion") }),
    Command(
        "zinter", -3, [.readonly, .movableKeys], .counted(at: 1),
        body: { SortedSetAlgebra.reply($0, .intersection, "zinter") }),
    Command(
        "zdiff", -3, [.readonly, .movableKeys], .counted(at: 1),
        body: { SortedSetAlgebra.reply($0, .difference, "zdiff") }),
    Command(
        "zunionstore", -4, [.write, .denyOOM, .movableKeys, .needsKeys], .storeAndCounted,
        body: { SortedSetAlgebra.store($0, .union, "zunionstore") }),
    Command(
        "zinterstore", -4, [.write, .denyOOM, .movableKeys, .needsKeys], .storeAndCounted,
        body: { SortedSetAlgebra.store($0, .intersection, "zinterstore") }),
    Command(
        "zdiffstore", -4, [.write, .denyOOM, .movableKeys, .needsKeys], .storeAndCounted,
        body: { SortedSetAlgebra.store($0, .difference, "zdiffstore") }),
    Command(
        "zintercard", -3, [.readonly, .movableKeys], .counted(at: 1), body: SortedSetAlgebra.countIntersection),
]

/// How two scores of one member become one.
private enum Aggregate {
    case sum
    case minimum
    case maximum

    /// As an argument names it; nil for any other word.
    init?(_ word: Bytes) {
        if word.isWord("sum") {
            self = .sum
        } else if word.isWord("min") {
            self = .minimum
        } else if word.isWord("max") {
            self = .maximum
        } else {
            return nil
        }
    }

    func callAsFunction(_ score: Double, _ other: Double) -> Double {
        switch self {
        case .sum:
            let sum = score + other
            return sum.isNaN ? 0 : sum  // both infinities: 0 by convention
        case .minimum: return other < score ? other : score
        case .maximum: return other > score ? other : score
        }
    }
}

/// One of the sets that take part: a sorted set, a plain one, or none.
private struct Input {
    let entry: Entry?
    let database: Database
    var weight = 1.0

    init(_ entry: Entry?, _ database: Database) {
        self.entry = entry
        self.database = database
    }

    var count: Int {
        guard let entry else { return 0 }
        return entry.type == .set ? SetValue(entry, database.memory).count : database.sortedSet(entry).count
    }

    func score(of member: Bytes) -> Double? {
        guard let entry else { return nil }
        guard entry.type == .set else { return database.sortedSet(entry).score(of: member) }
        return SetValue(entry, database.memory).contains(member) ? 1 : nil
    }

    /// Calls `body` with members and their scores, without the weight, until it returns false.
    func visit(while body: (Bytes, Double) -> Bool) {
        guard let entry else { return }
        guard entry.type == .set else { return database.sortedSet(entry).visit(while: body) }
        SetValue(entry, database.memory).visit { body($0, 1) }
    }

    /// A score with the weight; zero times infinity is 0.
    func weighted(_ score: Double) -> Double {
        let product = weight * score
        return product.isNaN ? 0 : product
    }
}

private enum SortedSetAlgebra {
    enum Operation {
        case union
        case intersection
        case difference
    }

    /// What a command of the family asks for.
    struct Request {
        var inputs: [Input] = []
        var aggregate = Aggregate.sum
        var withScores = false
        var limit: Int64 = 0
    }

    /// What else than inputs a command takes.
    enum Form {
        case reply
        case store
        case count
    }

    /// From the argument that says how many inputs there are; nil after an error reply.
    private static func request(
        _ call: borrowing Call, from first: Int, _ operation: Operation, _ form: Form, _ name: StaticString
    ) -> Request? {
        guard let number = call.integer(first) else { return nil }
        guard number > 0 else {
            call.reply.error(ErrorText.noInputKey(name))
            return nil
        }
        guard number < Int64(call.count - first) else {
            call.reply.error(ErrorText.syntax)
            return nil
        }
        var request = Request()
        let end = first + 1 + Int(number)
        for index in first + 1..<end {
            let entry = call.find(call[index])
            if let entry, entry.type != .sortedSet, entry.type != .set {
                call.reply.error(ErrorText.wrongType)
                return nil
            }
            request.inputs.append(Input(entry, call.database))
        }
        return take(&request, call, from: end, operation, form) ? request : nil
    }

    /// Reads the options from argument `first` on; false after an error reply.
    private static func take(
        _ request: inout Request, _ call: borrowing Call, from first: Int, _ operation: Operation, _ form: Form
    ) -> Bool {
        let combines = operation != .difference && form != .count
        var index = first
        while index < call.count {
            let rest = call.count - index
            if combines, rest > request.inputs.count, call.isWord(index, "weights") {
                for input in request.inputs.indices {
                    guard let weight = call[index + 1 + input].double else {
                        call.reply.error(ErrorText.weight)
                        return false
                    }
                    request.inputs[input].weight = weight
                }
                index += request.inputs.count
            } else if combines, rest >= 2, call.isWord(index, "aggregate"), let aggregate = Aggregate(call[index + 1]) {
                request.aggregate = aggregate
                index += 1
            } else if form == .reply, call.isWord(index, "withscores") {
                request.withScores = true
            } else if form == .count, rest >= 2, call.isWord(index, "limit") {
                guard let limit = call.integer(index + 1, atLeast: 0, ErrorText.negativeLimit) else { return false }
                request.limit = limit
                index += 1
            } else {
                call.reply.error(ErrorText.syntax)
                return false
            }
            index += 1
        }
        return true
    }

    // MARK: commands

    static func reply(_ call: borrowing Call, _ operation: Operation, _ name: StaticString) {
        guard let request = request(call, from: 1, operation, .reply, name) else { return }

        let result = combined(request, operation, as: Bytes(""), call)

        let isNested = request.withScores && call.reply.isVersion3
        call.reply.array(request.withScores && !isNested ? result.count * 2 : result.count)
        result.forEach { member, score in
            if isNested { call.reply.array(2) }
            call.reply.bulk(member)
            if request.withScores { call.reply.double(score) }
        }
        call.database.discard(result.entry)
    }

    static func store(_ call: borrowing Call, _ operation: Operation, _ name: StaticString) {
        guard let request = request(call, from: 2, operation, .store, name) else { return }
        let result = combined(request, operation, as: call[1], call)
        result.dropNegativeZeros()
        call.store(result, name)
    }

    static let countIntersection: CommandBody = { call in
        guard let request = request(call, from: 1, .intersection, .count, "zintercard") else { return }
        var count = 0
        visitCommon(request) { _, _ in
            count += 1
            return request.limit == 0 || Int64(count) < request.limit
        }
        call.reply.integer(count)
    }

    // MARK: sets

    /// The result in a detached entry of this key.
    private static func combined(
        _ request: Request, _ operation: Operation, as key: Bytes, _ call: borrowing Call
    ) -> SortedSet {
        var result = call.database.sortedSet(call.database.makeDetached(.sortedSet, key))
        result.keepsNegativeZeros = true
        combine(request, operation, into: result)
        return result
    }

    private static func combine(_ request: Request, _ operation: Operation, into result: SortedSet) {
        switch operation {
        case .union: unite(request, into: result)
        case .intersection:
            visitCommon(request) { member, score in
                result.insert(member, score: score)
                return true
            }
        case .difference:
            let others = request.inputs.dropFirst()
            request.inputs[0].visit { member, score in
                if others.allSatisfy({ $0.score(of: member) == nil }) { result.insert(member, score: score) }
                return true
            }
        }
    }

    private static func unite(_ request: Request, into result: SortedSet) {
        for input in ascending(request) {
            input.visit { member, score in
                let score = input.weighted(score)
                guard let other = result.score(of: member) else {
                    result.insert(member, score: score)
                    return true
                }
                let combined = request.aggregate(other, score)
                if combined.bitPattern != other.bitPattern { result.setScore(combined, of: member) }
                return true
            }
        }
    }

    /// Calls `body` with the members that are in all inputs and their scores, until it returns false.
    private static func visitCommon(_ request: Request, while body: (Bytes, Double) -> Bool) {
        let inputs = ascending(request)
        inputs[0].visit { member, score in
            var combined = inputs[0].weighted(score)
            for input in inputs.dropFirst() {
                guard let other = input.score(of: member) else { return true }
                combined = request.aggregate(combined, other * input.weight)
            }
            return body(member, combined)
        }
    }

    /// The inputs from the smallest to the largest: the least work, and the order in which Redis adds scores.
    private static func ascending(_ request: Request) -> [Input] {
        request.inputs.sorted { $0.count < $1.count }
    }
}
