/// Timers by deadline: a binary heap in which a cancelled timer stays until it reaches the top.
public struct TimerHeap {
    private struct Item {
        var deadline: UInt64
        var id: UInt64
    }

    private var heap: [Item] = []
    private var work: [UInt64: () -> Void] = [:]
    /// The id of the timer added last; see `popDue`.
    public private(set) var lastID: UInt64 = 0

    public init() {}

    /// The earliest deadline of a timer that is still wanted.
    public mutating func nextDeadline() -> UInt64? {
        dropCancelled()
        return heap.first?.deadline
    }

    public mutating func add(deadline: UInt64, _ action: @escaping () -> Void) -> TimerToken {
        lastID += 1
        work[lastID] = action
        heap.append(Item(deadline: deadline, id: lastID))
        siftUp(heap.count - 1)
        return TimerToken(id: lastID)
    }

    public mutating func cancel(_ token: TimerToken) {
        work[token.id] = nil
        if heap.count > 64, heap.count > work.count * 4 { compact() }
    }

    /// Takes out the earliest timer that is due at `now`; timers of one instant come in the order they were added.
    ///
    /// A loop passes the `lastID` of before the first call as `newest`: timers that are added while it works off the
    /// due ones wait for the next turn, so that one which always adds itself again does not starve the sockets.
    public mutating func popDue(now: UInt64, newest: UInt64 = .max) -> (() -> Void)? {
        dropCancelled()
        guard let first = heap.first, first.deadline <= now, first.id <= newest else { return nil }
        removeFirst()
        return work.removeValue(forKey: first.id)
    }

    private mutating func dropCancelled() {
        while let first = heap.first, work[first.id] == nil { removeFirst() }
    }

    private mutating func compact() {
        let live = heap.filter { work[$0.id] != nil }
        heap = live.sorted { Self.precedes($0, $1) }
    }

    private static func precedes(_ a: Item, _ b: Item) -> Bool {
        a.deadline != b.deadline ? a.deadline < b.deadline : a.id < b.id
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var child = parent * 2 + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, Self.precedes(heap[child + 1], heap[child]) { child += 1 }
            guard Self.precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }

    private mutating func siftUp(_ index: Int) {
        var child = index
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }
}
