/// `POST /v1/workspaces/W/resources/R/commands`
public struct CommandsRequest: Codable, Equatable, Sendable {
    /// Count anew from now; what was counted until now is answered.
    public var mark: Bool

    public init(mark: Bool) {
        self.mark = mark
    }
}

/// The commands that clients have sent to a resource since the last mark.
public struct CommandsDocument: Codable, Equatable, Sendable {
    public var schema = "broker.commands/1"
    /// Nothing was noted until now: it begins with this call.
    public var begins: Bool
    public var total: Int
    /// By name in lower case.
    public var counts: [String: Int]
    /// The last ones, the oldest first; keys only, no values.
    public var last: [Entry]

    public struct Entry: Codable, Equatable, Sendable {
        public var command: String
        public var keys: [String]
        /// CLIENT SETNAME, where the client has said one.
        public var client: String?

        public init(command: String, keys: [String], client: String?) {
            self.command = command
            self.keys = keys
            self.client = client
        }
    }

    public init(total: Int, counts: [String: Int], last: [Entry], begins: Bool = false) {
        self.begins = begins
        self.total = total
        self.counts = counts
        self.last = last
    }
}

/// `POST /v1/workspaces/W/resources/R/reset`
public struct ResetDocument: Codable, Equatable, Sendable {
    public var schema = "broker.reset/1"
    public var resource: String

    public init(resource: String) {
        self.resource = resource
    }
}

/// `POST /v1/workspaces/W/resources/R/faults`
public struct FaultsRequest: Codable, Equatable, Sendable {
    /// Added all at once, or none.
    public var faults: [Fault]

    public init(faults: [Fault]) {
        self.faults = faults
    }
}

/// The faults of a resource.
public struct FaultsDocument: Codable, Equatable, Sendable {
    public var schema = "broker.faults/1"
    public var faults: [FaultStatus]

    public init(faults: [FaultStatus]) {
        self.faults = faults
    }
}

/// One fault of a resource, with what has come of it.
public struct FaultStatus: Codable, Equatable, Sendable {
    public var id: String
    public var fault: Fault
    /// How many commands, or connections, it has met.
    public var matched: Int
    /// How often it has happened.
    public var fired: Int
    /// How often it will happen at most.
    public var remaining: Int?
    /// Milliseconds until it ends by itself.
    public var endsIn: Int?

    public init(id: String, fault: Fault, matched: Int, fired: Int, remaining: Int?, endsIn: Int?) {
        self.id = id
        self.fault = fault
        self.matched = matched
        self.fired = fired
        self.remaining = remaining
        self.endsIn = endsIn
    }
}

/// `POST /v1/workspaces/W/snapshots`
public struct SnapshotCreateRequest: Codable, Equatable, Sendable {
    public var name: String
    /// Kept at one instant; none means all of the lease, or of the workspace.
    public var resources: [String]
    public var lease: String?

    public init(name: String, resources: [String], lease: String? = nil) {
        self.name = name
        self.resources = resources
        self.lease = lease
    }
}

/// One snapshot of a workspace.
public struct SnapshotDocument: Codable, Equatable, Sendable {
    public var schema = "broker.snapshot/1"
    public var name: String
    /// RFC 3339.
    public var time: String
    public var resources: [Part]

    public struct Part: Codable, Equatable, Sendable {
        /// Without the lease's id.
        public var name: String
        public var `class`: String
        /// Keys of a cache, jobs of a queue; nil for a file.
        public var items: Int?
        public var bytes: Int

        public init(name: String, class: String, items: Int?, bytes: Int) {
            self.name = name
            self.class = `class`
            self.items = items
            self.bytes = bytes
        }
    }

    public init(name: String, time: String, resources: [Part]) {
        self.name = name
        self.time = time
        self.resources = resources
    }
}

/// `GET /v1/workspaces/W/snapshots`
public struct SnapshotsDocument: Codable, Equatable, Sendable {
    public var schema = "broker.snapshots/1"
    public var snapshots: [SnapshotDocument]

    public init(snapshots: [SnapshotDocument]) {
        self.snapshots = snapshots
    }
}

/// `POST /v1/workspaces/W/snapshots/S/restore`
public struct RestoreSnapshotRequest: Codable, Equatable, Sendable {
    /// What goes back; none means all that the snapshot has, of the lease or of the workspace.
    public var resources: [String]
    public var lease: String?

    public init(resources: [String], lease: String? = nil) {
        self.resources = resources
        self.lease = lease
    }
}

/// `POST /v1/workspaces/W/resources/R/seed`
public struct SeedFileRequest: Codable, Equatable, Sendable {
    /// The file's absolute path.
    public var path: String
    /// `resp`, `rdb`, `json` or `sql`; nil goes by the file's name.
    public var format: String?

    public init(path: String, format: String?) {
        self.path = path
        self.format = format
    }
}

/// What a seed has brought.
public struct SeedDocument: Codable, Equatable, Sendable {
    public var schema = "broker.seed/1"
    public var resource: String
    /// Commands, keys, jobs or statements, as the format has them.
    public var items: Int

    public init(resource: String, items: Int) {
        self.resource = resource
        self.items = items
    }
}
