/// `POST /v1/workspaces/W/resources/R/expect`: exactly one of `key`, `tube` and `query`, and what is expected of it.
public struct ExpectRequest: Codable, Equatable, Sendable {
    /// Of a redis resource, in its database 0.
    public var key: String?
    /// Of a hash.
    public var field: String?
    /// Of a beanstalk resource.
    public var tube: String?
    /// Of a sqlite resource: the first column of the first row counts.
    public var query: String?

    /// Its value; numbers as SQLite and Redis write them.
    public var equals: String?
    /// It is there, or is not.
    public var exists: Bool?
    /// Elements of a collection, bytes of a string.
    public var length: Int?
    public var ready: Int?
    public var reserved: Int?
    public var delayed: Int?
    public var buried: Int?

    /// Milliseconds in which it may come true; nothing is waited for where none is said.
    public var within: Int?

    public init(
        key: String? = nil, field: String? = nil, tube: String? = nil, query: String? = nil, equals: String? = nil,
        exists: Bool? = nil, length: Int? = nil, ready: Int? = nil, reserved: Int? = nil, delayed: Int? = nil,
        buried: Int? = nil, within: Int? = nil
    ) {
        self.key = key
        self.field = field
        self.tube = tube
        self.query = query
        self.equals = equals
        self.exists = exists
        self.length = length
        self.ready = ready
        self.reserved = reserved
        self.delayed = delayed
        self.buried = buried
        self.within = within
    }
}

/// Whether it came true.
public struct ExpectDocument: Codable, Equatable, Sendable {
    public var schema = "broker.expectation/1"
    public var met: Bool
    /// What was expected, and what was seen last, for people.
    public var expected: String
    public var saw: String
    /// Milliseconds until it was known.
    public var took: Double

    public init(met: Bool, expected: String, saw: String, took: Double) {
        self.met = met
        self.expected = expected
        self.saw = saw
        self.took = took
    }
}
