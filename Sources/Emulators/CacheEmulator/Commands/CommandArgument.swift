import RESPWire

/// An argument of a command, as COMMAND DOCS describes it (Redis 7.0, "Command arguments").
struct CommandArgument {
    let name: Substring
    /// `string`, `integer`, `double`, `key`, `pattern`, `unix-time`, `pure-token`, `oneof`, `block`.
    let type: StaticString
    /// Which of the command's key specifications finds it.
    var keySpecification: Int?
    /// The word in front of it, or that it is.
    var token: Substring?
    var since: Substring?
    var deprecated: Substring?
    var flags: [StaticString] = []
    /// What it is made of: one of these, or all of them.
    var parts: [CommandArgument] = []

    /// Those of a command, `get` or `client|kill`; nil where it has none, or they are not known.
    static func arguments(of command: String) -> [CommandArgument]? {
        lines[command[...]].map { line in
            var reader = Reader(rest: line)
            return reader.arguments()
        }
    }

    private static let lines: [Substring: Substring] = Dictionary(
        uniqueKeysWithValues: table.split(separator: "\n").map { line in
            let end = line.firstIndex(of: " ") ?? line.endIndex
            return (line[..<end], line[end...].dropFirst())
        })

    /// Reads arguments with spaces in between. Each is its name, `:`, a letter for the type, and what there is of:
    /// `@` with the number of a key specification, the flags `?*+`, `=` with the token, `#` with the version since which it
    /// is there, `!` with that since which it had better not be used, and its parts in parentheses.
    private struct Reader {
        var rest: Substring

        private static let marks = Set("@?*+=#!()")
        private static let types: [Character: StaticString] = [
            "s": "string", "i": "integer", "d": "double", "k": "key", "g": "pattern", "t": "unix-time",
            "p": "pure-token", "o": "oneof", "b": "block",
        ]
        private static let flags: [Character: StaticString] = [
            "?": "optional", "*": "multiple", "+": "multiple_token",
        ]

        mutating func arguments() -> [CommandArgument] {
            var arguments: [CommandArgument] = []
            while let argument = argument() {
                arguments.append(argument)
                if rest.first == " " { rest.removeFirst() } else { break }
            }
            return arguments
        }

        private mutating func argument() -> CommandArgument? {
            let head = word { !Self.marks.contains($0) }
            guard let letter = head.last, let type = Self.types[letter] else { return nil }
            var argument = CommandArgument(name: head.dropLast(2), type: type)
            while let mark = rest.first, mark != " ", mark != ")" {
                rest.removeFirst()
                switch mark {
                case "@": argument.keySpecification = Int(word(\.isWholeNumber))
                case "=":
                    // A token may be a mark itself: `=`, `*`, `""` for an empty one.
                    let first = rest.prefix(1)
                    rest.removeFirst()
                    let token = first + word { !Self.marks.contains($0) }
                    argument.token = token == "\"\"" ? "" : token
                case "#": argument.since = word { $0.isWholeNumber || $0 == "." }
                case "!": argument.deprecated = word { $0.isWholeNumber || $0 == "." }
                case "(":
                    argument.parts = arguments()
                    rest.removeFirst()
                default: if let flag = Self.flags[mark] { argument.flags.append(flag) }
                }
            }
            return argument
        }

        private mutating func word(_ belongs: (Character) -> Bool) -> Substring {
            let word = rest.prefix { $0 != " " && belongs($0) }
            rest = rest[word.endIndex...]
            return word
        }
    }
}

extension CommandArgument {
    func write(to reply: ReplyWriter) {
        let texts: [(StaticString, Substring?)] = [
            ("token", token), ("since", since), ("deprecated_since", deprecated),
        ]
        reply.map(
            2 + (keySpecification == nil ? 0 : 1) + texts.count { $0.1 != nil } + (flags.isEmpty ? 0 : 1)
                + (parts.isEmpty ? 0 : 1))
        reply.bulk("name")
        reply.bulk(String(name))
        reply.bulk("type")
        reply.bulk(type)
        if let keySpecification {
            reply.bulk("key_spec_index")
            reply.integer(keySpecification)
        }
        for (name, text) in texts {
            guard let text else { continue }
            reply.bulk(name)
            reply.bulk(String(text))
        }
        if !flags.isEmpty {
            reply.bulk("flags")
            reply.set(flags.count)
            for flag in flags { reply.simple(flag) }
        }
        guard !parts.isEmpty else { return }
        reply.bulk("arguments")
        reply.array(parts.count)
        for part in parts { part.write(to: reply) }
    }
}
