import CacheEmulator
import EventLoop
import Synchronization

/// What clients have asked by SAVE, BGSAVE and BGREWRITEAOF and the files' owner has not begun yet.
final class SaveRequests: Sendable {
    /// Called once, from anywhere: whether what was there when it was asked is on disk.
    typealias Answer = @Sendable (_ isOnDisk: Bool) -> Void

    private let state = Mutex<(answers: [Answer], isClosed: Bool)>(([], false))

    /// On the cache's loop: has its clients' requests come here.
    func serve(_ cache: CacheEmulator) {
        let loop = cache.loop
        cache.keepSnapshots { [self] ended in
            let bound = LoopBound(ended, on: loop)
            add { isOnDisk in loop.post { bound.value(isOnDisk) } }
        }
    }

    private func add(_ answer: @escaping Answer) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.answers.append(answer) }
            return state.isClosed
        }
        if isClosed { answer(false) }
    }

    var isEmpty: Bool { state.withLock { $0.answers.isEmpty } }

    func take() -> [Answer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// Nothing can be saved now: who has asked for it is told so.
    func refuseAll() {
        for answer in take() { answer(false) }
    }

    /// Nothing is saved any more.
    func close() {
        state.withLock { $0.isClosed = true }
        refuseAll()
    }
}
