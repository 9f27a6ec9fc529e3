import Crypto
import RESPWire

/// What a user may do and how it logs in, as ACL SETUSER sets it.
struct AccessRights: Equatable {
    private(set) var isOn = false
    /// Any password is right.
    private(set) var needsNoPassword = false
    /// SKIP-SANITIZE-PAYLOAD, or the opposite said; nil when nothing was said. Shown only: payloads are always looked at.
    private(set) var skipsSanitizing: Bool?
    /// As SHA-256 in lower-case hexadecimal digits.
    private(set) var passwords: [[UInt8]] = []
    private(set) var root = AccessSelector.none
    private(set) var further: [AccessSelector] = []

    var selectors: [AccessSelector] { [root] + further }

    init() {}

    /// All that is possible, but for some commands.
    init(allBut refused: CommandSet, passwords: [[UInt8]]) {
        isOn = true
        self.passwords = passwords
        root.set(all: true)
        for number in CommandCatalogue.shared.names.indices where refused.contains(number) { root.set(number, false) }
        root.allowAllKeysAndChannels()
    }

    // MARK: rules

    mutating func apply(word rule: [UInt8]) throws(AccessRuleError) {
        let result = rule.withBytes { rule in Result { () throws(AccessRuleError) in try apply(rule) } }
        try result.get()
    }

    mutating func apply(_ rule: Bytes) throws(AccessRuleError) {
        guard rule.count > 0 else { return }
        switch rule[0] {
        case UInt8(ascii: ">"): add(Self.hash(rule.rest(1)))
        case UInt8(ascii: "#"): add(try Self.checked(rule.rest(1)))
        case UInt8(ascii: "<"): try remove(Self.hash(rule.rest(1)))
        case UInt8(ascii: "!"): try remove(Self.checked(rule.rest(1)))
        case UInt8(ascii: "(") where rule[rule.count - 1] == UInt8(ascii: ")"):
            further.append(try Self.selector(rule.slice(1, max(rule.count - 2, 0))))
        default: try applyWord(rule)
        }
    }

    private mutating func applyWord(_ rule: Bytes) throws(AccessRuleError) {
        if rule.isWord("on") {
            isOn = true
        } else if rule.isWord("off") {
            isOn = false
        } else if rule.isWord("nopass") {
            (needsNoPassword, passwords) = (true, [])
        } else if rule.isWord("resetpass") {
            (needsNoPassword, passwords) = (false, [])
        } else if rule.isWord("skip-sanitize-payload") {
            skipsSanitizing = true
        } else if rule.isWord("sanitize-payload") {
            skipsSanitizing = false
        } else if rule.isWord("clearselectors") {
            further = []
        } else if rule.isWord("reset") {
            self = AccessRights()
            skipsSanitizing = false
        } else {
            try root.apply(rule)
        }
    }

    /// What stands between parentheses: rules as on a command line.
    private static func selector(_ text: Bytes) throws(AccessRuleError) -> AccessSelector {
        var selector = AccessSelector.none
        for rule in words(text) { try apply(rule, to: &selector) }
        return selector
    }

    /// None where quotes are left open, as in Redis.
    private static func words(_ text: Bytes) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var splitter = InlineSplitter(text)
        while true {
            switch splitter.next() {
            case .argument(let word): words.append(word.array)
            case .built(let word): words.append(word)
            case .end: return words
            case .unbalanced: return []
            }
        }
    }

    private static func apply(_ rule: [UInt8], to selector: inout AccessSelector) throws(AccessRuleError) {
        let result = rule.withBytes { rule in Result { () throws(AccessRuleError) in try selector.apply(rule) } }
        try result.get()
    }

    // MARK: passwords

    private mutating func add(_ hash: [UInt8]) {
        if !passwords.contains(hash) { passwords.append(hash) }
        needsNoPassword = false
    }

    private mutating func remove(_ hash: [UInt8]) throws(AccessRuleError) {
        guard let index = passwords.firstIndex(of: hash) else { throw .noSuchPassword }
        passwords.remove(at: index)
    }

    private static func checked(_ hash: Bytes) throws(AccessRuleError) -> [UInt8] {
        let isHash = hash.count == 64 && hash.raw.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isHash else { throw .passwordHash }
        return hash.array
    }

    private static func hash(_ password: Bytes) -> [UInt8] {
        SHA256.hash(data: password.raw).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// What is compared are hashes, so that the time tells nothing of a password.
    func accepts(_ password: Bytes) -> Bool { isOn && (needsNoPassword || passwords.contains(Self.hash(password))) }

    // MARK: checks

    /// Why a request is refused: that no set of rules has the command, or else the last key or channel that one of them
    /// lacks. Nil when it may run. A command without a number is one that rules do not know.
    func denial(
        _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> AccessDenial? {
        var told = AccessDenial(reason: .command, place: 0)
        guard let number = command.pointee.catalogueNumber else { return told }
        var used = UsedKeys(number, command, arguments, count)
        for selector in selectors {
            guard let denial = selector.denial(number, command, arguments, count, &used) else { return nil }
            let isFurther = denial.reason == told.reason && denial.place > told.place
            if denial.reason.rawValue > told.reason.rawValue || isFurther { told = denial }
        }
        return told
    }

    /// Whether a request may run that looks at keys which it does not name.
    func readsAllKeys(
        _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> Bool {
        guard let number = command.pointee.catalogueNumber else { return false }
        var used = UsedKeys(number, command, arguments, count)
        return selectors.contains {
            $0.readsAllKeys && $0.denial(number, command, arguments, count, &used) == nil
        }
    }

    func allows(channel: [UInt8], isPattern: Bool) -> Bool {
        channel.withBytes { channel in selectors.contains { $0.allows(channel, isPattern: isPattern) } }
    }

    /// Each set of rules is within one of the other's.
    func isWithin(_ other: AccessRights, butFor unseen: CommandSet) -> Bool {
        selectors.allSatisfy { part in other.selectors.contains { part.isWithin($0, butFor: unseen) } }
    }

    // MARK: description

    var flags: [StaticString] {
        var flags: [StaticString] = [isOn ? "on" : "off"]
        if needsNoPassword { flags.append("nopass") }
        if let skipsSanitizing { flags.append(skipsSanitizing ? "skip-sanitize-payload" : "sanitize-payload") }
        return flags
    }

    /// As ACL LIST writes it behind the name.
    var rules: [UInt8] {
        var parts = flags.map { Bytes($0).array } + passwords.map { [UInt8(ascii: "#")] + $0 } + [root.rules]
        parts += further.map { [UInt8(ascii: "(")] + $0.rules + [UInt8(ascii: ")")] }
        return Array(parts.joined(separator: [UInt8(ascii: " ")]))
    }
}
