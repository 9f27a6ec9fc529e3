public import BrokerModel

/// A provider that can keep what backings hold, let them go back to it, and let others begin with it.
///
/// A branch is a backing that is provisioned `from` a snapshot. Whether a snapshot outlives the daemon is the provider's
/// own: what it has lost it answers with `snapshotNotFound`.
public protocol Snapshots: Provider {
    /// Keeps what some backings hold, all at one instant: whoever has written to one of them and then to another is seen
    /// in both, in the first alone, or in none. All or none are kept. What is kept already under an id stays as it is.
    func snapshot(_ request: SnapshotRequest) async throws(BrokerError) -> SnapshotResponse

    /// Has a backing go back to a snapshot of it, or of another backing. Its clients stay connected. Throws, and has
    /// changed nothing, where that cannot be.
    func restore(_ request: RestoreRequest) async throws(BrokerError) -> RestoreResponse

    /// Empties a backing, or has it go back to what it began with; in the same way.
    func reset(_ request: ResetRequest) async throws(BrokerError) -> ResetResponse

    /// Forgets a snapshot; what has begun with it keeps what it has. One that is gone is removed with success.
    func removeSnapshot(_ id: SnapshotID) async throws(BrokerError)

    /// Adds what a file has to what a backing holds: all of it or, where something in it cannot be taken, nothing.
    func seed(_ request: SeedRequest) async throws(BrokerError) -> SeedResponse
}

/// Keep what these backings hold.
public struct SnapshotRequest: Sendable {
    public struct Part: Sendable {
        /// What is kept is asked for by this.
        public let id: SnapshotID
        public let backing: Backing
        public let serviceClass: ServiceClass

        public init(id: SnapshotID, backing: Backing, serviceClass: ServiceClass) {
            self.id = id
            self.backing = backing
            self.serviceClass = serviceClass
        }
    }

    public let parts: [Part]

    public init(parts: [Part]) {
        self.parts = parts
    }
}

public struct SnapshotResponse: Equatable, Sendable {
    public struct Facts: Equatable, Sendable {
        /// Keys of a cache, jobs of a queue; nil for a file.
        public let items: Int?
        /// What it would take as a copy.
        public let bytes: Int

        public init(items: Int?, bytes: Int) {
            self.items = items
            self.bytes = bytes
        }
    }

    /// In the order of the request's parts.
    public let facts: [Facts]

    public init(facts: [Facts]) {
        self.facts = facts
    }
}

/// Have this backing go back.
public struct RestoreRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    public let snapshot: SnapshotID

    public init(backing: Backing, serviceClass: ServiceClass, snapshot: SnapshotID) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.snapshot = snapshot
    }
}

public struct RestoreResponse: Equatable, Sendable {
    public init() {}
}

/// Have this backing begin anew.
public struct ResetRequest: Sendable {
    public enum Goal: Equatable, Sendable {
        /// With nothing.
        case nothing
        /// With the snapshot that it began with; with nothing where there was none.
        case beginning
    }

    public let backing: Backing
    public let serviceClass: ServiceClass
    public let goal: Goal

    public init(backing: Backing, serviceClass: ServiceClass, goal: Goal = .nothing) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.goal = goal
    }
}

public struct ResetResponse: Equatable, Sendable {
    public init() {}
}

/// Add what this file has.
public struct SeedRequest: Sendable {
    /// What a file can be; what stands in it is the provider's own.
    public enum Format: String, CaseIterable, Sendable {
        /// Commands of the redis protocol, as `redis-cli --pipe` takes them.
        case resp
        /// A file as redis-server writes it.
        case rdb
        /// One object: names of keys with their values; or, for a queue, a job in each line.
        case json
        /// Statements of SQLite.
        case sql
    }

    public let backing: Backing
    public let serviceClass: ServiceClass
    public let path: String
    public let format: Format

    public init(backing: Backing, serviceClass: ServiceClass, path: String, format: Format) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.path = path
        self.format = format
    }
}

public struct SeedResponse: Equatable, Sendable {
    /// Commands, keys, jobs or statements, as the format has them.
    public let items: Int

    public init(items: Int) {
        self.items = items
    }
}
