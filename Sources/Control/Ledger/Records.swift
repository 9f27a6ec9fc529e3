public import BrokerModel

/// Where a row is in its life: an operation that was cut short leaves `coming` or `going`, and recovery goes on from it.
public enum Lifecycle: String, Sendable {
    /// Reserved by an intent; not there for anybody else yet.
    case coming
    case present
    /// An intent has begun to remove it.
    case going
}

/// A resource as the ledger has it. Its state is not kept: `starting` is what is read.
public struct StoredResource: Hashable, Sendable {
    public var resource: Resource
    public var lifecycle: Lifecycle
    /// Who serves it: the one that counts.
    public var backing: BackingID

    public init(resource: Resource, lifecycle: Lifecycle, backing: BackingID) {
        self.resource = resource
        self.lifecycle = lifecycle
        self.backing = backing
    }
}

/// An attachment as the ledger has it.
public struct StoredAttachment: Hashable, Sendable {
    public var attachment: Attachment
    public var workspace: WorkspaceName
    public var lifecycle: Lifecycle
    /// The provider's own URL, in direct mode.
    public var direct: DirectURL?

    public init(attachment: Attachment, workspace: WorkspaceName, lifecycle: Lifecycle, direct: DirectURL?) {
        self.attachment = attachment
        self.workspace = workspace
        self.lifecycle = lifecycle
        self.direct = direct
    }
}

/// An operation as the ledger has it. The three texts are JSON documents and hold no secret.
public struct StoredOperation: Equatable, Sendable {
    public var operation: BrokerModel.Operation
    /// What was asked for, without its secrets.
    public var request: String
    /// What was decided, for whoever resumes it.
    public var intent: String
    public var outcome: String?
    public var error: BrokerError?

    public init(operation: BrokerModel.Operation, request: String, intent: String) {
        self.operation = operation
        self.request = request
        self.intent = intent
    }
}

/// Something that happened, as `broker logs` shows it.
public struct Event: Hashable, Sendable {
    /// Grows with time.
    public let id: Int64
    /// Milliseconds since 1970.
    public let time: Int64
    public let source: String
    public let message: String
}
