public import BrokerModel

/// A provider whose resources' time can stand still and be moved.
public protocol ControlsClock: Provider {
    /// Moves the backing's time, and returns what it is then. Throws `unsupported` for a class without a time of its own.
    func move(_ request: ClockMove) async throws(BrokerError) -> ClockReading
}

/// Move this backing's time.
public struct ClockMove: Sendable {
    public enum Step: Hashable, Sendable {
        case freeze
        case resume
        /// To milliseconds since 1970.
        case set(Int64)
        /// By milliseconds.
        case advance(Int64)
        /// Only look.
        case look
    }

    public let backing: Backing
    public let serviceClass: ServiceClass
    public let step: Step

    public init(backing: Backing, serviceClass: ServiceClass, step: Step) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.step = step
    }
}

/// What time it is at a backing.
public struct ClockReading: Equatable, Sendable {
    /// Milliseconds since 1970.
    public let time: Int64
    public let isFrozen: Bool

    public init(time: Int64, isFrozen: Bool) {
        self.time = time
        self.isFrozen = isFrozen
    }
}
