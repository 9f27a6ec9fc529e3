import BrokerModel
import ProviderKit
import RDBWire
import RESPWire
import Synchronization

/// What a copy asks a real server beside the copying: how many keys, which ones, and what they hold.
///
/// On a connection of its own, which is opened with the first question.
final class ServerCopyQuestions: Sendable {
    private static let timeout = Duration.seconds(10)

    private let login: RedisLogin
    private let name: String
    private let only: Int?
    private let stream = Mutex<ServerStream?>(nil)

    init(_ login: RedisLogin, named name: String, only: Int?) {
        self.login = login
        self.name = name
        self.only = only
    }

    func counts() async throws(BrokerError) -> [Int: Int] {
        let info = try await ask([["INFO", "keyspace"]])[0].text
        var counts: [Int: Int] = [:]
        for line in info.split(whereSeparator: \.isNewline) where line.hasPrefix("db") {
            let parts = line.dropFirst(2).split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[0]),
                let keys = parts[1].split(separator: ",").first(where: { $0.hasPrefix("keys=") })
            else { continue }
            let count = Int(keys.dropFirst(5)) ?? 0
            if let only {
                if number == only { counts[0] = count }
            } else {
                counts[number] = count
            }
        }
        return counts
    }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys {
        let databases = try await counts().keys.sorted()
        guard let database = cursor?.database ?? databases.first else { return CopyKeys(keys: [], next: nil) }
        let answers = try await ask([
            ["SELECT", "\(only ?? database)"], ["SCAN", "\(cursor?.place ?? 0)", "COUNT", "1000"],
        ])
        guard case .list(let parts) = answers[1], parts.count == 2, case .list(let names) = parts[1],
            let place = UInt64(parts[0].text)
        else { throw wrongAnswer("SCAN") }
        let keys = names.map { CopyKey(database: database, name: $0.bytes) }
        if place != 0 { return CopyKeys(keys: keys, next: CopyCursor(database: database, place: place)) }
        let next = databases.first { $0 > database }
        return CopyKeys(keys: keys, next: next.map { CopyCursor(database: $0, place: 0) })
    }

    /// By DUMP and PEXPIRETIME, which is of Redis 7.0.
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] {
        var digests: [UInt64?] = []
        digests.reserveCapacity(keys.count)
        var start = 0
        // Some at a time: values may be large.
        while start < keys.count {
            let some = keys[start..<min(start + 100, keys.count)]
            var questions: [[[UInt8]]] = []
            for key in some {
                questions.append([Array("SELECT".utf8), Array("\(only ?? key.database)".utf8)])
                questions.append([Array("DUMP".utf8), key.name])
                questions.append([Array("PEXPIRETIME".utf8), key.name])
            }
            let answers = try await ask(questions)
            for index in 0..<some.count {
                digests.append(try digest(answers[index * 3 + 1], answers[index * 3 + 2]))
            }
            start += some.count
        }
        return digests
    }

    private func digest(_ dump: ServerAnswer, _ expiry: ServerAnswer) throws(BrokerError) -> UInt64? {
        guard case .bulk(let bytes) = dump else { return nil }
        guard case .integer(let time) = expiry, time != -2 else { return nil }
        do throws(RDBError) {
            let payload = try DumpPayload.open(bytes, newest: .max)
            return try RDBValue.decode(payload).digest(expiry: time == -1 ? nil : time)
        } catch {
            throw BrokerError(
                .unsupported, "\"\(name)\" has a value that cannot be read", why: "\(error)",
                fix: "swap with --cold, or with --verify none")
        }
    }

    /// What the server's stream has reached.
    func streamPosition() async throws(BrokerError) -> Int64 {
        let info = try await ask([["INFO", "replication"]])[0].text
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("master_repl_offset:") }
        guard let line, let offset = Int64(line.dropFirst("master_repl_offset:".count)) else {
            throw wrongAnswer("INFO replication")
        }
        return offset
    }

    func close() {
        stream.withLock { $0 }?.interrupt()
    }

    // MARK: asking

    private func ask(_ questions: [[String]]) async throws(BrokerError) -> [ServerAnswer] {
        try await ask(questions.map { $0.map { Array($0.utf8) } })
    }

    private func ask(_ questions: [[[UInt8]]]) async throws(BrokerError) -> [ServerAnswer] {
        do throws(RedisProblem) {
            let stream = try await opened()
            return try await stream.run { stream throws(RedisProblem) in
                var output: [UInt8] = []
                for question in questions { RequestEncoding.append(question, to: &output) }
                try stream.send(output, within: Self.timeout)
                var answers: [ServerAnswer] = []
                for _ in questions {
                    let answer = try ServerAnswer(stream, until: .now + Self.timeout)
                    if case .error(let text) = answer { throw .refused(text) }
                    answers.append(answer)
                }
                return answers
            }
        } catch {
            throw error.brokerError(name, fix: "broker status")
        }
    }

    private func opened() async throws(RedisProblem) -> ServerStream {
        if let open = stream.withLock({ $0 }) { return open }
        let login = login
        let made = try await RedisAdmin.run { () throws(RedisProblem) in
            try ServerStream(login, timeout: Self.timeout)
        }
        return stream.withLock { stream in
            stream = stream ?? made
            return stream ?? made
        }
    }

    private func wrongAnswer(_ question: String) -> BrokerError {
        BrokerError(
            .wrongServer, "\"\(name)\" cannot be copied", why: "it answers \(question) as no redis server does",
            fix: "broker status")
    }
}

/// A reply of version 2 with its bytes as they are.
enum ServerAnswer: Equatable, Sendable {
    case bulk([UInt8])
    case simple(String)
    case error(String)
    case integer(Int64)
    case null
    case list([ServerAnswer])

    private static let deepest = 8

    /// Reads the next reply.
    init(_ stream: ServerStream, until deadline: ContinuousClock.Instant, depth: Int = 0) throws(RedisProblem) {
        let line = try stream.line(until: deadline)
        let rest = line.dropFirst()
        switch line.first {
        case "+": self = .simple(String(rest))
        case "-": self = .error(String(rest))
        case ":":
            guard let number = Int64(rest) else { throw .otherProtocol("a number that is none") }
            self = .integer(number)
        case "$":
            guard let count = Int(rest), count <= 512 << 20 else { throw .otherProtocol("a length that is none") }
            guard count >= 0 else {
                self = .null
                return
            }
            while stream.unread.count < count + 2 {
                guard try stream.receive(until: deadline) else { throw .unreachable("it did not answer in time") }
            }
            self = .bulk(Array(stream.unread.prefix(count)))
            stream.take(count + 2)
        case "*":
            guard let count = Int(rest), count <= 1 << 24, depth < Self.deepest else {
                throw .otherProtocol("an array that is none")
            }
            guard count >= 0 else {
                self = .null
                return
            }
            var elements: [ServerAnswer] = []
            for _ in 0..<count { elements.append(try ServerAnswer(stream, until: deadline, depth: depth + 1)) }
            self = .list(elements)
        default: throw .otherProtocol("it answered what is no reply")
        }
    }

    /// Of a bulk or a simple string; empty for everything else.
    var bytes: [UInt8] {
        switch self {
        case .bulk(let bytes): bytes
        case .simple(let text): Array(text.utf8)
        case .error, .integer, .null, .list: []
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
