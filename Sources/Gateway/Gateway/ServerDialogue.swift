import EventLoop
import RESPWire

/// The gateway's own connection to a real server: it asks on behalf of clients whose connections are busy.
///
/// Opened with the first question; one that cannot be asked is answered with nothing.
final class ServerDialogue: ConnectionHandler {
    private let loop: any EventLoop
    private let server: Upstream.RedisServer
    private var link: Connection?
    private var framer = ReplyFramer()
    private var reply: [UInt8] = []
    private var questions: [(words: [[UInt8]], answer: ([UInt8]?) -> Void)] = []
    private var asked: [([UInt8]?) -> Void] = []
    private var isConnecting = false
    private static let timeout = Duration.seconds(2)
    private static let longestReply = 1 << 20

    init(server: Upstream.RedisServer, loop: any EventLoop) {
        self.server = server
        self.loop = loop
    }

    /// Asks behind what was asked before; `answer` gets the reply as it came, or nil where the connection is lost.
    func ask(_ words: [[UInt8]], _ answer: @escaping ([UInt8]?) -> Void = { _ in }) {
        questions.append((words, answer))
        if link == nil { connect() } else { send() }
    }

    func ask(_ words: String...) {
        ask(words.map { Array($0.utf8) })
    }

    func close() {
        let old = link
        link = nil
        old?.close()
        giveUp()
    }

    private func connect() {
        guard !isConnecting else { return }
        isConnecting = true
        loop.connect(to: server.address, timeout: Self.timeout) { [weak self] result in
            guard let self else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            isConnecting = false
            guard case .success(let connection) = result else { return giveUp() }
            connection.handler = self
            link = connection
            framer = ReplyFramer()
            reply = []
            if let secret = server.secret {
                let words = ["AUTH"] + (server.user.map { [$0] } ?? []) + [secret]
                questions.insert((words.map { Array($0.utf8) }, { _ in }), at: 0)
            }
            send()
        }
    }

    private func send() {
        guard let link else { return }
        for question in questions {
            RedisRelay.append(question.words, to: link.output)
            asked.append(question.answer)
        }
        questions = []
    }

    private func giveUp() {
        let open = asked + questions.map(\.answer)
        asked = []
        questions = []
        for answer in open { answer(nil) }
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        var position = 0
        while position < bytes.count {
            let start = position
            let step = framer.next(bytes, from: start)
            position = if case .unit(_, let end) = step { end } else { bytes.count }
            reply.append(contentsOf: bytes[start..<position])
            if step == .malformed || reply.count > Self.longestReply {
                close()
                return bytes.count
            }
            guard case .unit = step, !asked.isEmpty else { continue }
            let whole = reply
            reply = []
            asked.removeFirst()(whole)
        }
        return bytes.count
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        guard connection === link else { return }
        link = nil
        giveUp()
    }
}
