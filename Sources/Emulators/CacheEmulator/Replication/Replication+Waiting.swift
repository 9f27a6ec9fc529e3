import EventLoop
import RESPWire

/// WAIT: clients that wait until replicas have what they have written.
extension Replication {
    private static let question = Array("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n".utf8)

    /// How many replicas have so much.
    func count(at offset: Int64) -> Int {
        replicas.count { $0.isOnline && $0.acknowledged >= offset }
    }

    /// Has a client wait until so many replicas have what it has written last, or `milliseconds` are over; 0 for no end.
    func wait(_ call: borrowing Call, for wanted: Int64, milliseconds: Int64) {
        let client = call.client
        let pending = PendingReply(call, replicas: (wanted, client.writeOffset))
        waiting.append(pending)
        client.pending = pending
        // All who wait from here on are answered by one question.
        if askedAt != offset, log != nil {
            append(notice: Self.question)
            askedAt = offset
        }
        // What is further away than this is no time to anybody.
        guard milliseconds > 0, milliseconds < 1 << 40 else { return }
        pending.deadline = emulator.clock.now &+ milliseconds
        emulator.watch(pending)
    }

    /// A replica has more than before: answers those for whom it is enough.
    func serveWaiting() {
        for pending in waiting {
            guard let (wanted, offset) = pending.replicas else { continue }
            let count = count(at: offset)
            if Int64(count) >= wanted { emulator.answer(pending) { $0.integer(count) } }
        }
    }
}
