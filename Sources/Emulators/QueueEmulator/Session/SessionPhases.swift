/// The phases of one connection, without its bytes: serving commands, waiting for a job, ended.
///
/// While a client waits, no command of it is looked at; what it sends meanwhile stays with the connection, and from
/// `backlogLimit` bytes on is not even read. A client that has sent FIN gets the answers to all it had sent.
struct SessionPhases {
    private enum Phase {
        /// Commands are carried out as they come.
        case serving
        /// A `reserve` waits. `hasBacklog`: bytes wait behind it; `isPaused`: reading was stopped.
        case waiting(hasBacklog: Bool, isPaused: Bool)
        /// The client is out of the queue; whatever still comes is thrown away.
        case ended
    }

    /// What to do with bytes that have arrived.
    enum Arrival: Equatable {
        case process
        case keep
        case keepAndPauseReading
        case discard
    }

    /// What to do when a batch of commands has been carried out.
    enum BatchEnd: Equatable {
        case nothing
        /// The client has sent FIN and a wait would never end well: answer it.
        case timeOutWait
        /// All that came before FIN is answered.
        case end
    }

    /// What to do when a wait is over.
    enum WaitEnd: Equatable {
        case nothing
        /// Let the bytes that waited come again.
        case deliverBacklog
        /// FIN had come, and nothing is left to answer.
        case end
    }

    /// What to do on FIN.
    enum InputEnd: Equatable {
        case nothing
        case timeOutWait
        case end
    }

    static let backlogLimit = 64 << 10

    private var phase = Phase.serving
    private var hasInputEnded = false

    var isServing: Bool {
        switch phase {
        case .serving: true
        case .waiting, .ended: false
        }
    }

    mutating func bytesArrived(count: Int) -> Arrival {
        switch phase {
        case .serving: return .process
        case .waiting(_, let isPaused):
            // Again each time: whoever stands before the session may have resumed reading.
            let pauses = count >= Self.backlogLimit
            phase = .waiting(hasBacklog: count > 0, isPaused: isPaused || pauses)
            return pauses ? .keepAndPauseReading : .keep
        case .ended: return .discard
        }
    }

    mutating func waitBegan() {
        switch phase {
        case .serving: phase = .waiting(hasBacklog: false, isPaused: false)
        case .waiting, .ended: preconditionFailure("a wait began inside another or after the end")
        }
    }

    /// `unused` bytes of the batch were left, because a wait began, the output is full, or a message is partial.
    mutating func batchEnded(unused: Int, isOutputFull: Bool) -> BatchEnd {
        switch phase {
        case .serving: return hasInputEnded && !isOutputFull ? .end : .nothing
        case .waiting(_, let isPaused):
            phase = .waiting(hasBacklog: unused > 0, isPaused: isPaused)
            return hasInputEnded ? .timeOutWait : .nothing
        case .ended: return .nothing
        }
    }

    mutating func waitEnded() -> WaitEnd {
        switch phase {
        case .waiting(let hasBacklog, let isPaused):
            phase = .serving
            if hasBacklog || isPaused { return .deliverBacklog }
            return hasInputEnded ? .end : .nothing
        case .serving, .ended: return .nothing
        }
    }

    mutating func inputEnded() -> InputEnd {
        hasInputEnded = true
        switch phase {
        case .serving: return .end
        case .waiting: return .timeOutWait
        case .ended: return .nothing
        }
    }

    /// False when it had ended before.
    mutating func end() -> Bool {
        switch phase {
        case .serving, .waiting:
            phase = .ended
            return true
        case .ended: return false
        }
    }
}
