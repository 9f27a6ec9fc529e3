/// `POST /v1/workspaces/W/leases`
public struct LeaseRequest: Codable, Equatable, Sendable {
    /// Made for the lease, in this order; none is allowed: then it only holds other leases.
    public var resources: [LeaseWish]
    /// The id of the lease with which this one ends; one of the caller's workspace.
    public var under: String?
    /// Seconds until it ends by itself, a day at most. Where nothing is said, a lease that a connection holds or that is
    /// under another one has no such end; any other has an hour.
    public var ttl: Int?

    public static let usualTTL = 3600
    public static let longestTTL = 86_400
    /// What one lease may have.
    public static let mostResources = 64

    public init(resources: [LeaseWish], under: String? = nil, ttl: Int? = nil) {
        self.resources = resources
        self.under = under
        self.ttl = ttl
    }
}

/// One resource of a lease, as it is asked for.
public struct LeaseWish: Codable, Equatable, Sendable {
    public var name: String
    /// Nil is the class that the name suggests.
    public var `class`: String?
    /// Nil is the emulator.
    public var provider: ProviderDocument?
    /// Nil is the provider's first.
    public var plan: String?
    /// The port of 127.0.0.1 that it is to have; nil and 0 are any free one.
    public var port: Int?
    /// False lets every client in without a password: for suites that insist on that.
    public var auth: Bool?
    /// The snapshot that it begins with, by its name: its part of the same name, else its only one of the same class.
    public var from: String?
    /// What is to go wrong there from the first connection on.
    public var faults: [Fault]?

    public init(
        name: String, class: String? = nil, provider: ProviderDocument? = nil, plan: String? = nil, port: Int? = nil,
        auth: Bool? = nil, from: String? = nil, faults: [Fault]? = nil
    ) {
        self.name = name
        self.class = `class`
        self.provider = provider
        self.plan = plan
        self.port = port
        self.auth = auth
        self.from = from
        self.faults = faults
    }
}

/// A lease.
public struct LeaseDocument: Codable, Equatable, Sendable {
    public var schema = "broker.lease/1"
    public var id: String
    /// The lease with which it ends.
    public var under: String?
    /// It ends with the connection that has taken it.
    public var held: Bool
    /// It was kept when its connection ended.
    public var kept: Bool
    /// The process that has taken it; nil where the system does not tell.
    public var pid: Int32?
    /// Seconds until it ends by itself; nil where only its connection, or the lease above it, ends it.
    public var endsIn: Double?
    /// Milliseconds that taking it took.
    public var took: Double
    public var resources: [LeasedResourceDocument]
    public var variables: [Variable]

    public struct Variable: Codable, Equatable, Sendable {
        public var name: String
        /// In the clear, for who takes the lease; nil in lists.
        public var value: String?
        public var masked: String
        public var resource: String

        public init(name: String, value: String?, masked: String, resource: String) {
            self.name = name
            self.value = value
            self.masked = masked
            self.resource = resource
        }
    }

    public init(
        id: String, under: String?, held: Bool, kept: Bool, pid: Int32?, endsIn: Double?, took: Double,
        resources: [LeasedResourceDocument], variables: [Variable]
    ) {
        self.id = id
        self.under = under
        self.held = held
        self.kept = kept
        self.pid = pid
        self.endsIn = endsIn
        self.took = took
        self.resources = resources
        self.variables = variables
    }

    /// The variables by name, values in the clear.
    public var values: [String: String] {
        Dictionary(variables.compactMap { item in item.value.map { (item.name, $0) } }) { first, _ in first }
    }
}

/// One resource of a lease.
public struct LeasedResourceDocument: Codable, Equatable, Sendable {
    public var name: String
    public var `class`: String
    public var provider: String
    /// What serves it, with its version: `redis 7.0.15`.
    public var server: String?
    /// Nil for a file.
    public var port: Int?
    /// Nil but for a file.
    public var path: String?
    public var connections: Int
    /// Commands that were asked for and are not known, with how often.
    public var unsupported: [String: Int]

    public init(
        name: String, class: String, provider: String, server: String?, port: Int?, path: String?, connections: Int,
        unsupported: [String: Int]
    ) {
        self.name = name
        self.class = `class`
        self.provider = provider
        self.server = server
        self.port = port
        self.path = path
        self.connections = connections
        self.unsupported = unsupported
    }
}

/// `GET /v1/workspaces/W/leases`
public struct LeasesDocument: Codable, Equatable, Sendable {
    public var schema = "broker.leases/1"
    public var leases: [LeaseDocument]
    /// Servers that were started ahead of need, and which no lease has yet: how many of each provider.
    public var warm: [String: Int]

    public init(leases: [LeaseDocument], warm: [String: Int] = [:]) {
        self.leases = leases
        self.warm = warm
    }
}

/// `POST /v1/workspaces/W/leases/L/renew`, `…/keep`
public struct LeaseTerm: Codable, Equatable, Sendable {
    /// Seconds from now.
    public var ttl: Int?

    public init(ttl: Int?) {
        self.ttl = ttl
    }
}

/// `POST /v1/workspaces/W/leases/L/process`: the process that works with a lease. Where the holder ends without having
/// given the lease back, the process is asked to end and then killed, since its resources go.
public struct LeaseProcess: Codable, Equatable, Sendable {
    public var pid: Int32
    /// When the system started it, as it counts that.
    public var startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }
}

/// `DELETE /v1/workspaces/W/leases/L`: what came of a lease and of those under it.
public struct LeaseEndDocument: Codable, Equatable, Sendable {
    public var schema = "broker.lease-end/1"
    public var id: String
    /// It was there; false where it had ended already.
    public var ended: Bool
    /// How many leases with resources there were, this one included.
    public var leases: Int
    /// Leases under it that nobody had given back.
    public var leftOpen: Int
    /// Milliseconds that taking a lease took: of the middle one, and of the slowest but one in a hundred.
    public var tookMedian: Double
    public var tookP99: Double
    /// Requests of class `redis` that their resources took.
    public var requests: UInt64
    /// Commands that were asked for and are not known, with how often.
    public var unsupported: [String: Int]

    public init(
        id: String, ended: Bool, leases: Int = 0, leftOpen: Int = 0, tookMedian: Double = 0, tookP99: Double = 0,
        requests: UInt64 = 0, unsupported: [String: Int] = [:]
    ) {
        self.id = id
        self.ended = ended
        self.leases = leases
        self.leftOpen = leftOpen
        self.tookMedian = tookMedian
        self.tookP99 = tookP99
        self.requests = requests
        self.unsupported = unsupported
    }
}
