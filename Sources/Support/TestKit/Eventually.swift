/// A condition did not come true in time.
public struct NeverHappened: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// Waits until `condition` is true; throws when it is not after `timeout`.
public func eventually(
    _ what: String = "the condition", within timeout: Duration = .seconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened("\(what): not within \(timeout)") }
        try await ContinuousClock().sleep(for: .milliseconds(2))
    }
}
