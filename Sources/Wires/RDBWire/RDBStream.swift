/// A stream with all that Redis keeps of it: entries, what it remembers of deleted ones, and consumer groups.
public struct RDBStream: Equatable, Sendable {
    public struct ID: Hashable, Comparable, Sendable {
        public var milliseconds: UInt64
        public var sequence: UInt64

        public static let zero = ID(0, 0)

        public init(_ milliseconds: UInt64, _ sequence: UInt64) {
            self.milliseconds = milliseconds
            self.sequence = sequence
        }

        public static func < (left: ID, right: ID) -> Bool {
            left.milliseconds != right.milliseconds
                ? left.milliseconds < right.milliseconds : left.sequence < right.sequence
        }
    }

    public struct Entry: Equatable, Sendable {
        public var id: ID
        public var fields: [RDBField]

        public init(id: ID, fields: [RDBField]) {
            self.id = id
            self.fields = fields
        }
    }

    /// An entry that was delivered and not acknowledged; the entry itself may be gone.
    public struct Pending: Equatable, Sendable {
        public var id: ID
        /// Who has to acknowledge it: an index into the group's consumers.
        public var consumer: Int
        /// In Unix milliseconds.
        public var deliveredAt: Int64
        public var deliveries: UInt64

        public init(id: ID, consumer: Int, deliveredAt: Int64, deliveries: UInt64) {
            self.id = id
            self.consumer = consumer
            self.deliveredAt = deliveredAt
            self.deliveries = deliveries
        }
    }

    public struct Consumer: Equatable, Sendable {
        public var name: [UInt8]
        /// When it last tried anything, in Unix milliseconds.
        public var seenAt: Int64
        /// When it last got anything, in Unix milliseconds; nil where the data is older than Redis 7.2, -1 for never.
        public var activeAt: Int64?

        public init(name: [UInt8], seenAt: Int64, activeAt: Int64? = nil) {
            self.name = name
            self.seenAt = seenAt
            self.activeAt = activeAt
        }
    }

    public struct Group: Equatable, Sendable {
        public var name: [UInt8]
        public var lastDelivered: ID
        /// How many of the entries ever added were read; nil where nobody can tell.
        public var entriesRead: Int64?
        public var consumers: [Consumer]
        /// By id.
        public var pending: [Pending]

        public init(
            name: [UInt8], lastDelivered: ID, entriesRead: Int64?, consumers: [Consumer] = [], pending: [Pending] = []
        ) {
            self.name = name
            self.lastDelivered = lastDelivered
            self.entriesRead = entriesRead
            self.consumers = consumers
            self.pending = pending
        }
    }

    /// By id.
    public var entries: [Entry]
    /// Of the entry that was added last, which may be gone.
    public var lastID: ID
    /// Of the first entry; zero when there is none.
    public var firstID: ID
    /// The largest id that XDEL removed; zero when there is none.
    public var maxDeletedID: ID
    /// Also those that are gone.
    public var entriesAdded: UInt64
    /// By name.
    public var groups: [Group]

    /// Without `firstID` it is that of the first entry.
    public init(
        entries: [Entry], lastID: ID, firstID: ID? = nil, maxDeletedID: ID = .zero, entriesAdded: UInt64,
        groups: [Group] = []
    ) {
        self.entries = entries
        self.lastID = lastID
        self.firstID = firstID ?? entries.first?.id ?? .zero
        self.maxDeletedID = maxDeletedID
        self.entriesAdded = entriesAdded
        self.groups = groups
    }
}
