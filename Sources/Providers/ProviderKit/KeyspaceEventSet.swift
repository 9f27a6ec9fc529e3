public import BrokerModel

/// Events of keys that a server publishes to who subscribes to them, by the letters of `notify-keyspace-events` (Redis
/// documentation, keyspace notifications).
public struct KeyspaceEventSet: Hashable, Sendable, CustomStringConvertible {
    private var letters: Set<Character>

    /// What A stands for.
    private static let all = "g$lshzxetd"

    public init(_ letters: String) {
        self.letters = letters.reduce(into: []) { set, letter in
            if letter == "A" { set.formUnion(Self.all) } else { set.insert(letter) }
        }
    }

    public var isEmpty: Bool { letters.isEmpty }

    public func subtracting(_ other: KeyspaceEventSet) -> KeyspaceEventSet {
        var set = self
        set.letters.subtract(other.letters)
        return set
    }

    /// As CONFIG SET takes it.
    public var description: String {
        let rest = letters.isSuperset(of: Self.all) ? letters.subtracting(Self.all).union(["A"]) : letters
        return String(rest.sorted())
    }
}

extension BrokerError {
    /// Why who listens to the wanted events would hear nothing of some of them any more, and not know it; nil where the server
    /// offers them all. A server that does not tell may offer none.
    public static func silence(
        _ wanted: KeyspaceEventSet, _ offered: KeyspaceEventSet?, at server: ProviderReference
    ) -> BrokerError? {
        let missing = offered.map { wanted.subtracting($0) } ?? wanted
        guard !missing.isEmpty else { return nil }
        return BrokerError(
            .unsafe, "\"\(server)\" does not publish all events of keys that the apps may listen to",
            why: offered == nil
                ? "it does not say what it publishes, and the apps have had \(missing)"
                : "notify-keyspace-events lacks \(missing) there, and its settings are its owner's",
            fix: offered == nil
                ? "let the broker's user ask CONFIG GET there, or --cold"
                : "CONFIG SET notify-keyspace-events at that server, or choose another one")
    }
}
