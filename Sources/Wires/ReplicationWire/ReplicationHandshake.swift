/// The replica's side of a link until its bytes are a snapshot or commands; from then on it is not asked.
///
/// Lines come byte by byte, so that not one byte behind them is taken.
public struct ReplicationHandshake: Sendable {
    /// From where the stream is wanted.
    public enum Start: Equatable, Sendable {
        /// A snapshot, and the stream behind it. A master sends it without a file (`isDiskless`) only to who can do with
        /// a length that is not known, and begins then only after its `repl-diskless-sync-delay`.
        case snapshot(isDiskless: Bool)
        /// The stream of a history behind an offset that was received.
        case behind(id: String, offset: Int64)
    }

    /// What to do after a byte.
    public enum Action: Equatable, Sendable {
        /// Nothing: more bytes are needed.
        case wait
        /// Send this.
        case send([UInt8])
        /// The master is alive and prepares: be patient.
        case patience
        /// A snapshot will be made, behind which the stream of the history `id` begins at `offset`.
        case announced(id: String, offset: Int64)
        /// The snapshot's bytes are next.
        case snapshot(SnapshotForm)
        /// The stream goes on with the next byte; `id` is the name of its history from now on.
        case resumed(id: String)
        /// The link is of no use.
        case refused(ReplicationRefusal)
    }

    private enum State: Equatable {
        /// Waiting for the answer to a question.
        case asked(Step)
        /// Between the announcement and the snapshot.
        case announced
        /// Nothing more is expected.
        case ended
    }

    /// A question, in the order in which they are asked.
    enum Step: String {
        case authenticate = "AUTH"
        case ping = "PING"
        case port = "REPLCONF listening-port"
        case capabilities = "REPLCONF capa"
        case synchronise = "PSYNC"
    }

    /// An error text may be long.
    private static let longestLine = 4096

    private let start: Start
    private var state = State.ended
    private var line: [UInt8] = []

    public init(from start: Start) {
        self.start = start
    }

    /// The first bytes to send; `authentication` is a whole AUTH command, which is not kept.
    public mutating func begin(authentication: [UInt8]?) -> [UInt8] {
        guard let authentication else { return ask(.ping) }
        state = .asked(.authenticate)
        return authentication
    }

    public mutating func received(_ byte: UInt8) -> Action {
        guard byte == 10 else {
            line.append(byte)
            guard line.count <= Self.longestLine else { return refuse(.otherProtocol, "a line without an end") }
            return .wait
        }
        if line.last == 13 { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        line = []
        if text.isEmpty { return .patience }
        switch state {
        case .asked(let step): return answered(step, text)
        case .announced: return announcedSnapshot(text)
        case .ended: return refuse(.otherProtocol, text)
        }
    }

    private mutating func answered(_ step: Step, _ text: String) -> Action {
        if text.hasPrefix("-") { return refused(step, String(text.dropFirst())) }
        guard text.hasPrefix("+") else { return refuse(.otherProtocol, text) }
        switch step {
        case .authenticate: return .send(ask(.ping))
        case .ping: return .send(ask(.port))
        case .port: return .send(ask(.capabilities))
        case .capabilities: return .send(ask(.synchronise))
        case .synchronise: return synchronised(text)
        }
    }

    private mutating func refused(_ step: Step, _ words: String) -> Action {
        let reason: ReplicationRefusal.Reason =
            switch words.prefix(while: { $0 != " " }) {
            case "NOAUTH", "WRONGPASS": .credentials
            case "LOADING", "NOMASTERLINK", "MASTERDOWN", "BUSY", "TRYAGAIN": .notReady
            case _ where words.contains("max number of clients"): .notReady
            default: step == .authenticate ? .credentials : .forbidden
            }
        let isDenied = words.hasPrefix("NOPERM")
        switch (step, reason) {
        // Who may not PING may replicate all the same, and an old server does not know all options of REPLCONF.
        case (.ping, .forbidden) where isDenied: return .send(ask(.port))
        case (.port, .forbidden) where !isDenied: return .send(ask(.capabilities))
        case (.capabilities, .forbidden) where !isDenied: return .send(ask(.synchronise))
        default: return refuse(reason, words, step)
        }
    }

    private mutating func synchronised(_ text: String) -> Action {
        let words = text.dropFirst().split(separator: " ")
        switch (words.first, start) {
        case ("FULLRESYNC", .snapshot) where words.count == 3:
            guard let offset = Int64(decimal: words[2].utf8) else { break }
            state = .announced
            return .announced(id: String(words[1]), offset: offset)
        case ("FULLRESYNC", .behind): return refuse(.lostPlace, text)
        case ("CONTINUE", .behind(let id, _)):
            state = .ended
            return .resumed(id: words.count > 1 ? String(words[1]) : id)
        default: break
        }
        return refuse(.otherProtocol, text)
    }

    private mutating func announcedSnapshot(_ text: String) -> Action {
        if text.hasPrefix("-") { return refuse(.notReady, String(text.dropFirst())) }
        guard let form = SnapshotForm(text) else { return refuse(.otherProtocol, text) }
        state = .ended
        return .snapshot(form)
    }

    private mutating func ask(_ step: Step) -> [UInt8] {
        state = .asked(step)
        let command =
            switch (step, start) {
            case (.authenticate, _), (.ping, _): ReplicatedCommand("PING")
            // No port: nothing can be asked of this replica.
            case (.port, _): ReplicatedCommand("REPLCONF", "listening-port", "0")
            case (.capabilities, .snapshot(isDiskless: true)):
                ReplicatedCommand("REPLCONF", "capa", "eof", "capa", "psync2")
            case (.capabilities, _): ReplicatedCommand("REPLCONF", "capa", "psync2")
            case (.synchronise, .snapshot): ReplicatedCommand("PSYNC", "?", "-1")
            // What is asked for is the first byte that is missing.
            case (.synchronise, .behind(let id, let offset)): ReplicatedCommand("PSYNC", id, "\(offset &+ 1)")
            }
        return command.bytes
    }

    private mutating func refuse(
        _ reason: ReplicationRefusal.Reason, _ words: String, _ step: Step? = nil
    ) -> Action {
        state = .ended
        return .refused(ReplicationRefusal(reason: reason, words: String(words.prefix(160)), step: step?.rawValue))
    }
}

/// How a snapshot's end is known.
public enum SnapshotForm: Equatable, Sendable {
    /// It has so many bytes.
    case length(Int)
    /// These 40 bytes stand behind it.
    case marked([UInt8])

    public static let markSize = 40

    /// Reads `$123` or `$EOF:` and 40 bytes.
    init?(_ text: String) {
        if text.hasPrefix("$EOF:") {
            let mark = Array(text.utf8.dropFirst(5))
            guard mark.count == Self.markSize else { return nil }
            self = .marked(mark)
        } else {
            guard text.hasPrefix("$"), let length = Int64(decimal: text.utf8.dropFirst()) else { return nil }
            self = .length(Int(length))
        }
    }
}

/// Why a master gives no link.
public struct ReplicationRefusal: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The login is wrong.
        case credentials
        /// This user, or anybody, may not replicate.
        case forbidden
        /// Later, perhaps.
        case notReady
        /// The stream cannot go on where it was left.
        case lostPlace
        /// It is no master of Redis.
        case otherProtocol
    }

    public var reason: Reason
    /// The server's own, at most 160 characters.
    public var words: String
    /// The command that was refused: `PSYNC`; nil where none was.
    public var step: String?

    public init(reason: Reason, words: String, step: String? = nil) {
        self.reason = reason
        self.words = words
        self.step = step
    }
}
