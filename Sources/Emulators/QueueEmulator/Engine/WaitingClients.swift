/// The clients that wait for a job of one tube, and whose turn it is.
///
/// The order is that of 1.12, which is nearly, not quite, first come first served: the turn moves on by one place
/// with each job, and the client that leaves gives its place to the last one. Every waiting client stands here once
/// per tube and knows its place, so that it can leave in O(1).
struct WaitingClients {
    private struct Entry {
        /// A client leaves all tubes before it goes.
        var client: Unmanaged<Client>
        /// Which of the client's watched tubes this is.
        var watchIndex: Int
    }

    private var entries: [Entry] = []
    private var turn = 0

    var count: Int { entries.count }

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ client: Client, watchIndex: Int) {
        client.watched[watchIndex].waitingIndex = entries.count
        entries.append(Entry(client: Unmanaged.passUnretained(client), watchIndex: watchIndex))
    }

    /// Whose turn it is; the client stays in and is to be removed next.
    mutating func next() -> Client? {
        guard !entries.isEmpty else { return nil }
        turn %= entries.count
        defer { turn += 1 }
        return entries[turn].client.takeUnretainedValue()
    }

    /// Counts a client that came and got its job at once, while nobody waited.
    mutating func servedAtOnce() {
        turn = 1
    }

    mutating func remove(at index: Int) {
        let last = entries.removeLast()
        guard index < entries.count else { return }
        entries[index] = last
        last.client.takeUnretainedValue().watched[last.watchIndex].waitingIndex = index
    }
}
