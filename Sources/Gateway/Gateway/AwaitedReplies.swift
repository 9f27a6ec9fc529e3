/// What is still to come from the server, in order.
struct AwaitedReplies {
    enum Item: Equatable {
        /// So many replies that go to the client.
        case replies(Int)
        /// So many confirmations of a subscription, and whether the client is subscribed to anything after them.
        case confirmations(Int, leavesSubscribed: Bool)
        /// So many replies to commands of the relay itself.
        case swallowed(Int)
    }

    private var items: [Item] = []
    private var first = 0

    var isEmpty: Bool { first == items.count }

    var isSwallowing: Bool {
        if first < items.count, case .swallowed = items[first] { return true }
        return false
    }

    var isConfirming: Bool {
        if first < items.count, case .confirmations = items[first] { return true }
        return false
    }

    mutating func add(_ item: Item) {
        if case .replies(let more) = item, first < items.count, case .replies(let count)? = items.last {
            items[items.count - 1] = .replies(count + more)
        } else {
            items.append(item)
        }
    }

    mutating func replied() {
        guard first < items.count else { return }
        switch items[first] {
        case .replies(let count): advance(.replies(count - 1), count - 1)
        case .confirmations(_, let leaves):  // an error in the place of confirmations
            advance(.confirmations(0, leavesSubscribed: leaves), 0)
        case .swallowed(let count): advance(.swallowed(count - 1), count - 1)
        }
    }

    /// Returns what the client is subscribed to from now on; nil while more confirmations are to come.
    mutating func confirmed() -> Bool? {
        guard first < items.count, case .confirmations(let count, let leaves) = items[first] else { return nil }
        advance(.confirmations(count - 1, leavesSubscribed: leaves), count - 1)
        return count > 1 ? nil : leaves
    }

    mutating func swallowed() {
        guard first < items.count, case .swallowed(let count) = items[first] else { return }
        advance(.swallowed(count - 1), count - 1)
    }

    private mutating func advance(_ item: Item, _ rest: Int) {
        items[first] = item
        guard rest <= 0 else { return }
        first += 1
        if first == items.count {
            items.removeAll(keepingCapacity: true)
            first = 0
        }
    }
}
