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
    public var description: String { String(letters.sorted()) }
}

extension BrokerError {
    /// Who listens to these events would hear nothing of them any more, and not know it.
    public static func silence(about events: KeyspaceEventSet, at server: String) -> BrokerError {
        BrokerError(
            .unsafe, "\"\(server)\" does not publish all events of keys that the apps may listen to",
            why: "notify-keyspace-events lacks \(events) there, and its settings are its owner's",
            fix: "CONFIG SET notify-keyspace-events at that server, or choose another one")
    }
}
