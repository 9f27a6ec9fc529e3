import BrokerModel
import Synchronization

/// Lets the operations on one resource take turns, in the order in which they came.
final class OperationLocks: Sendable {
    /// A resource by name: it can be locked before it is there.
    struct Key: Hashable, Sendable {
        let workspace: WorkspaceName
        let resource: ResourceName
    }

    private struct State {
        var held: Set<Key> = []
        var waiters: [Key: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)]] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes the lock; false when it is not free within `patience`.
    func take(_ key: Key, within patience: Duration) async -> Bool {
        if takeNow(key) { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait(for: key) }
            group.addTask {
                try? await ContinuousClock().sleep(for: patience)
                return false
            }
            var isTaken = false
            // Both are waited for: the lock may be handed over in the moment in which the time is up.
            for await result in group {
                isTaken = isTaken || result
                group.cancelAll()
            }
            return isTaken
        }
    }

    /// Takes the lock if it is free.
    func takeNow(_ key: Key) -> Bool {
        state.withLock { $0.held.insert(key).inserted }
    }

    /// Gives it to who waits longest.
    func release(_ key: Key) {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.waiters[key]?.isEmpty == false, let first = state.waiters[key]?.removeFirst() else {
                state.waiters[key] = nil
                state.held.remove(key)
                return nil
            }
            return first.continuation
        }
        next?.resume(returning: true)
    }

    private func wait(for key: Key) async -> Bool {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in enqueue(id, key, continuation) }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiters[key]?.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters[key]?.remove(at: index).continuation
            }
            waiter?.resume(returning: false)
        }
    }

    private func enqueue(_ id: UInt64, _ key: Key, _ continuation: CheckedContinuation<Bool, Never>) {
        let answer: Bool? = state.withLock { state in
            // Looked at inside: who is cancelled later finds the waiter.
            if Task.isCancelled { return false }
            if state.held.insert(key).inserted { return true }
            state.waiters[key, default: []].append((id, continuation))
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }
}
