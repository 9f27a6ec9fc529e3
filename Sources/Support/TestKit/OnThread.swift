import Processes
import Synchronization

/// Runs what blocks, away from the threads that the test itself needs.
public func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Task<Value, any Error> {
    Task {
        try await withCheckedThrowingContinuation { continuation in
            DetachedThread.run { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// Set once, from anywhere.
public final class Flag: Sendable {
    private let value = Atomic(false)

    public init() {}

    public var isSet: Bool { value.load(ordering: .acquiring) }
    public func set() { value.store(true, ordering: .releasing) }
}

/// Counted up from anywhere.
public final class Counter: Sendable {
    private let value = Atomic(0)

    public init() {}

    public var count: Int { value.load(ordering: .acquiring) }
    public func add() { value.add(1, ordering: .releasing) }
}
