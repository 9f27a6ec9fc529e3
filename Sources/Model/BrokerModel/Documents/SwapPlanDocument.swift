/// What a swap would do: the answer to `POST /v1/workspaces/W/resources/R/swap-plan`.
public struct SwapPlanDocument: Codable, Equatable, Sendable {
    /// The keys of one type.
    public struct TypeShare: Codable, Equatable, Sendable {
        /// As TYPE answers.
        public var type: String
        public var keys: Int
        /// Of memory.
        public var bytes: Int

        public init(type: String, keys: Int, bytes: Int) {
            self.type = type
            self.keys = keys
            self.bytes = bytes
        }
    }

    public var schema = "broker.swap-plan/1"
    public var resource: String
    public var from: String
    public var to: String
    /// The target as it names itself; nil where it does not say.
    public var server: String?
    /// What becomes of the data: `copy`, `overwrite`, `adopt` or `cold`.
    public var data: String
    /// Milliseconds.
    public var maxPause: Int
    public var keys = 0
    /// About, of memory.
    public var bytes = 0
    public var types: [TypeShare] = []
    /// Whether types and bytes are reckoned from a part of the keys.
    public var isEstimated = false
    /// What the target holds.
    public var targetKeys = 0
    /// Whether the target could be asked what it knows; a server that the swap starts cannot yet.
    public var isTargetKnown = false
    /// About how long copying and comparing take; nil where nothing is copied.
    public var seconds: Double?
    /// How many clients are in which state: `idle`, `blocked`, `in a transaction`, `watching`, `subscribed`.
    public var clients: [String: Int] = [:]
    /// True where the source hands its changes to nobody: it is read key by key, and what the apps change again. Nil
    /// where it is not known.
    public var byKey: Bool?
    /// Clients of that source who are not the resource's: what they write meanwhile is not seen. Addresses, some with a
    /// name in front.
    public var strangers: [String] = []
    /// True where that server does not list its clients: whether others write there is not known.
    public var othersUnknown: Bool?
    /// What stands against it: empty when the swap would be begun.
    public var problems: [BrokerError] = []

    public init(
        resource: String, from: String, to: String, server: String?, data: String, maxPause: Int
    ) {
        self.resource = resource
        self.from = from
        self.to = to
        self.server = server
        self.data = data
        self.maxPause = maxPause
    }
}
