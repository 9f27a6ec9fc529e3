import BrokerModel
import CacheEmulator
import EventLoop

/// Images that a durable cache is to go back to.
struct RestoreRequests {
    struct Restoring: Sendable {
        let image: LoopBound<KeyspaceImage>
        /// Called once.
        let answer: @Sendable (Result<Void, BrokerError>) -> Void
    }

    private var waiting: [Restoring] = []
    private var isClosed = false

    mutating func add(_ request: Restoring) {
        if isClosed { return request.answer(.failure(.notRestored)) }
        waiting.append(request)
    }

    mutating func take() -> Restoring? { waiting.isEmpty ? nil : waiting.removeFirst() }

    mutating func close() {
        isClosed = true
        refuseAll()
    }

    /// The disk takes nothing.
    mutating func refuseAll() {
        while let request = take() { request.answer(.failure(.notRestored)) }
    }
}

extension BrokerError {
    static let notRestored = BrokerError(
        .needsAttention, "the cache could not go back to the snapshot", why: "its files could not be written",
        fix: "look at the log for the reason, and restore again")
}
