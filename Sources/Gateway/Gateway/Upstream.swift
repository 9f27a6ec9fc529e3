public import CacheEmulator
public import EventLoop
public import QueueEmulator

/// Who serves an endpoint: an emulator on the endpoint's own loop, or a server over a socket.
public enum Upstream: Sendable {
    case cache(LoopBound<CacheEmulator>)
    case queue(LoopBound<QueueEmulator>)
    case redisServer(RedisServer)

    /// A real server of class `redis`, and how the gateway logs in to it.
    public struct RedisServer: Hashable, Sendable {
        public var address: SocketAddress
        /// Nil logs in as the default user.
        public var user: String?
        /// Nil where the server asks for none. It is never shown to an app.
        public var secret: String?
        /// The one database that is the apps', who see it as 0; nil where the whole server is theirs.
        public var database: Int?
        /// What it calls itself, with its version: `redis 7.0.15`; nil where it does not say.
        public var product: String?
        /// Nil where all clients are the broker's user there: then the gateway alone guards access.
        public var ownUsers: OwnUsers?

        public init(
            address: SocketAddress, user: String?, secret: String?, database: Int?, product: String? = nil,
            ownUsers: OwnUsers? = nil
        ) {
            self.ownUsers = ownUsers
            self.address = address
            self.user = user
            self.secret = secret
            self.database = database
            self.product = product
        }
    }
}

/// Names an endpoint within the daemon: the id of a resource, or of an attachment where each has its own.
public struct EndpointID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    /// Whose endpoint it is: those of one tenant live on one loop, with what serves them.
    public let tenant: String

    /// - Parameter tenant: nil where the endpoint is all that the tenant has.
    public init(_ rawValue: String, of tenant: String? = nil) {
        self.rawValue = rawValue
        self.tenant = tenant ?? rawValue
    }

    public var description: String { rawValue }
}

/// The right of one attachment to use an endpoint whose protocol authenticates.
public struct Grant: Hashable, Sendable {
    /// The attachment's id: what `revoke` takes.
    public var holder: String
    public var user: String
    public var secret: String

    public init(holder: String, user: String, secret: String) {
        self.holder = holder
        self.user = user
        self.secret = secret
    }
}

/// How an endpoint is from its first client on.
public struct EndpointBeginning: Sendable {
    /// Nil where the protocol does not authenticate.
    public var grant: Grant?
    /// Clients that say nothing are let in as the grant's holder, without a password.
    public var admitsAll: Bool
    /// Nil has clients held until `route` names one.
    public var upstream: Upstream?

    public init(grant: Grant?, admitsAll: Bool, upstream: Upstream?) {
        self.grant = grant
        self.admitsAll = admitsAll
        self.upstream = upstream
    }
}

/// What an endpoint counts.
public struct EndpointStatistics: Equatable, Sendable {
    /// Clients connected now.
    public var connections: Int
    /// Requests of class `redis` that were taken since the endpoint was opened.
    public var requests: UInt64
    /// Commands that clients sent and the upstream does not know, with how often; bounded in size.
    public var unsupported: [String: Int]

    public init(connections: Int = 0, requests: UInt64 = 0, unsupported: [String: Int] = [:]) {
        self.connections = connections
        self.requests = requests
        self.unsupported = unsupported
    }
}
