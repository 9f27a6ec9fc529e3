import BrokerModel
import ProviderKit
import RESPWire

/// Writes what another backing held into a real server: every command is sent, and every answer looked at.
final class ServerCopyTarget: CopyTarget {
    /// How long a server may take for one batch.
    private static let patience = Duration.seconds(10)

    private let stream: ServerStream
    let questions: ServerCopyQuestions
    private let name: String
    private let only: Int?

    /// - Parameter only: the one database of the server that is the resource's; nil where all are.
    init(_ login: RedisLogin, named name: String, only: Int?) async throws(BrokerError) {
        self.name = name
        self.only = only
        questions = ServerCopyQuestions(login, named: name, only: only)
        do throws(RedisProblem) {
            stream = try await RedisAdmin.run { () throws(RedisProblem) in
                try ServerStream(login, timeout: Self.patience)
            }
        } catch {
            throw error.brokerError(name, fix: nil)
        }
    }

    func apply(_ batch: CopyBatch) async throws(BrokerError) {
        let only = only
        do throws(RedisProblem) {
            try await stream.run { stream throws(RedisProblem) in
                var output: [UInt8] = []
                output.reserveCapacity(batch.size + 64)
                var commands = 0
                for segment in batch.segments {
                    let number = try Self.number(of: segment.database, only)
                    output += RequestEncoding.bytes(["SELECT", "\(number)"])
                    output += only == nil ? segment.bytes : Self.withoutFlushAll(segment.bytes)
                    commands += 1 + segment.commands
                }
                try stream.send(output, within: Self.patience)
                try Self.readAnswers(commands, to: output, stream)
            }
        } catch {
            throw Self.failure(error, name)
        }
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await questions.counts() }
    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await questions.keys(from: cursor) }
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await questions.digests(of: keys) }

    func close() async {
        stream.interrupt()
        questions.close()
    }

    private static func number(of database: Int, _ only: Int?) throws(RedisProblem) -> Int {
        guard let only else { return database }
        guard database == 0 else { throw .refused("ERR database \(database) has keys, and the target has one only") }
        return only
    }

    /// On a server that others use FLUSHALL would take theirs, too.
    private static func withoutFlushAll(_ bytes: [UInt8]) -> [UInt8] {
        guard Command.contains("flushall", bytes) else { return bytes }
        var output: [UInt8] = []
        Command.forEach(in: bytes) { words, raw in
            if words[0].isWord("flushall") {
                output += RequestEncoding.bytes(["FLUSHDB"])
            } else {
                output += raw
            }
        }
        return output
    }

    /// Throws the first refusal, behind the name of the command.
    private static func readAnswers(
        _ count: Int, to commands: [UInt8], _ stream: ServerStream
    ) throws(RedisProblem) {
        var framer = ReplyFramer()
        var answered = 0
        var reply: [UInt8] = []
        while answered < count {
            let unread = stream.unread
            if unread.isEmpty {
                guard try stream.receive(until: .now + patience) else {
                    throw .unreachable("it did not answer within \(patience)")
                }
                continue
            }
            var refusal: [UInt8]?
            var isMalformed = false
            let used = unread.withUnsafeBytes { bytes in
                var position = 0
                while position < bytes.count, answered < count, refusal == nil, !isMalformed {
                    let start = position
                    switch framer.next(bytes, from: position) {
                    case .malformed: isMalformed = true
                    case .needsMore:
                        position = bytes.count
                        if reply.count < 512 { reply += bytes[start...] }
                    case .unit(let unit, let end):
                        position = end
                        if unit.type == UInt8(ascii: "-") { refusal = reply + bytes[start..<end] }
                        reply.removeAll(keepingCapacity: true)
                        answered += 1
                    }
                }
                return position
            }
            stream.take(used)
            if isMalformed { throw .otherProtocol("it answered what is no reply") }
            // A key that the source has still and that is over by this server's clock: what is made of it here is over,
            // too, or differs when both sides are compared.
            if let refusal, !refusal.starts(with: Array("-ERR no such key".utf8)) {
                let text = String(decoding: refusal.dropFirst().prefix { $0 != 13 }, as: UTF8.self)
                throw .refused("\(Command.name(of: answered - 1, in: commands)): \(text)")
            }
        }
    }

    private static func failure(_ problem: RedisProblem, _ name: String) -> BrokerError {
        guard case .refused(let text) = problem else { return problem.brokerError(name, fix: nil) }
        let isFull = text.contains("OOM ")
        return BrokerError(
            .unsupported, "\"\(name)\" does not take the data", why: "it says to \(text.prefix(200))",
            fix: isFull
                ? "give the target more memory (its maxmemory), or swap to another one"
                : "nothing was switched; swap to a target that takes this command")
    }
}

/// Commands as a replica gets them, one behind the other.
enum Command {
    /// Calls `body` with each whole command: its words, and the command as it came.
    @discardableResult
    static func forEach(
        in bytes: [UInt8], _ body: (UnsafeMutablePointer<Bytes>, UnsafeRawBufferPointer) -> Void
    ) -> Int {
        let batch = RequestBatch()
        return bytes.withUnsafeBytes { bytes in
            var position = 0
            while position < bytes.count {
                var partial = PartialRequest()
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                _ = batch.parse(rest, limits: .authenticated, partial: &partial)
                guard batch.count > 0 else { break }
                var start = 0
                for index in 0..<batch.count {
                    let request = batch[index]
                    body(batch.arguments + request.first, UnsafeRawBufferPointer(rebasing: rest[start..<request.end]))
                    start = request.end
                }
                position += start
            }
            return position
        }
    }

    /// Whether a command's name may be in the bytes: a quick look.
    static func contains(_ word: StaticString, _ bytes: [UInt8]) -> Bool {
        var isFound = false
        forEach(in: bytes) { words, _ in if words[0].isWord(word) { isFound = true } }
        return isFound
    }

    static func name(of number: Int, in bytes: [UInt8]) -> String {
        var index = 0
        var name = "?"
        forEach(in: bytes) { words, _ in
            if index == number { name = words[0].text.prefix(32).uppercased() }
            index += 1
        }
        return name
    }
}
