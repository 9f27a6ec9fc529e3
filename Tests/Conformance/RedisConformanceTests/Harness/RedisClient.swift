#if canImport(Glibc)
import Glibc
private let (makeSocket, connectSocket, sendBytes) = (Glibc.socket, Glibc.connect, Glibc.send)
#else
import Darwin
private let (makeSocket, connectSocket, sendBytes) = (Darwin.socket, Darwin.connect, Darwin.send)
#endif

/// What went wrong between a test and a server.
struct HarnessError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A blocking client of one connection that decodes replies of both protocol versions and keeps their types.
final class RedisClient {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    #if canImport(Glibc)
    private static let noSignal = Int32(MSG_NOSIGNAL)
    #else
    private static let noSignal: Int32 = 0
    #endif
    /// No answer within this many seconds is an error.
    private static let patience = 20

    init(path: String) throws {
        socket = try Self.connect(path)
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(socket)
    }

    private static func connect(_ path: String) throws -> Int32 {
        #if canImport(Glibc)
        let stream = Int32(SOCK_STREAM.rawValue)
        #else
        let stream = SOCK_STREAM
        #endif
        let made = makeSocket(AF_UNIX, stream, 0)
        guard made >= 0 else { throw HarnessError("socket: \(errno)") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw HarnessError("the path is too long: \(path)") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connectSocket(made, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(made)
            throw HarnessError("connect to \(path): \(errno)")
        }
        return made
    }

    // MARK: sending

    /// Sends one command and reads one reply.
    func call(_ arguments: [[UInt8]]) throws -> Reply {
        try send(arguments)
        return try receive()
    }

    func authenticate() throws {
        try call("AUTH", EmulatedRedis.user, EmulatedRedis.secret)
    }

    /// `call` with words.
    @discardableResult
    func call(_ words: String...) throws -> Reply {
        try call(words.map { Array($0.utf8) })
    }

    func send(_ arguments: [[UInt8]]) throws {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += Array("$\(argument.count)\r\n".utf8)
            bytes += argument
            bytes += [13, 10]
        }
        try send(raw: bytes)
    }

    /// Sends bytes as they are. A peer that has closed already is no error: its last words are read next.
    func send(raw bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                sendBytes(socket, $0.baseAddress, $0.count, Self.noSignal)
            }
            if count < 0, errno == EPIPE || errno == ECONNRESET { return }
            guard count > 0 else { throw HarnessError("send: \(errno)") }
            sent += count
        }
    }

    // MARK: receiving

    /// Everything until the server closes.
    func receiveToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { position = buffer.count }
        return Array(buffer[position...])
    }

    /// Whether something has come that was not received yet.
    var hasInput: Bool {
        if position < buffer.count { return true }
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
    }

    /// The next reply or push; `.closed` at the end of the connection.
    func receive() throws -> Reply {
        if position == buffer.count, !(try fill()) { return .closed }
        let line = try line()
        guard let type = line.first else { throw HarnessError("an empty line instead of a reply") }
        let rest = Array(line.dropFirst())
        switch type {
        case UInt8(ascii: "+"): return .simple(rest)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: ":"): return .integer(Int64(try number(rest)))
        case UInt8(ascii: "$"):
            let count = try number(rest)
            return count < 0 ? .nullBulk : .bulk(try payload(count))
        case UInt8(ascii: "="): return .verbatim(try payload(try number(rest)))
        case UInt8(ascii: "!"): return .error(try payload(try number(rest)))
        case UInt8(ascii: "_"): return .null
        case UInt8(ascii: "#"): return .boolean(rest == [UInt8(ascii: "t")])
        case UInt8(ascii: ","): return .double(rest)
        case UInt8(ascii: "("): return .bigNumber(rest)
        case UInt8(ascii: "*"):
            let count = try number(rest)
            return count < 0 ? .nullArray : .array(try replies(count))
        case UInt8(ascii: "%"): return .map(try replies(try number(rest) * 2))
        case UInt8(ascii: "~"): return .set(try replies(try number(rest)))
        case UInt8(ascii: ">"): return .push(try replies(try number(rest)))
        default: throw HarnessError("no reply begins so: \(Reply.quoted(line))")
        }
    }

    private func replies(_ count: Int) throws -> [Reply] {
        try (0..<count).map { _ in try receive() }
    }

    private func number(_ digits: [UInt8]) throws -> Int {
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
            throw HarnessError("not a number: \(Reply.quoted(digits))")
        }
        return value
    }

    private func line() throws -> [UInt8] {
        var end = position
        while true {
            while end + 1 < buffer.count {
                if buffer[end] == 13, buffer[end + 1] == 10 {
                    defer { position = end + 2 }
                    return Array(buffer[position..<end])
                }
                end += 1
            }
            end -= position
            guard try fill() else { throw HarnessError("the connection ended inside a reply") }
            end += position
        }
    }

    private func payload(_ count: Int) throws -> [UInt8] {
        while buffer.count - position < count + 2 {
            guard try fill() else { throw HarnessError("the connection ended inside a reply") }
        }
        defer { position += count + 2 }
        return Array(buffer[position..<position + count])
    }

    /// Reads more bytes; false at the end of the connection.
    private func fill() throws -> Bool {
        if isAtEnd { return false }
        if position > 0 {
            buffer.removeSubrange(..<position)
            position = 0
        }
        let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { place in
            let count = recv(socket, place.baseAddress, place.count, 0)
            if count > 0 { buffer.append(contentsOf: place.prefix(count)) }
            return count
        }
        if count < 0, errno == EAGAIN { throw HarnessError("no answer within \(Self.patience) s") }
        isAtEnd = count <= 0
        return count > 0
    }
}
