import RESPWire

/// Whether rights are within others. In doubt they are not: patterns that only a search could compare are taken as wider.
extension AccessSelector {
    /// - Parameter unseen: commands that nobody may run, whatever the rules say.
    func isWithin(_ other: AccessSelector, butFor unseen: CommandSet) -> Bool {
        guard commands.subtracting(unseen).isSubset(of: other.commands), !allowsUnknown || other.allowsUnknown,
            !allowsAllKeys || other.allowsAllKeys, !allowsAllChannels || other.allowsAllChannels
        else { return false }
        for (number, arguments) in firstArguments where !unseen.contains(number) && !other.commands.contains(number) {
            let known = other.firstArguments[number] ?? []
            guard arguments.allSatisfy(known.contains) else { return false }
        }
        return (other.allowsAllKeys || keys.allSatisfy(other.covers))
            && (other.allowsAllChannels || channels.allSatisfy(other.covers))
    }

    private func covers(_ key: KeyPattern) -> Bool {
        keys.contains {
            $0.permissions.isSuperset(of: key.permissions) && Self.covers($0.pattern, key.pattern)
        }
    }

    private func covers(_ channel: [UInt8]) -> Bool { channels.contains { Self.covers($0, channel) } }

    /// Whether every name that the second pattern matches is matched by the first, and by its look: both are the same,
    /// the first is `prefix*` and the second begins with the prefix, or the second is no pattern.
    private static func covers(_ wide: [UInt8], _ narrow: [UInt8]) -> Bool {
        if wide == narrow { return true }
        let special = Array("*?[\\".utf8)
        if !narrow.contains(where: special.contains) {
            return wide.withBytes { wide in narrow.withBytes { Glob.matches(wide, $0) } }
        }
        guard wide.last == UInt8(ascii: "*") else { return false }
        let prefix = wide.dropLast()
        return !prefix.contains(where: special.contains) && narrow.starts(with: prefix)
    }
}
