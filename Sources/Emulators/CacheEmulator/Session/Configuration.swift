import RESPWire

/// The parameters that CONFIG knows, checked and shown as Redis does.
struct Configuration {
    /// What a parameter may be.
    enum Kind {
        case text
        /// Within bounds.
        case number(Int64, Int64)
        /// A number with a unit: `100mb`.
        case memory(least: Int64)
        case yesOrNo
        case choice([String])
        /// The limits of three classes of clients.
        case outputLimits
        case percentiles
        /// Three numbers that an operating system takes.
        case outOfMemoryScores
        /// A number with a unit, or a part of a hundred: `5%`.
        case memoryOrPercent
        /// Letters of events, shown in the order of Redis.
        case events
        /// Never changed while the server runs.
        case immutable
        /// The file system of the server: never changed by a client.
        case protected
    }

    struct Parameter {
        var name: String
        var value: String
        var kind: Kind
        var effect: Effect

        init(_ name: String, _ value: String, _ kind: Kind, _ effect: Effect = .fixed) {
            self.name = name
            self.value = value
            self.kind = kind
            self.effect = effect
        }
    }

    /// What comes of a change.
    enum Effect: String {
        case honoured
        case kept
        case fixed
    }

    private(set) var parameters = initial

    /// The parameters that a pattern names; one named in full is called as it was named.
    func matching(_ pattern: Bytes) -> [(name: [UInt8], value: String)] {
        if !pattern.raw.contains(where: { Array("*?[".utf8).contains($0) }) {
            guard let index = index(of: pattern) else { return [] }
            return [(pattern.array, parameters[index].value)]
        }
        let folded = pattern.array.map { Bytes.folded($0) }
        return folded.withBytes { pattern in
            parameters.map { (Array($0.name.utf8), $0.value) }.filter { $0.0.withBytes { Glob.matches(pattern, $0) } }
        }
    }

    /// The place of a parameter, or nil.
    func index(of name: Bytes) -> Int? {
        let folded = name.array.map { Bytes.folded($0) }
        return parameters.firstIndex { Array($0.name.utf8) == folded }
    }

    /// What an app may ask for at most: the daemon's memory is that of all resources.
    private static let ceilings: [String: Int64] = [
        // What is packed is searched from its beginning.
        "hash-max-listpack-entries": 1 << 16, "hash-max-ziplist-entries": 1 << 16, "hash-max-listpack-value": 1 << 16,
        "hash-max-ziplist-value": 1 << 16, "zset-max-listpack-entries": 1 << 16, "zset-max-ziplist-entries": 1 << 16,
        "zset-max-listpack-value": 1 << 16, "zset-max-ziplist-value": 1 << 16, "set-max-intset-entries": 1 << 16,
        "proto-max-bulk-len": 512 << 20, "client-query-buffer-limit": 1 << 30, "repl-backlog-size": 256 << 20,
        "slowlog-max-len": 1 << 16, "acllog-max-len": 1 << 14, "tracking-table-max-keys": 10_000_000,
    ]

    static func ceiling(of name: String) -> Int64? { ceilings[name] }

    /// Why a parameter cannot have this value here; nil when it can, or has it.
    func refusal(_ index: Int, of value: String) -> String? {
        let parameter = parameters[index]
        if let ceiling = Self.ceilings[parameter.name], (Int64(value) ?? .max) > ceiling {
            return "the emulator allows \(ceiling) at most, since the memory is that of all resources"
        }
        if value == parameter.value || parameter.effect != .fixed { return nil }
        if parameter.name == "requirepass" {
            return "each attachment has a secret of its own, handed out by 'broker attach'"
        }
        return "the emulator always works with '\(parameter.value)'"
    }

    /// The value of a parameter that there is.
    subscript(name: String) -> String { parameters.first { $0.name == name }?.value ?? "" }

    /// The same as a number; what is larger than any is the largest.
    func number(_ name: String) -> Int { Int(self[name]) ?? .max }

    /// Sets a parameter that there is; not for clients.
    mutating func set(_ name: String, to value: String) {
        if let index = parameters.firstIndex(where: { $0.name == name }) { set(index, to: value) }
    }

    mutating func set(_ index: Int, to value: String) {
        var value = value
        if case .outputLimits = parameters[index].kind {
            // Classes that are not named stay as they are.
            var limits = OutputLimits()
            _ = limits.change(parameters[index].value)
            _ = limits.change(value)
            value = limits.text
        }
        if parameters[index].name == "repl-backlog-size" { value = "\(max(Int64(value) ?? 0, Self.leastBacklog))" }
        if parameters[index].name == "hz" { value = "\(min(max(Int64(value) ?? 0, 1), 500))" }
        parameters[index].value = value
        // One parameter with two names.
        guard let names = Self.twoNames.first(where: { $0.contains(parameters[index].name) }) else { return }
        for other in parameters.indices where names.contains(parameters[other].name) {
            parameters[other].value = value
        }
    }

    private static let leastBacklog: Int64 = 16 << 10
    private static let twoNames = [
        scriptTimes, ["repl-ping-replica-period", "repl-ping-slave-period"],
        ["replica-lazy-flush", "slave-lazy-flush"], ["hash-max-listpack-entries", "hash-max-ziplist-entries"],
        ["hash-max-listpack-value", "hash-max-ziplist-value"],
        ["zset-max-listpack-entries", "zset-max-ziplist-entries"],
        ["zset-max-listpack-value", "zset-max-ziplist-value"], ["list-max-listpack-size", "list-max-ziplist-size"],
    ]
    private static let scriptTimes = ["busy-reply-threshold", "lua-time-limit"]

    /// How long a script may run, in milliseconds, before others are answered that it does.
    var scriptTimeLimit: Int64 {
        parameters.first { $0.name == Self.scriptTimes[0] }.flatMap { Int64($0.value) } ?? 5000
    }
}

/// Whether a value may be taken, and how it is shown then.
enum CheckedValue: Equatable {
    case taken(String)
    /// In the words of Redis.
    case refused(String)
}

extension Configuration.Kind {
    /// Why a parameter of this kind may not be changed at all.
    var refusal: String? {
        switch self {
        case .immutable: "can't set immutable config"
        case .protected: "can't set protected config"
        default: nil
        }
    }

    func check(_ bytes: Bytes) -> CheckedValue {
        let text = bytes.text
        switch self {
        case .text, .immutable, .protected: return .taken(text)
        case .number(let least, let most):
            guard let number = bytes.integer else { return .refused("argument couldn't be parsed into an integer") }
            return Self.bounded(number, least, most)
        case .memory(let least):
            guard let number = Self.memory(text) else { return .refused("argument must be a memory value") }
            // What overflows is out of bounds.
            return number == .max && text != "\(Int64.max)"
                ? .refused("argument must be between \(least) and \(Int64.max) inclusive")
                : Self.bounded(number, least, .max)
        case .yesOrNo:
            let folded = text.lowercased()
            return ["yes", "no"].contains(folded) ? .taken(folded) : .refused("argument must be 'yes' or 'no'")
        case .choice(let choices):
            let folded = text.lowercased()
            if choices.contains(folded) { return .taken(folded) }
            return .refused("argument(s) must be one of the following: " + choices.joined(separator: ", "))
        case .events: return Self.events(text)
        case .outputLimits:
            var limits = OutputLimits()
            return limits.change(text).map { .refused($0) } ?? .taken(text)
        case .percentiles: return Self.percentiles(text)
        case .outOfMemoryScores: return Self.outOfMemoryScores(text)
        case .memoryOrPercent:
            let isPercent = text.last == "%" && Int(text.dropLast()).map { (0...100).contains($0) } ?? false
            return isPercent || Self.memory(text) != nil
                ? .taken(text) : .refused("argument must be a memory or percent value")
        }
    }

    private static func bounded(_ number: Int64, _ least: Int64, _ most: Int64) -> CheckedValue {
        (least...most).contains(number)
            ? .taken("\(number)") : .refused("argument must be between \(least) and \(most) inclusive")
    }

    static func memory(_ text: String) -> Int64? {
        if text.isEmpty { return 0 }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = [
            "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1_000_000, "mb": 1 << 20, "g": 1_000_000_000, "gb": 1 << 30,
        ]
        guard let unit = units[text.dropFirst(digits.count).lowercased()] else { return nil }
        // As in Redis a unit alone is none of it.
        let (product, overflow) = (digits.isEmpty ? 0 : Int64(digits) ?? .max).multipliedReportingOverflow(by: unit)
        return overflow ? .max : product
    }

    private static func percentiles(_ text: String) -> CheckedValue {
        var shown: [String] = []
        for word in text.split(separator: " ", omittingEmptySubsequences: text.isEmpty) {
            guard let value = Double(word), !value.isNaN else {
                return .refused("Invalid latency-tracking-info-percentiles parameters")
            }
            guard (0...100).contains(value) else {
                return .refused("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            }
            shown.append(value == value.rounded() ? "\(Int(value))" : "\(value)")
        }
        return .taken(shown.joined(separator: " "))
    }

    private static func outOfMemoryScores(_ text: String) -> CheckedValue {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3 else { return .refused("wrong number of arguments") }
        let numbers = words.compactMap { Int($0) }.filter { (-2000...2000).contains($0) }
        guard numbers.count == 3 else {
            return .refused("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        }
        return .taken(numbers.map(String.init).joined(separator: " "))
    }

    /// `A` stands for all classes but those of misses and new keys.
    private static func events(_ text: String) -> CheckedValue {
        let all = Array("g$lshzxetd")
        guard text.allSatisfy({ "Ag$lshzxeKEtmdn".contains($0) }) else {
            return .refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        }
        let classes = text.contains("A") ? all : all.filter { text.contains($0) }
        // As Redis 7.0 shows it: the new keys not at all beside an A.
        let isAll = classes.count == all.count
        let shown = isAll ? "A" : String(classes + "n".filter { text.contains($0) })
        return .taken(shown + "KEm".filter { text.contains($0) })
    }
}
