import BrokerModel
import EventLoop
import Synchronization

/// What somebody off the loop waits for, to be given once. Thrown away before, since the loop has ended, it says so.
final class LoopAnswer<Value: Sendable>: Sendable {
    typealias Waiter = CheckedContinuation<Result<Value, BrokerError>, Never>

    private let waiter: Mutex<Waiter?>

    init(_ waiter: Waiter) {
        self.waiter = Mutex(waiter)
    }

    deinit {
        give(.failure(.loopEnded))
    }

    /// Only the first one counts.
    func give(_ result: Result<Value, BrokerError>) {
        let waiter = waiter.withLock { waiter in
            defer { waiter = nil }
            return waiter
        }
        waiter?.resume(returning: result)
    }
}

extension EventLoop {
    /// Runs `body` on the loop and waits until it, or whoever it has handed the answer to, gives it.
    func answer<Value: Sendable>(
        _ body: @escaping @Sendable (LoopAnswer<Value>) -> Void
    ) async throws(BrokerError) -> Value {
        let result = await withCheckedContinuation { (waiter: LoopAnswer<Value>.Waiter) in
            let answer = LoopAnswer(waiter)
            post { body(answer) }
        }
        return try result.get()
    }
}

extension BrokerError {
    static let loopEnded = BrokerError(
        .internalFailure, "the daemon is stopping", why: "its event loop has ended", fix: "broker daemon start")
}
