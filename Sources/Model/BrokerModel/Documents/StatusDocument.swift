/// What `broker status --json` prints and `GET /v1/workspaces/W/status` answers. Fields are only ever added.
public struct StatusDocument: Codable, Equatable, Sendable {
    public var schema = "broker.status/1"
    public var workspace: String
    public var resources: [ResourceStatus]
    public var apps: [AppStatus]

    public init(workspace: String, resources: [ResourceStatus], apps: [AppStatus]) {
        self.workspace = workspace
        self.resources = resources
        self.apps = apps
    }
}

/// One resource in a status.
public struct ResourceStatus: Codable, Equatable, Sendable {
    public var name: String
    public var `class`: String
    public var provider: String
    public var plan: String
    /// `starting`, `ready`, `port-taken` or `failed`.
    public var state: String
    /// What a person needs to know beyond the state: the owner of the port, the failure.
    public var detail: String?
    /// Nil for files, and where each attachment has an endpoint of its own.
    public var host: String?
    public var port: Int?
    /// The file of a `sqlite` resource.
    public var path: String?
    /// Clients connected now.
    public var connections: Int
    /// Commands that clients sent and the provider does not know, with how often.
    public var unsupported: [String: Int]
    /// The way back from a swap; nil where none is open.
    public var undo: Undo?

    /// The swap that is under way; nil where none is.
    public var swap: Swap?

    /// Who keeps apps apart at a server elsewhere: `own-users` (each attachment has a user of its own there) or `gateway`
    /// (all come as the broker's user); nil for other providers.
    public var access: String?

    /// How far a swap is.
    public struct Swap: Codable, Equatable, Sendable {
        public enum Phase: String, Codable, Sendable {
            case copying, comparing, moving
        }

        public var to: String
        public var phase: Phase
        /// Keys of the phase; nil in the last one.
        public var done: Int?
        public var total: Int?
        public var perSecond: Int?
        public var secondsLeft: Double?

        public init(to: String, phase: Phase, done: Int?, total: Int?, perSecond: Int?, secondsLeft: Double?) {
            self.to = to
            self.phase = phase
            self.done = done
            self.total = total
            self.perSecond = perSecond
            self.secondsLeft = secondsLeft
        }
    }

    /// Where `rollback` leads.
    public struct Undo: Codable, Equatable, Sendable {
        public var to: String
        /// How long it is still open.
        public var seconds: Int
        /// Why what was written since cannot go along any more; nil where it can.
        public var failure: String?

        public init(to: String, seconds: Int, failure: String? = nil) {
            self.failure = failure
            self.to = to
            self.seconds = seconds
        }
    }

    public init(
        name: String, class: String, provider: String, plan: String, state: String, detail: String?, host: String?,
        port: Int?, path: String?, connections: Int, unsupported: [String: Int]
    ) {
        self.name = name
        self.class = `class`
        self.provider = provider
        self.plan = plan
        self.state = state
        self.detail = detail
        self.host = host
        self.port = port
        self.path = path
        self.connections = connections
        self.unsupported = unsupported
    }
}

extension ResourceStatus {
    /// `host` and `port` are always there: null where the resource has no endpoint of its own.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(`class`, forKey: .class)
        try container.encode(provider, forKey: .provider)
        try container.encode(plan, forKey: .plan)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(detail, forKey: .detail)
        try container.encode(host, forKey: .host)
        try container.encode(port, forKey: .port)
        try container.encodeIfPresent(path, forKey: .path)
        try container.encode(connections, forKey: .connections)
        try container.encode(unsupported, forKey: .unsupported)
        try container.encodeIfPresent(undo, forKey: .undo)
        try container.encodeIfPresent(swap, forKey: .swap)
        try container.encodeIfPresent(access, forKey: .access)
    }
}

/// One app in a status.
public struct AppStatus: Codable, Equatable, Sendable {
    public var name: String
    public var release: Int
    public var attachments: [AttachmentStatus]

    public init(name: String, release: Int, attachments: [AttachmentStatus]) {
        self.name = name
        self.release = release
        self.attachments = attachments
    }
}

/// One attachment in a status.
public struct AttachmentStatus: Codable, Equatable, Sendable {
    public var alias: String
    public var resource: String
    public var mode: String
    /// The names of the variables it sets: `CACHE_URL`, `REDIS_URL`.
    public var variables: [String]
    /// The attachment's own endpoint port, where the class does not authenticate.
    public var port: Int?

    public init(alias: String, resource: String, mode: String, variables: [String], port: Int?) {
        self.alias = alias
        self.resource = resource
        self.mode = mode
        self.variables = variables
        self.port = port
    }
}
