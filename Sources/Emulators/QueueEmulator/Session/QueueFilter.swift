import BeanstalkWire
import EventLoop

/// Looks at every command of a client before it is carried out, and may have something else done.
public protocol QueueFilter: AnyObject {
    /// - Parameters:
    ///   - command: its word, as `reserve-with-timeout`.
    ///   - tube: the one that it names, or that it uses without naming it; nil where it has none. Valid during the call.
    func verdict(on command: StaticString, tube: UnsafeRawBufferPointer?) -> QueueVerdict

    /// The reply to a command that was to be `told` stands in the client's output, behind the first `before` bytes.
    func replied(behind before: Int)
}

/// What is to be done with a command.
public enum QueueVerdict: Sendable {
    case run
    /// It runs, and its reply is told.
    case told
    /// It does not run; this line answers it.
    case answered(String)
    /// It stays where it is and is asked for again when more comes, or when reading is resumed.
    case held
}

extension QueueSession {
    /// Takes the next message, unless the filter holds it up; false when there is none.
    func takeNext(in bytes: UnsafeRawBufferPointer, from offset: inout Int, _ filter: any QueueFilter) -> Bool {
        let (unread, start) = (decoder, offset)
        guard let message = decoder.next(in: bytes, from: &offset) else { return false }
        guard case .command(let command) = message else {
            tell(filter) { handle(message) }
            return true
        }
        switch verdict(on: command, filter) {
        case .run: handle(message)
        case .told:
            isTold = true
            tell(filter) { handle(message) }
        case .answered(let line): answer(command, with: line)
        case .held:
            (decoder, offset) = (unread, start)
            return false
        }
        return true
    }

    /// Tells the filter of a reply that `body` writes, if that is what it waits for.
    func tell(_ filter: (any QueueFilter)?, _ body: () -> Void) {
        let before = connection.output.count
        body()
        guard isTold, let filter, connection.output.count > before else { return }
        isTold = false
        filter.replied(behind: before)
    }

    private func answer(_ command: Command, with line: String) {
        switch command {
        case .put, .oversizedPut:
            lineToDiscarded = line
            decoder.discardBody()
        default: write(line)
        }
    }

    func write(_ line: String) {
        connection.output.append(line + "\r\n")
    }

    private func verdict(on command: Command, _ filter: any QueueFilter) -> QueueVerdict {
        let word = Self.words[command.name.rawValue]
        switch command {
        case .use(let tube), .watch(let tube), .ignore(let tube), .statsTube(let tube), .pauseTube(let tube, _):
            return filter.verdict(on: word, tube: tube)
        case .put, .oversizedPut, .peekReady, .peekDelayed, .peekBuried, .kick:
            return client.used.name.withUnsafeBytes { filter.verdict(on: word, tube: $0) }
        case .reserve, .reserveWithTimeout, .reserveJob, .delete, .release, .bury, .touch, .peek, .kickJob, .stats,
            .statsJob, .listTubes, .listTubeUsed, .listTubesWatched, .quit:
            return filter.verdict(on: word, tube: nil)
        }
    }

    /// By the numbers of the commands.
    private static let words: [StaticString] = [
        "put", "use", "reserve", "reserve-with-timeout", "reserve-job", "delete", "release", "bury", "touch", "watch",
        "ignore", "peek", "peek-ready", "peek-delayed", "peek-buried", "kick", "kick-job", "stats", "stats-job",
        "stats-tube", "list-tubes", "list-tube-used", "list-tubes-watched", "pause-tube", "quit",
    ]
}
