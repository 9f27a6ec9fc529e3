public import BrokerModel

/// A provider that can be asked what a backing holds: for assertions of tests. Nothing is changed by a question.
public protocol AnswersQuestions: Provider {
    /// Throws `unsupported` for a question that the class does not have, `serverUnreachable`, and `invalidRequest` with the
    /// server's own words where it refuses the question.
    func ask(_ question: Question) async throws(BrokerError) -> Answer
}

/// What does this backing hold?
public struct Question: Sendable {
    public enum Kind: Hashable, Sendable {
        /// A command of class `redis` that changes nothing, in database 0.
        case command([String])
        /// A tube's jobs, of class `beanstalk`.
        case tube(String)
        /// The first column of the first row of a query, of class `sqlite`.
        case query(String)
    }

    public let backing: Backing
    public let serviceClass: ServiceClass
    public let kind: Kind

    public init(backing: Backing, serviceClass: ServiceClass, kind: Kind) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.kind = kind
    }

    public static func unsupported(_ serviceClass: ServiceClass, _ kind: Kind) -> BrokerError {
        let asked =
            switch kind {
            case .command: "a key"
            case .tube: "a tube"
            case .query: "a query"
            }
        return BrokerError(
            .unsupported, "a \(serviceClass.rawValue) resource has no \(asked.dropFirst(2))",
            why: "a redis resource is asked for keys, beanstalk for tubes, sqlite by queries",
            fix: "broker expect --help")
    }
}

public enum Answer: Hashable, Sendable {
    case text(String)
    case integer(Int64)
    case null
    case list([Answer])
    case jobs(Jobs)

    /// A tube's jobs by their state.
    public struct Jobs: Hashable, Sendable {
        public var ready: Int
        public var reserved: Int
        public var delayed: Int
        public var buried: Int

        public init(ready: Int = 0, reserved: Int = 0, delayed: Int = 0, buried: Int = 0) {
            self.ready = ready
            self.reserved = reserved
            self.delayed = delayed
            self.buried = buried
        }
    }
}
