import RESPWire

extension CommandKeys {
    /// Reads COMMAND's answer. Servers of Redis 7.0 and later tell where keys are (ninth element) and their subcommands
    /// (tenth); of older ones the first key, the last and the step are taken, and what they call movable may be anywhere.
    init(_ reply: RedisReply) {
        self.init()
        guard case .array(let commands) = reply else { return }
        for command in commands { add(command) }
    }

    private mutating func add(_ command: RedisReply) {
        guard case .array(let parts) = command, parts.count >= 6, let name = parts[0].text else { return }
        let flags = parts[2].words
        let row = Row(
            isReadOnly: flags.contains("readonly"), isWrite: flags.contains("write"),
            keys: parts.count > 8 ? Self.specifications(parts[8]) : Self.triple(parts, flags))
        add(name, row)
        guard parts.count > 9, case .array(let subcommands) = parts[9] else { return }
        for subcommand in subcommands { add(subcommand) }
    }

    private static func triple(_ parts: [RedisReply], _ flags: Set<String>) -> [KeySpecification]? {
        guard !flags.contains("movablekeys"), case .integer(let first) = parts[3], case .integer(let last) = parts[4],
            case .integer(let step) = parts[5]
        else { return nil }
        guard (1...1 << 20).contains(first), (-1 << 20...1 << 20).contains(last), step <= 1 << 20 else {
            return first == 0 ? [] : nil
        }
        let end = last < 0 ? Int(last) : Int(last - first)
        return [KeySpecification(.index(Int(first)), .range(last: end, step: max(Int(step), 1), limit: 0))]
    }

    /// What cannot be read is left out; nil where nothing that is there can be.
    private static func specifications(_ reply: RedisReply) -> [KeySpecification]? {
        guard case .array(let entries) = reply else { return nil }
        let read = entries.compactMap { entry -> KeySpecification? in
            let fields = entry.fields
            // A channel's name is told as a key's, and as none.
            if fields["flags"]?.words.contains("not_key") == true { return nil }
            guard let begin = fields["begin_search"]?.fields, let find = fields["find_keys"]?.fields,
                let from = begin["spec"]?.fields, let rule = find["spec"]?.fields
            else { return nil }
            let start: KeySpecification.Begin
            switch begin["type"]?.text {
            case "index": start = .index(from.number("index"))
            case "keyword":
                start = .keyword(Array((from["keyword"]?.text ?? "").lowercased().utf8), from: from.number("startfrom"))
            default: return nil
            }
            switch find["type"]?.text {
            case "range":
                return KeySpecification(
                    start,
                    .range(last: rule.number("lastkey"), step: rule.number("keystep"), limit: rule.number("limit")))
            case "keynum":
                return KeySpecification(
                    start,
                    .count(
                        number: rule.number("keynumidx"), first: rule.number("firstkey"), step: rule.number("keystep")))
            default: return nil
            }
        }
        let isToldNothing = entries.allSatisfy { $0.fields["flags"]?.words.contains("not_key") == true }
        return read.isEmpty && !isToldNothing ? nil : read
    }
}

extension RedisReply {
    /// Of an array of statuses.
    fileprivate var words: Set<String> {
        guard case .array(let elements) = self else { return [] }
        return Set(elements.compactMap { $0.text?.lowercased() })
    }

    /// Of an array of names, each followed by its value.
    fileprivate var fields: [String: RedisReply] {
        guard case .array(let elements) = self else { return [:] }
        var fields: [String: RedisReply] = [:]
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            if let name = elements[index].text { fields[name] = elements[index + 1] }
        }
        return fields
    }
}

extension [String: RedisReply] {
    fileprivate func number(_ name: String) -> Int {
        // No request has more arguments.
        if case .integer(let value)? = self[name] { Int(value).clamped } else { 0 }
    }
}

extension Int {
    fileprivate var clamped: Int { Swift.min(Swift.max(self, -1 << 20), 1 << 20) }
}
