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

    /// The cache itself went back first: its clients see what the snapshot has.
    static let restoredInMemory = BrokerError(
        .diskFull, "the cache went back to the snapshot, and its files did not yet",
        why: "they could not be written; until they are, commands that write are answered MISCONF",
        fix: "make room on the disk: df -h; the files follow by themselves")
}
