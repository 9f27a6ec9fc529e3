/// The exchange of an endpoint's upstream under its connected clients, step by step: who has not done the present step
/// yet, and what is to be told when all have.
struct Handover {
    /// The steps in their order. Until `restored` everything can be taken back.
    enum Step: Equatable, Sendable {
        /// Every client gets a connection to the target; all are served as before.
        case preparing
        /// No request is taken, every reply is awaited.
        case pausing
        /// Everything published before is handed on.
        case fencing
        /// What the clients have set up is set up at the target.
        case restoring
    }

    let target: Upstream
    /// The number of the first script that the target does not have; `ScriptCache`.
    var scriptsLoaded = 0
    private(set) var step = Step.preparing
    /// The connections that have not done the step.
    private(set) var waiting: Set<UInt64> = []
    /// The first failure; the steps behind it fail, too.
    private(set) var failure: HandoverFailure?
    private var ended: ((HandoverFailure?) -> Void)?

    init(target: Upstream) {
        self.target = target
    }

    /// Requests are not taken: clients that come are held.
    var holdsClients: Bool { step != .preparing }

    /// Begins a step; `ended` is called once, when all have done it, at its deadline, or when it fails.
    mutating func begin(_ step: Step, _ connections: some Sequence<UInt64>, ended: @escaping (HandoverFailure?) -> Void)
    {
        self.step = step
        waiting = Set(connections)
        self.ended = ended
    }

    /// Whoever calls runs what is returned, once nothing of the handover is in use.
    mutating func done(_ connection: UInt64) -> (() -> Void)? {
        waiting.remove(connection)
        return waiting.isEmpty ? finish() : nil
    }

    mutating func failed(_ failure: HandoverFailure) -> (() -> Void)? {
        if self.failure == nil { self.failure = failure }
        return finish()
    }

    mutating func finish() -> (() -> Void)? {
        guard let ended else { return nil }
        self.ended = nil
        return { [failure] in ended(failure) }
    }
}

/// What a move has meant for an endpoint's clients.
public struct Adoption: Equatable, Sendable {
    /// Clients that were moved.
    public var moved: Int
    /// Clients that came while it took place, and waited.
    public var held: Int
    /// How long each client waited that had asked for something meanwhile.
    public var waits: [Duration]
}

/// Why clients could not be moved. They go on where they were.
public enum HandoverFailure: Error, Equatable, Sendable {
    /// A step was not done in time; the clients that had not done it, at most 16 of them.
    case tooLate([PinnedClient])
    /// A client's connection to the target was refused, or its state could not be set up there.
    case target(String)
    /// The endpoint is closed, or has no upstream, or another one is being moved to.
    case notServing
}

/// A client that cannot be moved now.
public struct PinnedClient: Equatable, Sendable {
    public let address: String
    public let why: String
    /// It may be over soon without anybody's doing: a longer pause may be enough.
    public let mayEnd: Bool
    /// How long it has been connected, in seconds.
    public let age: Int

    public init(address: String, _ pin: (why: String, mayEnd: Bool), age: Int) {
        self.address = address
        (why, mayEnd) = pin
        self.age = age
    }
}
