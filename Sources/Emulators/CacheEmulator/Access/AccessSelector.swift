import RESPWire

/// One set of rules: which commands, with which keys and channels. A user has one, and may have more in parentheses; what
/// one of them allows is allowed.
struct AccessSelector: Equatable {
    /// A pattern of keys, and what may be done with those it matches.
    struct KeyPattern: Equatable {
        var pattern: [UInt8]
        var permissions: KeyPermissions
    }

    /// Commands whose every use is allowed, by their numbers.
    private(set) var commands = CommandSet()
    /// Commands that are to come are allowed, too: the rules began with all commands.
    private(set) var allowsUnknown = false
    /// `+select|0`: a command that is allowed with these first arguments only.
    private(set) var firstArguments: [Int: [[UInt8]]] = [:]
    private(set) var allowsAllKeys = false
    private(set) var allowsAllChannels = false
    private(set) var keys: [KeyPattern] = []
    private(set) var channels: [[UInt8]] = []

    static let none = AccessSelector()

    // MARK: rules

    /// Applies one rule; nothing is changed when it is none.
    mutating func apply(_ rule: Bytes) throws(AccessRuleError) {
        if rule.isWord("allkeys") || rule.isWord("~*") {
            (allowsAllKeys, keys) = (true, [])
        } else if rule.isWord("resetkeys") {
            (allowsAllKeys, keys) = (false, [])
        } else if rule.isWord("allchannels") || rule.isWord("&*") {
            (allowsAllChannels, channels) = (true, [])
        } else if rule.isWord("resetchannels") {
            (allowsAllChannels, channels) = (false, [])
        } else if rule.isWord("allcommands") || rule.isWord("+@all") {
            set(all: true)
        } else if rule.isWord("nocommands") || rule.isWord("-@all") {
            set(all: false)
        } else {
            switch rule.count > 0 ? rule[0] : 0 {
            case UInt8(ascii: "~"): try addKeys(rule.rest(1), .readWrite)
            case UInt8(ascii: "%"): try addMarkedKeys(rule)
            case UInt8(ascii: "&"): try addChannels(rule.rest(1))
            case UInt8(ascii: "+"), UInt8(ascii: "-"): try applyToCommands(rule)
            default: throw .syntax
            }
        }
    }

    /// `%R~`, `%W~`, `%RW~`. As in Redis what ends behind the letters is the empty pattern.
    private mutating func addMarkedKeys(_ rule: Bytes) throws(AccessRuleError) {
        guard !allowsAllKeys else { throw .patternBehindAll }
        var permissions = KeyPermissions.none
        var place = 1
        while place < rule.count, rule[place] != UInt8(ascii: "~") {
            let wanted: KeyPermissions
            switch Bytes.folded(rule[place]) {
            case UInt8(ascii: "r"): wanted = .read
            case UInt8(ascii: "w"): wanted = .write
            default: throw .syntax
            }
            guard permissions.isDisjoint(with: wanted) else { throw .syntax }
            permissions.formUnion(wanted)
            place += 1
        }
        guard permissions != .none else { throw .syntax }
        try addKeys(rule.rest(min(place + 1, rule.count)), permissions)
    }

    private mutating func addKeys(_ pattern: Bytes, _ permissions: KeyPermissions) throws(AccessRuleError) {
        guard !allowsAllKeys else { throw .patternBehindAll }
        guard !pattern.hasSpaces else { throw .syntax }
        if let index = keys.firstIndex(where: { $0.pattern == pattern.array }) {
            keys[index].permissions.formUnion(permissions)
        } else {
            keys.append(KeyPattern(pattern: pattern.array, permissions: permissions))
        }
    }

    private mutating func addChannels(_ pattern: Bytes) throws(AccessRuleError) {
        guard !allowsAllChannels else { throw .channelBehindAll }
        guard !pattern.hasSpaces else { throw .syntax }
        if !channels.contains(pattern.array) { channels.append(pattern.array) }
    }

    private mutating func applyToCommands(_ rule: Bytes) throws(AccessRuleError) {
        let isAllowed = rule[0] == UInt8(ascii: "+")
        let catalogue = CommandCatalogue.shared
        let name = rule.rest(1).text(upTo: rule.count)
        if name.first == UInt8(ascii: "@") {
            guard let category = CommandCategory(Array(name.dropFirst())) else { throw .unknownName }
            return set(category, isAllowed)
        }
        guard isAllowed, let bar = name.lastIndex(of: UInt8(ascii: "|")) else {
            guard let number = catalogue.number(of: name) else { throw .unknownName }
            return set(number, isAllowed)
        }
        let argument = Array(name[(bar + 1)...])
        guard let number = catalogue.number(of: Array(name[..<bar])) else { throw .unknownName }
        guard catalogue.containers[number] == nil else { throw .firstArgumentOfSubcommand }
        guard !argument.isEmpty else { throw .syntax }
        if catalogue.subcommands[number].isEmpty {
            let known = firstArguments[number] ?? []
            guard !known.contains(where: { $0.isFolded(argument) }) else { return }
            firstArguments[number] = known + [argument]
        } else {
            guard let subcommand = catalogue.number(of: name) else { throw .unknownName }
            set(subcommand, true)
        }
    }

    mutating func set(all isAllowed: Bool) {
        commands = isAllowed ? CommandCatalogue.shared.all : CommandSet()
        (allowsUnknown, firstArguments) = (isAllowed, [:])
    }

    mutating func allowAllKeysAndChannels() {
        (allowsAllKeys, keys) = (true, [])
        (allowsAllChannels, channels) = (true, [])
    }

    /// A command with all its subcommands.
    mutating func set(_ number: Int, _ isAllowed: Bool) {
        for number in [number] + CommandCatalogue.shared.subcommands[number] {
            if isAllowed { commands.insert(number) } else { commands.remove(number) }
            firstArguments[number] = nil
        }
    }

    mutating func set(_ category: CommandCategory, _ isAllowed: Bool) {
        let members = CommandCatalogue.shared.members(of: category)
        for number in CommandCatalogue.shared.names.indices where members.contains(number) { set(number, isAllowed) }
    }

    // MARK: checks

    /// Why a request is not allowed by these rules alone; nil when it is.
    func denial(
        _ number: Int, _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int,
        _ used: inout UsedKeys
    ) -> AccessDenial? {
        guard allows(number, command, arguments, count) else { return AccessDenial(reason: .command, place: 0) }
        if !allowsAllKeys {
            for key in used.keys where !allows(used.bytes(key.place), key.permissions) {
                return AccessDenial(reason: .key, place: key.place)
            }
        }
        if !allowsAllChannels, let use = ChannelUse(number) {
            for place in use.places(count) where !allows(arguments[place], isPattern: use == .subscribePatterns) {
                return AccessDenial(reason: .channel, place: place)
            }
        }
        return nil
    }

    private func allows(
        _ number: Int, _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> Bool {
        if commands.contains(number) || command.pointee.flags.contains(.noAuth) { return true }
        guard let allowed = firstArguments[number], count > 1 else { return false }
        return allowed.contains { $0.isFolded(arguments[1].array) }
    }

    private func allows(_ key: Bytes, _ permissions: KeyPermissions) -> Bool {
        keys.contains { known in
            known.permissions.isSuperset(of: permissions) && known.pattern.withBytes { Glob.matches($0, key) }
        }
    }

    func allows(_ channel: Bytes, isPattern: Bool) -> Bool {
        allowsAllChannels
            || channels.contains { known in
                known.withBytes { isPattern ? $0 == channel : Glob.matches($0, channel) }
            }
    }

    /// All keys may be read: what the options of SORT look at is not known before.
    var readsAllKeys: Bool {
        allowsAllKeys || keys.contains { $0.pattern == [UInt8(ascii: "*")] && $0.permissions.contains(.read) }
    }
}

/// Why a request is refused to a user, and the argument that it is about.
struct AccessDenial {
    /// In the order in which one is told instead of another, where each set of rules has its own.
    enum Reason: Int {
        case command, key, auth, channel
    }

    var reason: Reason
    var place: Int
}

/// Why a rule is none; `ErrorText` has the words.
enum AccessRuleError: Error {
    case unknownName, syntax, patternBehindAll, channelBehindAll, noSuchPassword, passwordHash
    case firstArgumentOfSubcommand
}

extension Bytes {
    func rest(_ offset: Int) -> Bytes { slice(offset, count - offset) }

    /// As C's `isspace` sees them, and zero bytes.
    var hasSpaces: Bool { raw.contains { $0 == 32 || $0 == 0 || (9...13).contains($0) } }
}

extension [UInt8] {
    /// Equal without regard to case.
    fileprivate func isFolded(_ other: [UInt8]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { Bytes.folded($0) == Bytes.folded($1) }
    }
}
