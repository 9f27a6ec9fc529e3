/// Something that is to go wrong at a resource's endpoint: what it meets, how often, and what it does.
///
/// Whatever serves the endpoint knows nothing of it: an emulator and a real server meet the same faults.
public struct Fault: Hashable, Sendable {
    /// Names of commands, subcommands as `xgroup|create`. Nil meets all but those with which a client sets its connection
    /// up or ends it (`auth`, `hello`, `client`, `reset`, `quit`): those are met by name only.
    public var commands: [String]?
    /// A glob over the command's keys, for a queue over its tube: one that matches is enough.
    public var key: String?
    /// A glob over the holder of the client's grant, its user's name, or what CLIENT SETNAME has called it. A fault of a
    /// connection meets it when it has said so.
    public var client: String?
    /// Only this one of those that it meets, from 1.
    public var nth: Int?
    /// Only so many of those that it meets.
    public var first: Int?
    /// Every so manieth of those that it meets.
    public var every: Int?
    /// How many of what is left by the above are hit, from 0 to 1. For faults of a connection it is `toxicity`.
    public var probability: Double?
    /// How many of the connections are hit, from 0 to 1.
    public var toxicity: Double?
    /// Draws with the same seed are the same. Drawn where it is nil.
    public var seed: UInt64?
    /// After so many times it is over.
    public var count: Int?
    /// After so many milliseconds it is over.
    public var duration: Int?
    public var effect: FaultEffect

    public init(
        _ effect: FaultEffect, commands: [String]? = nil, key: String? = nil, client: String? = nil, nth: Int? = nil,
        first: Int? = nil, every: Int? = nil, probability: Double? = nil, toxicity: Double? = nil, seed: UInt64? = nil,
        count: Int? = nil, duration: Int? = nil
    ) {
        self.effect = effect
        self.commands = commands
        self.key = key
        self.client = client
        self.nth = nth
        self.first = first
        self.every = every
        self.probability = probability
        self.toxicity = toxicity
        self.seed = seed
        self.count = count
        self.duration = duration
    }

    /// The fault as it is kept at an endpoint of a class: names in lower case, presets as their text. Throws
    /// `invalidRequest` for what is wrong in itself, `unsupported` for what the class cannot do.
    public func checked(for serviceClass: ServiceClass) throws(BrokerError) -> Fault {
        guard serviceClass.isNetworked else {
            throw BrokerError(
                .unsupported, "a \(serviceClass.rawValue) resource has no endpoint",
                why: "faults happen between a client and its endpoint", fix: "name a cache or a queue")
        }
        var fault = self
        try checkNumbers()
        try fault.checkNames(serviceClass)
        try fault.effect.check(serviceClass)
        if effect.isOfConnection { try checkConnection(serviceClass) }
        if !effect.isOfConnection, toxicity != nil {
            throw Self.wrong("toxicity", "it is for faults of a whole connection; commands have a probability")
        }
        if case .error(let text) = effect { fault.effect = .error(FaultEffect.presets[text] ?? text) }
        return fault
    }

    private func checkNumbers() throws(BrokerError) {
        for (name, value) in [("nth", nth), ("first", first), ("every", every), ("count", count), ("for", duration)] {
            guard value.map({ $0 > 0 && $0 <= Self.largest }) ?? true else {
                throw Self.wrong(name, "it is a whole number from 1 to \(Self.largest)")
            }
        }
        guard [nth, first, every].count(where: { $0 != nil }) <= 1 else {
            throw Self.wrong("nth", "of nth, first and every there is one at the most")
        }
        for (name, value) in [("probability", probability), ("toxicity", toxicity)] {
            guard value.map({ $0 >= 0 && $0 <= 1 }) ?? true else { throw Self.wrong(name, "it is from 0 to 1") }
        }
    }

    private mutating func checkNames(_ serviceClass: ServiceClass) throws(BrokerError) {
        if let commands {
            let names = commands.map { $0.lowercased() }
            guard !names.isEmpty, names.allSatisfy(Self.isCommandName) else {
                throw Self.wrong("commands", "names are words as get, subcommands as xgroup|create")
            }
            if serviceClass == .beanstalk {
                if let odd = names.first(where: { !Self.queueCommands.contains($0) }) {
                    throw Self.wrong("commands", "beanstalk has no command \"\(odd.prefix(40))\"")
                }
            }
            self.commands = names
        }
        for (name, pattern) in [("key", key), ("client", client)] {
            guard pattern.map({ !$0.isEmpty && $0.utf8.count <= 1024 }) ?? true else {
                throw Self.wrong(name, "it is a pattern of 1 to 1024 bytes")
            }
        }
        guard serviceClass.authenticates || client == nil else {
            throw BrokerError(
                .unsupported, "\"client\" means nothing at a \(serviceClass.rawValue) endpoint",
                why: "its clients do not say who they are; each attachment has an endpoint of its own",
                fix: "leave the client away")
        }
    }

    private func checkConnection(_ serviceClass: ServiceClass) throws(BrokerError) {
        // A client is known once it has said who it is, and there is room for it by then.
        let cannotChoose = client != nil && (serviceClass != .redis || effect == .maxClients)
        for (name, isGiven) in [("commands", commands != nil), ("key", key != nil), ("client", cannotChoose)]
        where isGiven {
            throw BrokerError(
                .unsupported, "\"\(name)\" cannot choose what \"\(effect.name)\" meets",
                why: "it is of whole connections, before a command is known; nth, first, every, toxicity choose some",
                fix: "broker fault add --help")
        }
        guard probability == nil else { throw Self.wrong("probability", "for a whole connection it is toxicity") }
    }

    private static func isCommandName(_ name: String) -> Bool {
        let parts = name.split(separator: "|", omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty } && name.utf8.count <= 64
            && name.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }

    static func wrong(_ field: String, _ why: String) -> BrokerError {
        BrokerError(.invalidRequest, "\"\(field)\" of the fault is wrong", why: why, fix: "broker fault add --help")
    }

    static let largest = 1_000_000_000

    /// The commands of the beanstalk protocol.
    public static let queueCommands: Set<String> = [
        "put", "use", "reserve", "reserve-with-timeout", "reserve-job", "delete", "release", "bury", "touch", "watch",
        "ignore", "peek", "peek-ready", "peek-delayed", "peek-buried", "kick", "kick-job", "stats", "stats-job",
        "stats-tube", "list-tubes", "list-tube-used", "list-tubes-watched", "pause-tube", "quit",
    ]
}

extension Fault: Codable {
    private enum Key: String, CodingKey {
        case commands, key, client, nth, first, every, probability, toxicity, seed, count, effect
        case duration = "for"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        commands = try container.decodeIfPresent([String].self, forKey: .commands)
        key = try container.decodeIfPresent(String.self, forKey: .key)
        client = try container.decodeIfPresent(String.self, forKey: .client)
        nth = try container.decodeIfPresent(Int.self, forKey: .nth)
        first = try container.decodeIfPresent(Int.self, forKey: .first)
        every = try container.decodeIfPresent(Int.self, forKey: .every)
        probability = try container.decodeIfPresent(Double.self, forKey: .probability)
        toxicity = try container.decodeIfPresent(Double.self, forKey: .toxicity)
        seed = try container.decodeIfPresent(UInt64.self, forKey: .seed)
        count = try container.decodeIfPresent(Int.self, forKey: .count)
        duration = try container.decodeIfPresent(Int.self, forKey: .duration)
        effect = try container.decode(FaultEffect.self, forKey: .effect)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(commands, forKey: .commands)
        try container.encodeIfPresent(key, forKey: .key)
        try container.encodeIfPresent(client, forKey: .client)
        try container.encodeIfPresent(nth, forKey: .nth)
        try container.encodeIfPresent(first, forKey: .first)
        try container.encodeIfPresent(every, forKey: .every)
        try container.encodeIfPresent(probability, forKey: .probability)
        try container.encodeIfPresent(toxicity, forKey: .toxicity)
        try container.encodeIfPresent(seed, forKey: .seed)
        try container.encodeIfPresent(count, forKey: .count)
        try container.encodeIfPresent(duration, forKey: .duration)
        try container.encode(effect, forKey: .effect)
    }
}
