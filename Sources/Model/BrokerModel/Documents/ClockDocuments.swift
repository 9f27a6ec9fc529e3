/// `POST /v1/workspaces/W/clock`
public struct ClockRequest: Codable, Equatable, Sendable {
    /// The resources whose time is moved together; none means all of the lease, or of the workspace.
    public var resources: [String]
    /// The lease whose resources are meant where none are named.
    public var lease: String?
    public var action: Action
    /// For `set`: milliseconds since 1970.
    public var to: Int64?
    /// For `advance`: milliseconds.
    public var by: Int64?

    public enum Action: String, Codable, Sendable, CaseIterable {
        /// Time stands still.
        case freeze
        /// Time is moved to a point; what lies between happens in its order.
        case set
        /// Time is moved by an amount.
        case advance
        /// Time goes on from where it is.
        case resume
        /// Nothing is changed.
        case show
    }

    public init(
        resources: [String], lease: String? = nil, action: Action, to: Int64? = nil, by: Int64? = nil
    ) {
        self.resources = resources
        self.lease = lease
        self.action = action
        self.to = to
        self.by = by
    }
}

/// What time it is at resources.
public struct ClockDocument: Codable, Equatable, Sendable {
    public var schema = "broker.clock/1"
    public var resources: [Reading]

    public struct Reading: Codable, Equatable, Sendable {
        public var resource: String
        /// Milliseconds since 1970.
        public var time: Int64
        public var frozen: Bool

        public init(resource: String, time: Int64, frozen: Bool) {
            self.resource = resource
            self.time = time
            self.frozen = frozen
        }
    }

    public init(resources: [Reading]) {
        self.resources = resources
    }
}
