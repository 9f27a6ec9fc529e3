import BeanstalkWire
public import EventLoop

/// One connection to a queue: decodes commands, carries them out, and writes the replies.
public final class QueueSession: ConnectionHandler {
    let emulator: QueueEmulator
    let engine: QueueEngine
    let client: Client
    let replies: ReplyWriter
    unowned let connection: Connection
    var decoder: CommandDecoder
    private var phases = SessionPhases()
    /// What answers a `put` whose body is being thrown away.
    private var replyToDiscarded = Reply.jobTooBig
    /// The same in a filter's words.
    var lineToDiscarded: String?
    /// Looks at all commands; mostly nobody does.
    public weak var filter: (any QueueFilter)?
    /// The filter waits for the reply to the last command.
    var isTold = false

    /// To be made when `connection` is accepted, on the emulator's loop; from then on it counts as connected.
    public init(emulator: QueueEmulator, connection: Connection) {
        self.emulator = emulator
        self.engine = emulator.engine
        self.connection = connection
        self.replies = ReplyWriter(connection.output)
        self.decoder = CommandDecoder(maximumBodySize: emulator.engine.limits.jobSize)
        self.client = emulator.engine.connect()
        client.waiter = self
    }

    deinit {
        // A handler that was exchanged is never told of the end.
        if phases.end() { engine.disconnect(client) }
    }

    public func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        switch phases.bytesArrived(count: bytes.count) {
        case .process: return process(bytes)
        case .keep: return 0
        case .keepAndPauseReading:
            connection.pauseReading()
            return 0
        case .discard: return bytes.count
        }
    }

    public func inputEnded(on connection: Connection) {
        switch phases.inputEnded() {
        case .nothing: break
        case .timeOutWait: timeOutWait()
        case .end: end()
        }
    }

    public func closed(_ connection: Connection, because reason: CloseReason) {
        if phases.end() { leave() }
    }

    private func process(_ bytes: UnsafeRawBufferPointer) -> Int {
        engine.advance()
        var offset = 0
        if let filter {
            while phases.isServing, !connection.isOverHighWater, takeNext(in: bytes, from: &offset, filter) {}
        } else {
            while phases.isServing, !connection.isOverHighWater, let message = decoder.next(in: bytes, from: &offset) {
                handle(message)
            }
        }
        switch phases.batchEnded(unused: bytes.count - offset, isOutputFull: connection.isOverHighWater) {
        case .nothing: break
        case .timeOutWait: timeOutWait()
        case .end: end()
        }
        return offset
    }

    func handle(_ message: ClientMessage) {
        switch message {
        case .command(let command): perform(command)
        case .body(let part, let progress): takeBody(part, progress)
        case .bodyDiscarded:
            if let line = lineToDiscarded { write(line) } else { replies.reply(replyToDiscarded) }
            lineToDiscarded = nil
        case .badFormat(let counted):
            if let counted { emulator.commandCounts.count(counted) }
            replies.reply(.badFormat)
        case .unknownCommand:
            emulator.countUnknown()
            replies.reply(.unknownCommand)
        }
    }

    // MARK: for the command bodies

    func discardBody(thenReply reply: Reply) {
        replyToDiscarded = reply
        decoder.discardBody()
    }

    func beginWait() {
        phases.waitBegan()
    }

    func quit() {
        end()
    }

    // MARK: ends

    /// A client that has sent FIN does not wait.
    private func timeOutWait() {
        engine.stopWaiting(client)
        reservationTimedOut()
    }

    /// Leaves the queue at once (reservations are given back) and the connection when its replies are out.
    private func end() {
        guard phases.end() else { return }
        leave()
        connection.closeAfterFlush()
    }

    private func leave() {
        engine.advance()
        engine.disconnect(client)
    }

    private func endWait() {
        switch phases.waitEnded() {
        case .nothing: break
        case .deliverBacklog:
            // Resuming delivers what had waited, but only if reading was paused.
            connection.pauseReading()
            connection.resumeReading()
        case .end: end()
        }
    }
}

extension QueueSession: ReservationWaiter {
    func reserved(_ job: Job) {
        tell(filter) { replies.reserved(id: job.id, body: job.body.bytes) }
        endWait()
    }

    func reservationTimedOut() {
        tell(filter) { replies.reply(.timedOut) }
        endWait()
    }

    func deadlineIsSoon() {
        tell(filter) { replies.reply(.deadlineSoon) }
        endWait()
    }
}
