import EventLoop
import RESPWire

/// A client that waits for something else than a key: for replicas (WAIT), or for a snapshot on disk (SAVE).
final class PendingReply {
    /// It leaves before it goes (`clientGone`).
    unowned let client: CacheClient
    let request: KeptArguments
    /// When it was asked, in the loop's nanoseconds.
    let since: UInt64
    /// The client has silenced its reply.
    let isSilent: Bool
    /// How many replicas have to have how much; nil for SAVE.
    let replicas: (count: Int64, offset: Int64)?
    /// When its time is over, in milliseconds of the resource's time; nil for never.
    var deadline: Int64?
    var timer: TimerToken?

    init(_ call: borrowing Call, replicas: (count: Int64, offset: Int64)? = nil) {
        client = call.client
        request = KeptArguments(call.arguments, call.count)
        since = call.emulator.loop.now
        isSilent = call.client.replies == .off || call.client.replies == .skipping
        self.replicas = replicas
    }
}

extension PendingReply: Timed {
    var number: Int { .max }

    func timeIsOver(in emulator: CacheEmulator) {
        guard client.pending === self, let replicas else { return }
        emulator.answer(self) { $0.integer(emulator.replication.count(at: replicas.offset)) }
    }
}

extension CacheEmulator {
    /// Ends a wait with a reply.
    func answer(_ pending: PendingReply, _ reply: (ReplyWriter) -> Void) {
        let client = pending.client
        forget(pending)
        let before = client.connection.output.count
        if !pending.isSilent { reply(client.writer) }
        client.front.replied(client, behind: before)
        client.front.waitEnded(client)
    }

    func forget(_ pending: PendingReply) {
        pending.client.pending = nil
        stopWatching(pending)
        if pending.replicas != nil {
            replication.waiting.removeAll { $0 === pending }
        } else {
            saving.waiting.removeAll { $0 === pending }
        }
    }

    /// CLIENT UNBLOCK of a client that waits so. One that waits for a snapshot cannot be told anything else, as in Redis.
    func unblock(_ pending: PendingReply, withError: Bool) -> Bool {
        guard let wanted = pending.replicas else { return false }
        answer(pending) { reply in
            if withError {
                reply.error(ErrorText.unblocked)
            } else {
                reply.integer(replication.count(at: wanted.offset))
            }
        }
        return true
    }
}
