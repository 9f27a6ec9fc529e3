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

        init(_ name: String, _ value: String, _ kind: Kind) {
            self.name = name
            self.value = value
            self.kind = kind
        }
    }

    /// What only tells a server how to work, not what it does: any value is kept. A change of all others is refused,
    /// since nothing would come of it.
    private static let tuning: Set<String> = [
        "acllog-max-len", "activerehashing", "hz", "latency-monitor-threshold", "lfu-decay-time", "lfu-log-factor",
        "loglevel",
        "busy-reply-threshold", "lua-time-limit", "maxmemory-samples", "slowlog-log-slower-than", "slowlog-max-len",
        "tcp-keepalive",
    ]

    private static let count = Kind.number(0, .max)
    private static let positive32 = Kind.number(1, Int64(Int32.max))
    private static let natural32 = Kind.number(0, Int64(Int32.max))

    private(set) var parameters: [Parameter] = [
        Parameter("acllog-max-len", "128", count),
        Parameter("activerehashing", "yes", .yesOrNo),
        Parameter("appendfsync", "everysec", .choice(["everysec", "always", "no"])),
        Parameter("appendonly", "no", .yesOrNo),
        Parameter("busy-reply-threshold", "5000", count),
        Parameter(
            "client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", .text),
        Parameter("databases", "16", .immutable),
        Parameter("dbfilename", "dump.rdb", .protected),
        Parameter("dir", "/", .protected),
        Parameter("hash-max-listpack-entries", "512", count),
        Parameter("hash-max-listpack-value", "64", count),
        Parameter("hash-max-ziplist-entries", "512", count),
        Parameter("hash-max-ziplist-value", "64", count),
        Parameter("hz", "10", .number(0, Int64(Int32.max))),
        Parameter("latency-monitor-threshold", "0", count),
        Parameter("lfu-decay-time", "1", natural32),
        Parameter("lfu-log-factor", "10", natural32),
        Parameter("list-max-listpack-size", "-2", .number(Int64(Int32.min), Int64(Int32.max))),
        Parameter("list-max-ziplist-size", "-2", .number(Int64(Int32.min), Int64(Int32.max))),
        Parameter("logfile", "", .immutable),
        Parameter("loglevel", "notice", .choice(["debug", "verbose", "notice", "warning"])),
        Parameter("lua-time-limit", "5000", count),
        Parameter("maxclients", "10000", .number(1, Int64(UInt32.max))),
        Parameter("maxmemory", "0", .memory(least: 0)),
        Parameter(
            "maxmemory-policy", "noeviction",
            .choice([
                "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu",
                "allkeys-random", "noeviction",
            ])),
        Parameter("maxmemory-samples", "5", positive32),
        Parameter("notify-keyspace-events", "", .events),
        Parameter("proto-max-bulk-len", "536870912", .memory(least: 1 << 20)),
        Parameter("save", "", .text),
        Parameter("set-max-intset-entries", "512", count),
        Parameter("slowlog-log-slower-than", "10000", .number(-1, .max)),
        Parameter("slowlog-max-len", "128", count),
        Parameter("stream-node-max-bytes", "4096", .memory(least: 0)),
        Parameter("stream-node-max-entries", "100", count),
        Parameter("tcp-keepalive", "300", natural32),
        Parameter("timeout", "0", natural32),
        Parameter("zset-max-listpack-entries", "128", count),
        Parameter("zset-max-listpack-value", "64", count),
        Parameter("zset-max-ziplist-entries", "128", count),
        Parameter("zset-max-ziplist-value", "64", count),
    ]

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

    /// Why a parameter cannot have this value here; nil when it can, or has it.
    func refusal(_ index: Int, of value: String) -> String? {
        let parameter = parameters[index]
        if value == parameter.value || Self.tuning.contains(parameter.name) { return nil }
        if case .events = parameter.kind { return nil }
        if parameter.name == "maxmemory" { return nil }
        if parameter.name == "maxmemory-policy" {
            return MemoryLimit.Policy(rawValue: value) == nil
                ? "the emulator does not count how often keys are used" : nil
        }
        return "the emulator always works with '\(parameter.value)'"
    }

    mutating func set(_ index: Int, to value: String) {
        parameters[index].value = value
        // One parameter with two names.
        guard Self.scriptTimes.contains(parameters[index].name) else { return }
        for other in parameters.indices where Self.scriptTimes.contains(parameters[other].name) {
            parameters[other].value = value
        }
    }

    private static let scriptTimes = ["busy-reply-threshold", "lua-time-limit"]

    /// How long a script may run, in milliseconds: nobody else is served meanwhile, so that it is ended then.
    var scriptTimeLimit: Int64 {
        let limit = parameters.first { $0.name == Self.scriptTimes[0] }.flatMap { Int64($0.value) } ?? 5000
        return min(max(limit, 100), 60_000)
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
            return Self.bounded(number, least, .max)
        case .yesOrNo:
            let folded = text.lowercased()
            return ["yes", "no"].contains(folded) ? .taken(folded) : .refused("argument must be 'yes' or 'no'")
        case .choice(let choices):
            let folded = text.lowercased()
            if choices.contains(folded) { return .taken(folded) }
            return .refused("argument(s) must be one of the following: " + choices.joined(separator: ", "))
        case .events: return Self.events(text)
        }
    }

    private static func bounded(_ number: Int64, _ least: Int64, _ most: Int64) -> CheckedValue {
        (least...most).contains(number)
            ? .taken("\(number)") : .refused("argument must be between \(least) and \(most) inclusive")
    }

    private static func memory(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = [
            "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1_000_000, "mb": 1 << 20, "g": 1_000_000_000, "gb": 1 << 30,
        ]
        guard let number = Int64(digits), let unit = units[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
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
