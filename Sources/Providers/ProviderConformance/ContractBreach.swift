/// A sentence of the contract that a provider does not keep.
public struct ContractBreach: Error, Sendable, CustomStringConvertible {
    /// Whose sentence is broken.
    public let check: ContractCheck
    /// What was seen instead.
    public let evidence: String

    /// The sentence, and what was seen instead.
    public var description: String { "\(check.rawValue): \(check.sentence) But \(evidence)." }
}

/// All breaches of one run over every check.
public struct ContractBreaches: Error, Sendable, CustomStringConvertible {
    /// In the order of the checks; one at least.
    public let breaches: [ContractBreach]

    /// One line for each.
    public var description: String { breaches.map(\.description).joined(separator: "\n") }
}

/// What came of a check.
public enum ContractOutcome: Equatable, Sendable {
    /// The provider keeps the contract.
    case kept
    /// The sentence does not speak of this provider, or it cannot be looked at: why.
    case doesNotApply(String)
}

/// Thrown by a check that finds that it does not apply.
struct DoesNotApply: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Thrown by a check whose sentence is broken.
struct Broken: Error {
    let evidence: String
}

func require(_ isKept: Bool, _ evidence: @autoclosure () -> String) throws {
    guard isKept else { throw Broken(evidence: evidence()) }
}

func require<Value>(_ value: Value?, _ evidence: @autoclosure () -> String) throws -> Value {
    guard let value else { throw Broken(evidence: evidence()) }
    return value
}
