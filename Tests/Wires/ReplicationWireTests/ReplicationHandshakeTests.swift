import ReplicationWire
import Testing

/// The replica's side as a dialogue: what comes, and what is done then.
@Suite struct ReplicationHandshakeTests {
    typealias Action = ReplicationHandshake.Action

    private static let id = String(repeating: "a", count: 40)
    private static let mark = String(repeating: "m", count: 40)
    private static let psync = "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"

    /// What a line leads to; every byte but the last has to lead to nothing.
    private func receive(_ text: String, _ handshake: inout ReplicationHandshake) -> Action {
        var action = Action.wait
        for byte in text.utf8 {
            #expect(action == .wait)
            action = handshake.received(byte)
        }
        return action
    }

    private func send(_ text: String) -> Action { .send(Array(text.utf8)) }

    /// Up to the question for the stream.
    private func asked(_ start: ReplicationHandshake.Start = .snapshot(isDiskless: false)) -> ReplicationHandshake {
        var handshake = ReplicationHandshake(from: start)
        _ = handshake.begin(authentication: nil)
        for answer in ["+PONG\r\n", "+OK\r\n", "+OK\r\n"] { _ = receive(answer, &handshake) }
        return handshake
    }

    @Test func `a login, a greeting, what the replica can, and the question for a snapshot`() {
        var handshake = ReplicationHandshake(from: .snapshot(isDiskless: false))
        #expect(handshake.begin(authentication: Array("AUTH me x".utf8)) == Array("AUTH me x".utf8))
        #expect(receive("+OK\r\n", &handshake) == send("*1\r\n$4\r\nPING\r\n"))
        #expect(
            receive("+PONG\r\n", &handshake) == send("*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$1\r\n0\r\n"))
        #expect(
            receive("+OK\r\n", &handshake)
                == send("*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"))
        #expect(receive("+OK\r\n", &handshake) == send(Self.psync))
        #expect(receive("\n", &handshake) == .patience)
        #expect(receive("+FULLRESYNC \(Self.id) 4711\r\n", &handshake) == .announced(id: Self.id, offset: 4711))
        #expect(receive("\n", &handshake) == .patience)
        #expect(receive("$175\r\n", &handshake) == .snapshot(.length(175)))
    }

    @Test func `a snapshot of unknown length has a mark behind it`() {
        var handshake = ReplicationHandshake(from: .snapshot(isDiskless: true))
        _ = handshake.begin(authentication: nil)
        _ = receive("+PONG\r\n", &handshake)
        #expect(
            receive("+OK\r\n", &handshake)
                == send("*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"))
        _ = receive("+OK\r\n", &handshake)
        _ = receive("+FULLRESYNC \(Self.id) 0\r\n", &handshake)
        #expect(receive("$EOF:\(Self.mark)\r\n", &handshake) == .snapshot(.marked(Array(Self.mark.utf8))))
    }

    @Test func `a stream goes on with the first byte that is missing, under the name that the master gives`() {
        var handshake = ReplicationHandshake(from: .behind(id: Self.id, offset: 99))
        _ = handshake.begin(authentication: nil)
        for answer in ["+PONG\r\n", "+OK\r\n"] { _ = receive(answer, &handshake) }
        #expect(receive("+OK\r\n", &handshake) == send("*3\r\n$5\r\nPSYNC\r\n$40\r\n\(Self.id)\r\n$3\r\n100\r\n"))
        #expect(receive("+CONTINUE\r\n", &handshake) == .resumed(id: Self.id))
        var promoted = asked(.behind(id: Self.id, offset: 99))
        #expect(receive("+CONTINUE \(Self.mark)\r\n", &promoted) == .resumed(id: Self.mark))
        var anew = asked(.behind(id: Self.id, offset: 99))
        guard case .refused(let refusal) = receive("+FULLRESYNC \(Self.id) 0\r\n", &anew) else {
            return #expect(Bool(false), "a stream that begins anew is refused")
        }
        #expect(refusal.reason == .lostPlace)
    }

    @Test(arguments: [
        ("-NOPERM this user has no permissions to run the 'psync' command\r\n", ReplicationRefusal.Reason.forbidden),
        ("-ERR unknown command 'PSYNC'\r\n", .forbidden),
        ("-NOMASTERLINK Can't SYNC while not connected\r\n", .notReady),
        ("-LOADING Redis is loading the dataset in memory\r\n", .notReady),
        ("-NOAUTH Authentication required.\r\n", .credentials), ("+OK\r\n", .otherProtocol),
        ("+FULLRESYNC\r\n", .otherProtocol), ("+FULLRESYNC id -1\r\n", .otherProtocol),
        ("+FULLRESYNC id 99999999999999999999\r\n", .otherProtocol), ("+CONTINUE\r\n", .otherProtocol),
        ("HTTP/1.1 400 Bad Request\r\n", .otherProtocol), ("$5\r\n", .otherProtocol),
    ])
    func `what a master answers instead of a snapshot has a reason`(
        answer: String, reason: ReplicationRefusal.Reason
    ) {
        var handshake = asked()
        guard case .refused(let refusal) = receive(answer, &handshake) else {
            return #expect(Bool(false), "\(answer) is refused")
        }
        #expect(refusal.reason == reason)
        #expect(handshake.received(10) == .patience)
    }

    @Test func `a user who may not PING, and an old server without options, may replicate all the same`() {
        var handshake = ReplicationHandshake(from: .snapshot(isDiskless: false))
        _ = handshake.begin(authentication: nil)
        guard case .send = receive("-NOPERM no permissions to run the 'ping' command\r\n", &handshake),
            case .send = receive("-ERR Unrecognized REPLCONF option: listening-port\r\n", &handshake)
        else { return #expect(Bool(false), "the handshake goes on") }
        #expect(receive("-ERR Unrecognized REPLCONF option: capa\r\n", &handshake) == send(Self.psync))
        var denied = ReplicationHandshake(from: .snapshot(isDiskless: false))
        _ = denied.begin(authentication: nil)
        guard case .refused(let refusal) = receive("-DENIED Redis is running in protected mode\r\n", &denied) else {
            return #expect(Bool(false), "who is denied is told")
        }
        #expect(
            refusal
                == ReplicationRefusal(
                    reason: .forbidden, words: "DENIED Redis is running in protected mode", step: "PING"))
    }

    @Test(arguments: ["$-1\r\n", "$x\r\n", "$EOF:short\r\n", "$99999999999999999999\r\n", "REDIS0010\r\n"])
    func `a snapshot that is announced wrongly is refused`(line: String) {
        var handshake = asked()
        _ = receive("+FULLRESYNC \(Self.id) 0\r\n", &handshake)
        guard case .refused(let refusal) = receive(line, &handshake) else {
            return #expect(Bool(false), "\(line) is refused")
        }
        #expect(refusal.reason == .otherProtocol)
    }

    @Test func `a line without an end is not kept for ever`() {
        var handshake = asked()
        var last = Action.wait
        for _ in 0...4096 {
            guard last == .wait else { break }
            last = handshake.received(UInt8(ascii: "x"))
        }
        guard case .refused(let refusal) = last else { return #expect(Bool(false), "it is refused") }
        #expect(refusal.reason == .otherProtocol)
    }
}
