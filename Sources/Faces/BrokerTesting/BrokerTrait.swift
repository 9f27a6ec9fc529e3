public import Testing

/// Gives a test, or every test of a suite, resources of its own: `@Test(.broker("cache"))`.
///
/// They are taken before the test (every case of a parameterised one) and ended behind it; the test finds them in
/// `BrokerLease.current`.
public struct BrokerTrait: TestTrait, SuiteTrait, TestScoping {
    let resources: [String]
    let provider: String?
    let snapshot: String?
    let isFrozen: Bool

    /// Every test of a suite has a lease of its own.
    public var isRecursive: Bool { true }

    /// Takes the lease, runs the test with it, and ends it. Throws the test's own error before that of the end.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let lease = try await BrokerLease.take(resources, provider: provider, from: snapshot)
        do {
            if isFrozen { try await lease.clock.freeze() }
            try await BrokerLease.$current.withValue(lease) { try await function() }
        } catch {
            // The test's own error counts; the lease ends with the process at the latest.
            try? await lease.end()
            throw error
        }
        try await lease.end()
    }
}

extension Trait where Self == BrokerTrait {
    /// Resources of the test's own.
    ///
    /// - Parameters:
    ///   - resources: names, with a class where the name does not suggest it: `"cache"`, `"sessions=redis"`.
    ///   - provider: as of `BrokerLease.take`.
    ///   - snapshot: what they begin with.
    ///   - frozen: whether their time stands still from the beginning.
    public static func broker(
        _ resources: String..., provider: String? = nil, from snapshot: String? = nil, frozen: Bool = false
    ) -> BrokerTrait {
        BrokerTrait(resources: resources, provider: provider, snapshot: snapshot, isFrozen: frozen)
    }
}
