import BrokerModel
import CHiredis
import Processes

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A blocking connection to a real redis server, for the broker's own questions. Every call has a deadline.
///
/// It is used on a thread of its own: `RedisAdmin.run`. That thread has all signals blocked, SIGPIPE among them, which
/// hiredis does not keep from being raised.
struct RedisAdmin: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>

    /// Runs `body` on a thread that may block.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(RedisProblem) -> Value
    ) async throws(RedisProblem) -> Value {
        let result: Result<Value, RedisProblem> = await withCheckedContinuation { continuation in
            DetachedThread.run {
                do throws(RedisProblem) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Connects and logs in. A host's name is resolved here.
    static func connect(_ login: RedisLogin, timeout: Duration) throws(RedisProblem) -> RedisAdmin {
        let limit = timeval(timeout)
        let made =
            switch login.entrance {
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), limit)
            case .unix(let path): redisConnectUnixWithTimeout(path, limit)
            }
        guard let made else { throw .unreachable("no memory is left") }
        let admin = RedisAdmin(context: made)
        guard made.pointee.err == 0 else { throw problem(made) }
        redisSetTimeout(made, limit)
        try admin.logIn(login)
        return admin
    }

    private init(context: UnsafeMutablePointer<redisContext>) {
        self.context = context
    }

    deinit {
        redisFree(context)
    }

    /// The answer to one command; an error reply is thrown as `refused`.
    func ask(_ words: String...) throws(RedisProblem) -> RedisAnswer {
        try ask(words)
    }

    func ask(_ words: [String]) throws(RedisProblem) -> RedisAnswer {
        let texts = words.map { strdup($0) }
        defer { for text in texts { free(text) } }
        var arguments: [UnsafePointer<CChar>?] = texts.map { UnsafePointer($0) }
        var lengths = words.map(\.utf8.count)
        guard let reply = redisCommandArgv(context, Int32(words.count), &arguments, &lengths) else {
            throw Self.problem(context)
        }
        defer { freeReplyObject(reply) }
        let answer = RedisAnswer(reply.assumingMemoryBound(to: redisReply.self))
        if case .error(let text) = answer { throw .refused(text) }
        return answer
    }

    /// The numeric address that was connected to; nil for a unix socket.
    var peer: String? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                getpeername(context.pointee.fd, generic, &length) == 0
                    ? getnameinfo(generic, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) : -1
            }
        }
        guard result == 0, address.ss_family != sa_family_t(AF_UNIX) else { return nil }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func logIn(_ login: RedisLogin) throws(RedisProblem) {
        if let secret = login.secret {
            let word = secret.reveal { $0 }
            _ = if let user = login.user { try ask("AUTH", user, word) } else { try ask("AUTH", word) }
        }
        if login.database != 0 { _ = try ask("SELECT", "\(login.database)") }
    }

    private static func problem(_ context: UnsafeMutablePointer<redisContext>) -> RedisProblem {
        let number = errno
        let text = withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return switch context.pointee.err {
        case REDIS_ERR_PROTOCOL: .otherProtocol(text)
        case REDIS_ERR_IO where number == EAGAIN || number == EWOULDBLOCK: .unreachable("it did not answer in time")
        default: .unreachable(text)
        }
    }
}

/// Why a server could not be asked.
enum RedisProblem: Error, Equatable {
    /// Nobody answers there, or not in time.
    case unreachable(String)
    /// Somebody answers who does not speak RESP.
    case otherProtocol(String)
    /// The server answered with an error: `WRONGPASS …`, `NOAUTH …`, `LOADING …`.
    case refused(String)
}

/// A reply, as far as the broker looks at replies.
enum RedisAnswer: Equatable {
    case text(String)
    case integer(Int64)
    case error(String)
    case null
    case list([RedisAnswer])

    init(_ reply: UnsafeMutablePointer<redisReply>) {
        switch reply.pointee.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .text(Self.text(reply))
        case REDIS_REPLY_ERROR: self = .error(Self.text(reply))
        case REDIS_REPLY_INTEGER: self = .integer(reply.pointee.integer)
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.pointee.element, count: Int(reply.pointee.elements))
            self = .list(elements.map { element in element.map(RedisAnswer.init) ?? .null })
        default: self = .null
        }
    }

    private static func text(_ reply: UnsafeMutablePointer<redisReply>) -> String {
        guard let start = reply.pointee.str else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: Int(reply.pointee.len)), as: UTF8.self)
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: .init(seconds), tv_usec: .init(attoseconds / 1_000_000_000_000))
    }
}
