/// One line of a case: a command, on which connection it runs, and how equal both replies must be.
///
/// A string literal is a step whose replies must be equal to the byte. `"B: GET a"` runs on connection B; a line
/// without a capital in front runs on A. Words are quoted as in redis-cli.
struct Step: ExpressibleByStringInterpolation, Sendable {
    /// How equal is equal.
    enum Rule: Sendable {
        /// In type, order and bytes.
        case exactly
        /// The order of the elements is irrelevant.
        case sorted
        /// As `sorted`, but elements belong together two by two: HGETALL in version 2.
        case pairs
        /// Numbers may differ by so much.
        case approximately(Double)
        /// Exactly, but for when something of a stream's group was last seen or delivered, which is each server's own.
        case timeless
        /// Exactly, but for the time and the address in a line of MONITOR.
        case monitored
        /// Exactly, but for the order of single commands among ACL's rules, which is that of a server's table.
        case rules
        /// Of errors only the first word counts.
        case errorClass
        /// Only types and numbers of elements count.
        case shape
        /// Only whether it is an error counts.
        case ignored
    }

    var line: String
    var rule = Rule.exactly
    /// Also takes everything that arrives until the server answers a PING sent behind the command.
    var collects = false

    /// Asks again until the reply reads so.
    var awaited: String?

    init(stringLiteral line: String) {
        self.line = line
    }

    init(_ line: String, _ rule: Rule = .exactly, collects: Bool = false) {
        self.line = line
        self.rule = rule
        self.collects = collects
    }

    static func exactly(_ line: String) -> Step { Step(line) }
    static func sorted(_ line: String) -> Step { Step(line, .sorted) }
    static func pairs(_ line: String) -> Step { Step(line, .pairs) }
    static func approximately(_ line: String, by tolerance: Double) -> Step { Step(line, .approximately(tolerance)) }
    static func timeless(_ line: String) -> Step { Step(line, .timeless) }
    /// ACL's rules, in which single commands stand in the order of a server's table.
    static func rules(_ line: String) -> Step { Step(line, .rules) }
    static func errorClass(_ line: String) -> Step { Step(line, .errorClass) }
    static func shape(_ line: String) -> Step { Step(line, .shape) }
    static func ignored(_ line: String) -> Step { Step(line, .ignored) }
    /// Asks both again and again until the reply, as it is shown, reads `text`.
    static func until(_ line: String, _ text: String) -> Step {
        var step = Step(line)
        step.awaited = text
        return step
    }
    /// All that connection `line` ("A", or a command as elsewhere) has received, in order, ended by a PING.
    static func collected(_ line: String, sorted: Bool = false) -> Step {
        Step(line, sorted ? .sorted : .exactly, collects: true)
    }

    /// The connection's letter and the command behind it.
    var parts: (connection: Character, command: String) {
        guard let first = line.first, first.isUppercase else { return ("A", line) }
        if line.count == 1 { return (first, "") }
        guard line.dropFirst().hasPrefix(": ") else { return ("A", line) }
        return (first, String(line.dropFirst(3)))
    }
}

extension Step.Rule {
    func accepts(_ ours: Reply, _ theirs: Reply) -> Bool {
        switch self {
        case .exactly: ours == theirs
        case .sorted: Self.normal(ours) == Self.normal(theirs)
        case .pairs: Self.paired(ours) == Self.paired(theirs)
        case .approximately(let tolerance): Self.isNear(ours, theirs, tolerance)
        case .timeless: Self.timeless(ours) == Self.timeless(theirs)
        case .monitored: Self.monitored(ours) == Self.monitored(theirs)
        case .rules: Self.rules(ours) == Self.rules(theirs)
        case .errorClass:
            ours == theirs || Self.firstWord(ours) == Self.firstWord(theirs) && Self.firstWord(ours) != nil
        case .shape: Self.shape(ours) == Self.shape(theirs)
        case .ignored: Self.isError(ours) == Self.isError(theirs)
        }
    }

    private static func isError(_ reply: Reply) -> Bool {
        if case .error = reply { true } else { false }
    }

    private static func firstWord(_ reply: Reply) -> Substring? {
        guard case .error(let bytes) = reply else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").first
    }

    private static func normal(_ reply: Reply) -> Reply {
        guard let elements = reply.elements else { return reply }
        if case .map = reply { return paired(reply) }
        return reply.withElements(elements.map(normal).sorted { $0.description < $1.description })
    }

    private static func paired(_ reply: Reply) -> Reply {
        guard let elements = reply.elements, elements.count % 2 == 0 else { return reply }
        let pairs = stride(from: 0, to: elements.count, by: 2).map { [elements[$0], elements[$0 + 1]] }
        return reply.withElements(pairs.sorted { "\($0)" < "\($1)" }.flatMap { $0 })
    }

    private static func isNear(_ a: Reply, _ b: Reply, _ tolerance: Double) -> Bool {
        if let a = a.elements, let b = b.elements {
            return a.count == b.count && zip(a, b).allSatisfy { isNear($0, $1, tolerance) }
        }
        guard a.typeName == b.typeName, let left = a.number, let right = b.number else { return a == b }
        // -1 and -2 are answers, not times.
        if left < 0 || right < 0 { return left == right }
        return abs(left - right) <= tolerance
    }

    private static func rules(_ reply: Reply) -> Reply {
        if let elements = reply.elements { return reply.withElements(elements.map(rules)) }
        guard case .bulk(let bytes) = reply else { return reply }
        let words = String(decoding: bytes, as: UTF8.self).replacing(")", with: " )").split(separator: " ")
        var sorted: [Substring] = []
        var single: [Substring] = []
        for word in words {
            if "+-".contains(word.prefix(1)), !word.dropFirst().hasPrefix("@") {
                single.append(word)
            } else {
                sorted += single.sorted() + [word]
                single = []
            }
        }
        return .bulk(Array((sorted + single.sorted()).joined(separator: " ").utf8))
    }

    /// In front of what is each server's own.
    private static let timed: [String?] = ["idle", "seen-time", "age-seconds", "client-info"]

    /// Without the times in what XPENDING, XINFO and ACL LOG answer.
    private static func timeless(_ reply: Reply) -> Reply {
        guard var elements = reply.elements?.map(timeless) else { return reply }
        let isPending = elements.dropFirst(2).allSatisfy { if case .integer = $0 { true } else { false } }
        if case .bulk = elements.first, isPending {
            // Of a group: id, consumer, time, deliveries; of a consumer: id, time, deliveries.
            if elements.count == 4, case .bulk = elements[1] { elements[2] = .null }
            if elements.count == 3, case .integer = elements[1] { elements[1] = .null }
        }
        for index in elements.indices.dropFirst() where timed.contains(elements[index - 1].text) {
            elements[index] = .null
        }
        return reply.withElements(elements)
    }

    /// Without what stands in front of the words: `+1700000000.123456 [0 127.0.0.1:6379] "get" "k"`.
    private static func monitored(_ reply: Reply) -> Reply {
        if let elements = reply.elements { return reply.withElements(elements.map(monitored)) }
        guard case .simple(let bytes) = reply, let open = bytes.firstIndex(of: UInt8(ascii: "[")),
            let close = bytes.firstIndex(of: UInt8(ascii: "]"))
        else { return reply }
        let source = bytes[open...close].split(separator: 32)
        let isScript = source.last.map { $0.starts(with: Array("lua".utf8)) } ?? false
        return .simple(Array(source[0]) + (isScript ? Array(" lua] ".utf8) : Array(" client] ".utf8)) + bytes[close...])
    }

    private static func shape(_ reply: Reply) -> Reply {
        if let elements = reply.elements { return reply.withElements(elements.map(shape)) }
        switch reply {
        case .simple: return .simple([])
        case .error: return .error([])
        case .integer: return .integer(0)
        case .bulk: return .bulk([])
        case .double: return .double([])
        case .verbatim: return .verbatim([])
        case .boolean: return .boolean(false)
        default: return reply
        }
    }
}
