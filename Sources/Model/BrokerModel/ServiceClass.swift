/// The wire protocol that a resource speaks: what makes two providers interchangeable.
public enum ServiceClass: String, Codable, Hashable, Sendable, CaseIterable {
    case redis
    case sqlite
    case beanstalk

    /// The class that a resource's name suggests: `cache` redis, `db` and `store` sqlite, `queue` and `jobs` beanstalk.
    public init?(defaultFor name: ResourceName) {
        switch name.rawValue {
        case "cache": self = .redis
        case "db", "store": self = .sqlite
        case "queue", "jobs": self = .beanstalk
        default: return nil
        }
    }

    /// The variable that frameworks expect; it belongs to an app's primary attachment of the class.
    public var usualVariable: String {
        switch self {
        case .redis: "REDIS_URL"
        case .sqlite: "DATABASE_URL"
        case .beanstalk: "BEANSTALK_URL"
        }
    }

    /// Whether the protocol lets a client say who it is. Where it does not, every attachment has an endpoint of its
    /// own, since nothing else tells two apps apart.
    public var authenticates: Bool {
        switch self {
        case .redis: true
        case .sqlite, .beanstalk: false
        }
    }

    /// Whether clients reach it over a socket; a `sqlite` resource is a file.
    public var isNetworked: Bool { self != .sqlite }

    /// The class of the servers that a program of this name, or at this path, is known to be; nil for one that broker
    /// does not know.
    public init?(ofProgram program: String) {
        switch program.split(separator: "/").last {
        case "redis-server", "valkey-server": self = .redis
        case "beanstalkd": self = .beanstalk
        case "sqlite3": self = .sqlite
        default: return nil
        }
    }

    /// Throws `invalidClass` with the known classes.
    ///
    /// - Parameter command: the command that was typed, without its options, for the fix.
    public init(named text: String, command: String) throws(BrokerError) {
        guard let known = ServiceClass(rawValue: text) else {
            let all = Self.allCases.map(\.rawValue).joined(separator: ", ")
            let near = Self.allCases.first { text.lowercased().hasPrefix($0.rawValue.prefix(3)) } ?? .redis
            throw BrokerError(
                .invalidClass, "\"\(text.prefix(80))\" is no class", why: "the classes are \(all)",
                fix: "\(command) --class \(near.rawValue)")
        }
        self = known
    }
}
