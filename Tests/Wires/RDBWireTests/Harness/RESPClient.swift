#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A reply of the real server.
enum RESPReply: Equatable {
    case text([UInt8])
    case error(String)
    case integer(Int64)
    case null
    case array([RESPReply])

    var bytes: [UInt8]? {
        if case .text(let bytes) = self { return bytes }
        return nil
    }

    var number: Int64? {
        if case .integer(let number) = self { return number }
        return nil
    }

    var elements: [RESPReply]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// All elements that are strings.
    var strings: [[UInt8]] { elements?.compactMap(\.bytes) ?? [] }
}

/// Asks a server and waits for what it answers.
final class RESPClient {
    struct Failure: Error {
        var text: String
    }

    private let connection: Int32
    private var input: [UInt8] = []
    private var position = 0

    /// Connects to a Unix socket; nil when nobody listens.
    init?(path: String) {
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        connection = socket(AF_UNIX, kind, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(connection)
            return nil
        }
    }

    deinit {
        close(connection)
    }

    func command(_ words: String...) throws -> RESPReply {
        try command(words.map { Array($0.utf8) })
    }

    func command(_ words: [[UInt8]]) throws -> RESPReply {
        try pipeline([words])[0]
    }

    /// Sends all commands before it reads the first reply.
    func pipeline(_ commands: [[[UInt8]]]) throws -> [RESPReply] {
        var replies: [RESPReply] = []
        // As many at a time as both sides' buffers hold.
        var begin = 0
        while begin < commands.count {
            var output: [UInt8] = []
            var end = begin
            while end < commands.count, end == begin || output.count < 16 << 10 {
                output += Array("*\(commands[end].count)\r\n".utf8)
                for word in commands[end] { output += Array("$\(word.count)\r\n".utf8) + word + [13, 10] }
                end += 1
            }
            try send(output)
            for _ in begin..<end { replies.append(try reply()) }
            begin = end
        }
        return replies
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(connection, $0.baseAddress! + sent, bytes.count - sent) }
            guard count > 0 else { throw Failure(text: "server does not read, errno \(errno)") }
            sent += count
        }
    }

    private func reply() throws -> RESPReply {
        let line = try self.line()
        let text = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: "+"): return .text(Array(line.dropFirst()))
        case UInt8(ascii: "-"): return .error(text)
        case UInt8(ascii: ":"): return .integer(Int64(text) ?? 0)
        case UInt8(ascii: "$"):
            guard let count = Int(text), count >= 0 else { return .null }
            while input.count - position < count + 2 { try receive() }
            let bytes = Array(input[position..<position + count])
            position += count + 2
            return .text(bytes)
        case UInt8(ascii: "*"):
            guard let count = Int(text), count >= 0 else { return .null }
            return .array(try (0..<count).map { _ in try reply() })
        default: throw Failure(text: "unexpected reply \(text)")
        }
    }

    private func line() throws -> [UInt8] {
        var searched = position
        while true {
            if let end = input[searched...].firstIndex(of: 10) {
                let line = Array(input[position..<end - 1])
                position = end + 1
                return line
            }
            searched = input.count - position
            try receive()
        }
    }

    private func receive() throws {
        if position > 0 {
            input.removeFirst(position)
            position = 0
        }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = buffer.withUnsafeMutableBytes { read(connection, $0.baseAddress!, $0.count) }
        guard count > 0 else { throw Failure(text: "server has closed the connection") }
        input += buffer[..<count]
    }
}
