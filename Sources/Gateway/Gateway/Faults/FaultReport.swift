public import BrokerModel

/// Names a fault of an endpoint; never used again.
public struct FaultID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// `f` and the number.
    public var description: String { "f\(rawValue)" }

    /// As `description` gives it.
    public init?(_ text: String) {
        guard text.first == "f", let number = UInt64(text.dropFirst()) else { return nil }
        rawValue = number
    }
}

/// A fault and what has become of it.
public struct FaultReport: Equatable, Sendable {
    public var id: FaultID
    /// As it is kept: with its seed, and a preset as its text.
    public var fault: Fault
    /// Commands, or connections, that it has met.
    public var matched: Int
    /// How many of them it has hit.
    public var fired: Int
    /// How many more it hits; nil for no end.
    public var remaining: Int?
    /// When it is over, in milliseconds from now; nil for no end.
    public var endsIn: Int?
    /// It hits nothing any more.
    public var isOver: Bool

    public init(
        id: FaultID, fault: Fault, matched: Int = 0, fired: Int = 0, remaining: Int? = nil, endsIn: Int? = nil,
        isOver: Bool = false
    ) {
        self.id = id
        self.fault = fault
        self.matched = matched
        self.fired = fired
        self.remaining = remaining
        self.endsIn = endsIn
        self.isOver = isOver
    }
}
