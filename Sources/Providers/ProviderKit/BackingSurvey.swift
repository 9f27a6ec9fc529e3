public import BrokerModel
public import RESPWire

/// Look at what a backing holds and offers, and change nothing.
public struct SurveyRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    /// Draw so many keys for types and sizes; 0 draws none.
    public let sample: Int

    public init(backing: Backing, serviceClass: ServiceClass, sample: Int = 0) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.sample = sample
    }
}

/// What a backing holds and offers. What a server does not tell is nil.
public struct BackingSurvey: Equatable, Sendable {
    /// The keys that were drawn, of one type.
    public struct Share: Equatable, Sendable {
        public var keys: Int
        /// Of memory, of those keys.
        public var bytes: Int

        public init(keys: Int = 0, bytes: Int = 0) {
            self.keys = keys
            self.bytes = bytes
        }
    }

    /// The number of keys in each database that has some, numbered as the app sees them.
    public var keys: [Int: Int]
    /// By type (`string`, `list`, …), of the keys that were drawn.
    public var drawn: [String: Share] = [:]
    /// Bytes of memory that the server uses, for whomever.
    public var memory: Int?
    /// Its limit of memory, in bytes; 0 is none.
    public var memoryLimit: Int?
    /// Keys that it has thrown away for want of memory.
    public var evictedKeys: Int?
    /// How many more clients it takes.
    public var clientsLeft: Int?
    /// Which server it is, by the name of its present run.
    public var run: String?
    /// The one database of that server that is the backing's; nil where all are.
    public var database: Int?
    /// Whether it hands its changes to a replica; nil where it does not tell.
    public var handsOutChanges: Bool?
    /// Its clients by their number there, with their addresses, but for the broker's own questions.
    public var clients: [Int64: String]?
    /// The commands that it knows, in lower case, subcommands as `xgroup|create`.
    public var commands: Set<String>?
    /// The version whose commands' options it has, as 602 for 6.2; nil where it has all that are known, or does not tell.
    public var version: DatedOptions.Version?
    /// The events of keys that it publishes.
    public var keyspaceEvents: KeyspaceEventSet?
    /// Users that apps have made there with ACL SETUSER.
    public var madeUsers: [String] = []

    public init(keys: [Int: Int]) {
        self.keys = keys
    }

    /// Whether some data is of both.
    public func shares(with other: BackingSurvey) -> Bool {
        guard let run, run == other.run else { return false }
        return database == nil || other.database == nil || database == other.database
    }

    public var count: Int { keys.values.reduce(0, +) }

    /// Those of `used` that are not known here, options as `set keepttl` among them; a subcommand counts as known where the server names none of its
    /// command. Nil where the server does not tell what it knows.
    public func missing(of used: Set<String>) -> Set<String>? {
        guard let commands else { return nil }
        let containers = Set(commands.compactMap { name in name.firstIndex(of: "|").map { String(name[..<$0]) } })
        return used.filter { name in
            guard !commands.contains(name) else { return false }
            if let since = DatedOptions.version(of: name) { return version.map { $0 < since } ?? false }
            guard let bar = name.firstIndex(of: "|") else { return true }
            let container = String(name[..<bar])
            return containers.contains(container) || !commands.contains(container)
        }
    }
}
