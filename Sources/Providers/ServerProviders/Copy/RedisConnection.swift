import BrokerModel
import RESPWire
import ReplicationWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A blocking connection to a server for the data of a copy: values are bytes, and questions go in pipelines.
///
/// Safe to share: only the jobs of one `WorkerThread` touch it, one after the other.
final class RedisConnection: @unchecked Sendable {
    let server: CopyServer
    private let interruption: Interruption
    private let socket: StreamSocket
    private var input: [UInt8] = []
    private var head = 0
    /// The server's number of the database that is spoken of.
    private(set) var selected = 0
    /// Nothing can be asked any more when replies were lost.
    private(set) var isBroken = false
    /// Whether PEXPIRETIME is not known to the server.
    var lacksExpireTime = false
    /// What its clock was ahead when the connection was made, or an earlier one of the same end.
    var clock = ClockOffset.none

    /// What the broker's own connections are called at the server.
    static let name = "broker"
    private static let chunk = 64 << 10
    private static let longestLine = 64 << 10
    private static let longestBulk = 1 << 30
    /// COMMAND answers nine deep.
    private static let deepest = 16

    /// Connects and logs in.
    init(_ server: CopyServer, _ interruption: Interruption) throws(BrokerError) {
        self.server = server
        self.interruption = interruption
        do throws(RedisProblem) {
            socket = try StreamSocket.connect(to: server.login.entrance, within: server.limits.connect, interruption)
        } catch {
            throw interruption.isRaised ? server.closed : server.error(error)
        }
        // A wrong secret, and a server that is none, show here.
        let questions = (server.authentication ?? []) + ReplicatedCommand("PING").bytes
        for reply in try ask(questions, count: server.authentication == nil ? 1 : 2) {
            switch reply {
            case .error(let words) where words.hasPrefix("NOPERM"): break
            case .error(let words): throw server.error(.refused(words))
            case .bytes: break
            default: throw server.error(.otherProtocol("it does not answer PING with PONG"))
            }
        }
        _ = try tell("CLIENT", "SETNAME", Self.name)
        clock = try measuredClock()
    }

    /// A server whose answer to TIME is no time is taken to have ours; one that refuses TIME is not copied, for its keys
    /// would not end when they should.
    private func measuredClock() throws(BrokerError) -> ClockOffset {
        let sent = Self.now
        let reply = try ask("TIME")
        let answered = Self.now
        guard case .array(let parts) = reply, let theirs = Self.milliseconds(parts) else { return .none }
        return ClockOffset(theirs: theirs, sent: sent, answered: answered)
    }

    /// Milliseconds since 1970.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// What TIME answers, since 1970; nil for anything else.
    static func milliseconds(_ parts: [RedisReply]) -> Int64? {
        guard parts.count == 2, let seconds = parts[0].text.flatMap({ Int64($0) }),
            let microseconds = parts[1].text.flatMap({ Int64($0) })
        else { return nil }
        return seconds * 1000 + microseconds / 1000
    }

    /// The text of an answer; nil where the server has none, or does not let the user ask.
    func tell(_ words: String...) throws(BrokerError) -> String? {
        try ask(ReplicatedCommand(words.map { Array($0.utf8) }).bytes, count: 1).first?.text
    }

    /// Where it is connected to, as a number.
    var peer: BrokerModel.ProviderURL.Place { socket.peer(of: server.login.entrance) }

    /// The replies to `count` questions, errors among them.
    func ask(_ questions: [UInt8], count: Int) throws(BrokerError) -> [RedisReply] {
        try transfer { () throws(RedisProblem) in
            try socket.send(questions, within: server.limits.answer)
            var replies: [RedisReply] = []
            for _ in 0..<count { replies.append(try reply()) }
            return replies
        }
    }

    /// The reply to one question; an error is thrown.
    func ask(_ words: String...) throws(BrokerError) -> RedisReply {
        let command = ReplicatedCommand(words.map { Array($0.utf8) })
        guard let reply = try ask(command.bytes, count: 1).first else { return .null }
        if case .error(let text) = reply { throw server.refusal(of: command.nameText, text) }
        return reply
    }

    /// Makes a database, by the server's number, the one that is spoken of.
    func select(_ database: Int) throws(BrokerError) {
        guard database != selected else { return }
        _ = try ask("SELECT", "\(database)")
        selected = database
    }

    /// Sends commands while it reads what they are answered, so that neither side waits for the other to read. Returns
    /// the number and the words of the first that was refused; the connection is broken then. `database` is what the
    /// commands leave selected.
    func apply(
        _ parts: [[UInt8]], commands: Int, selecting database: Int
    ) throws(BrokerError) -> (index: Int, words: String)? {
        selected = database
        return try transfer { () throws(RedisProblem) in
            var counter = ReplyCounter()
            var part = 0
            var sent = 0
            while counter.count < commands {
                while part < parts.count, sent == parts[part].count { (part, sent) = (part + 1, 0) }
                let ready = try socket.wait(
                    receiving: true, sending: part < parts.count, within: server.limits.answer)
                guard ready.canReceive || ready.canSend else { throw .unreachable("it did not answer in time") }
                if ready.canSend { sent += try socket.sendSome(parts[part], from: sent) }
                guard ready.canReceive, let bytes = try receive() else { continue }
                guard counter.feed(bytes) else { throw .otherProtocol("it answers with what is no reply") }
                if let words = counter.refused {
                    isBroken = true
                    return (counter.count, words)
                }
            }
            return nil
        }
    }

    // MARK: replies

    private func transfer<Value>(_ body: () throws(RedisProblem) -> Value) throws(BrokerError) -> Value {
        do throws(RedisProblem) {
            return try body()
        } catch {
            isBroken = true
            throw interruption.isRaised ? server.closed : server.error(error)
        }
    }

    private func reply(depth: Int = 0) throws(RedisProblem) -> RedisReply {
        let line = try line()
        guard let type = line.first, depth < Self.deepest else { throw .otherProtocol("it answers with no reply") }
        let rest = line.dropFirst()
        let text = String(decoding: rest, as: UTF8.self)
        switch type {
        case UInt8(ascii: "+"): return .bytes(Array(rest))
        case UInt8(ascii: "-"): return .error(text)
        case UInt8(ascii: ":"):
            guard let value = Int64(text) else { break }
            return .integer(value)
        case UInt8(ascii: "$"):
            guard let count = Int(text), count <= Self.longestBulk else { break }
            guard count >= 0 else { return .null }
            let bytes = try take(count)
            guard try take(2) == ReplicatedCommand.lineEnd else { break }
            return .bytes(bytes)
        case UInt8(ascii: "*"):
            guard let count = Int(text), count <= 1 << 30 else { break }
            guard count >= 0 else { return .null }
            var elements: [RedisReply] = []
            for _ in 0..<count { elements.append(try reply(depth: depth + 1)) }
            return .array(elements)
        default: break
        }
        throw .otherProtocol("it answers with no reply")
    }

    private func line() throws(RedisProblem) -> ArraySlice<UInt8> {
        var seen = head
        while true {
            if let end = input[seen...].firstIndex(of: 10) {
                guard end > head, input[end - 1] == 13 else { throw .otherProtocol("it answers with no reply") }
                defer { head = end + 1 }
                return input[head..<end - 1]
            }
            guard input.count - head <= Self.longestLine else { throw .otherProtocol("a line without an end") }
            seen = input.count - head
            try fill()
        }
    }

    /// The next `count` bytes; memory grows as they come.
    private func take(_ count: Int) throws(RedisProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, Self.chunk))
        while bytes.count < count {
            if head == input.count { try fill() }
            let some = min(count - bytes.count, input.count - head)
            bytes += input[head..<head + some]
            head += some
        }
        return bytes
    }

    /// Moves what is left to the front, and waits for more.
    private func fill() throws(RedisProblem) {
        input.removeFirst(head)
        head = 0
        while true {
            guard try socket.wait(receiving: true, sending: false, within: server.limits.answer).canReceive else {
                throw .unreachable("it did not answer in time")
            }
            guard let bytes = try receive() else { continue }
            input += bytes
            return
        }
    }

    private func receive() throws(RedisProblem) -> [UInt8]? {
        var problem: RedisProblem?
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunk) { buffer, count in
            do throws(RedisProblem) {
                count = try socket.receive(UnsafeMutableRawBufferPointer(buffer)) ?? 0
            } catch {
                count = 0
                problem = error
            }
        }
        if let problem { throw problem }
        return bytes.isEmpty ? nil : bytes
    }
}

/// Counts replies as they come, up to the first error, and keeps nothing of the others.
///
/// That there is no such key is none: a server ends keys by its own clock, and one that was renamed in its last moment
/// has ended here before. Had it lived on, the comparison would miss it.
struct ReplyCounter {
    private static let missingKey = Array("-ERR no such key\r\n".utf8)

    /// Before the one that is an error.
    private(set) var count = 0
    /// The words of the first error.
    private(set) var refused: String?
    private var framer = ReplyFramer()
    private var words: [UInt8]?

    /// False where the bytes are no replies.
    mutating func feed(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var position = 0
            while position < bytes.count, refused == nil {
                if framer.isAtBoundary { words = bytes[position] == UInt8(ascii: "-") ? [] : nil }
                switch framer.next(bytes, from: position) {
                case .malformed: return false
                case .needsMore:
                    words?.append(contentsOf: bytes[position...])
                    return true
                case .unit(_, let end):
                    words?.append(contentsOf: bytes[position..<end])
                    if let words, words != Self.missingKey {
                        refused = String(decoding: words.dropFirst().dropLast(2), as: UTF8.self)
                    } else {
                        count += 1
                    }
                    position = end
                }
            }
            return true
        }
    }
}
