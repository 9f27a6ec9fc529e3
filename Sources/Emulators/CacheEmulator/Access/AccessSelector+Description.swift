import RESPWire

/// Rules as Redis 7.0 writes them: not as they were given, but the fewest it finds that give the same rights.
extension AccessSelector {
    /// `~a %R~b`, or `~*`.
    var keyRules: [[UInt8]] {
        if allowsAllKeys { return [Array("~*".utf8)] }
        return keys.map { key in
            switch key.permissions {
            case .read: Array("%R~".utf8) + key.pattern
            case .write: Array("%W~".utf8) + key.pattern
            default: [UInt8(ascii: "~")] + key.pattern
            }
        }
    }

    var channelRules: [[UInt8]] {
        allowsAllChannels ? [Array("&*".utf8)] : channels.map { [UInt8(ascii: "&")] + $0 }
    }

    /// Begins with all commands or with none; then categories, as long as one has more in common with the rights than
    /// not; then single commands.
    var commandRules: [UInt8] {
        var written = AccessSelector.none
        let adds = !allowsUnknown
        var rules = [adds ? "-@all" : "+@all"]
        if !adds { written.set(all: true) }
        var rest = self
        var open = CommandCategory.allCases
        while let best = rest.best(of: open, adds: adds) {
            open.removeAll { $0 == best }
            written.set(best, adds)
            rest.set(best, !adds)
            rules.append("\(adds ? "+" : "-")@\(best.rawValue)")
        }
        var text = Array(rules.joined(separator: " ").utf8)
        for number in Self.described { text += difference(at: number, to: &written) }
        return text
    }

    /// Containers in front of their subcommands.
    private static let described = CommandCatalogue.shared.names.indices.filter {
        CommandCatalogue.shared.containers[$0] == nil
    }.flatMap { [$0] + CommandCatalogue.shared.subcommands[$0] }

    /// The category with the fewest commands that differ from the rights, of two the one with more that do not.
    private func best(of open: [CommandCategory], adds: Bool) -> CommandCategory? {
        var best: CommandCategory?
        var (fewest, most) = (Int.max, 0)
        for category in open {
            let members = CommandCatalogue.shared.members(of: category)
            let allowed = members.intersection(commands).count
            let denied = members.count - allowed
            let (differing, same) = adds ? (denied, allowed) : (allowed, denied)
            guard same > differing, differing < fewest || differing == fewest && same > most else { continue }
            (best, fewest, most) = (category, differing, same)
        }
        return best
    }

    private func difference(at number: Int, to written: inout AccessSelector) -> [UInt8] {
        let name = CommandCatalogue.shared.names[number]
        let isAllowed = commands.contains(number)
        var text: [UInt8] = []
        if isAllowed != written.commands.contains(number) {
            text += Array(" \(isAllowed ? "+" : "-")\(name)".utf8)
            written.set(number, isAllowed)
        }
        if !isAllowed { for argument in firstArguments[number] ?? [] { text += Array(" +\(name)|".utf8) + argument } }
        return text
    }

    /// As ACL LIST writes it.
    var rules: [UInt8] {
        var parts = keyRules
        if !allowsAllChannels { parts.append(Array("resetchannels".utf8)) }
        parts += channelRules
        parts.append(commandRules)
        return Array(parts.joined(separator: [UInt8(ascii: " ")]))
    }
}
