import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Sessions of half a minute in Redis, by the plainest client there can be.
public struct Sessions {
    private let client: PlainRedis

    /// - Parameter url: as `REDIS_URL` has it.
    public init(url: String) throws {
        client = try PlainRedis(url: url)
    }

    public func begin(_ id: String, user: String) throws {
        _ = try client.ask("SET", "session:\(id)", user, "EX", "30")
    }

    /// Nil when it is over.
    public func user(of id: String) throws -> String? {
        try client.ask("GET", "session:\(id)")
    }
}

/// What a Redis error says, or that nobody answers.
public struct RedisFailure: Error, Equatable {
    public let text: String

    public init(text: String) {
        self.text = text
    }
}

/// One blocking connection.
final class PlainRedis {
    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(url: String) throws {
        guard let parts = URLComponents(string: url), let port = parts.port else { throw RedisFailure(text: url) }
        #if canImport(Darwin)
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw RedisFailure(text: "nobody listens on port \(port)") }
        if let user = parts.user, let password = parts.password { _ = try ask("AUTH", user, password) }
    }

    deinit {
        close(descriptor)
    }

    func ask(_ words: String...) throws -> String? {
        let request = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        guard request.withCString({ write(descriptor, $0, strlen($0)) }) == request.utf8.count else {
            throw RedisFailure(text: "the connection is closed")
        }
        let line = try readLine()
        switch line.first {
        case "-": throw RedisFailure(text: String(line.dropFirst()))
        case "$":
            guard let length = Int(line.dropFirst()), length >= 0 else { return nil }
            return try readLine()
        default: return String(line.dropFirst())
        }
    }

    private func readLine() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 13), end + 1 < pending.count {
                defer { pending.removeFirst(end + 2) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw RedisFailure(text: "the connection is closed") }
            pending += buffer[..<count]
        }
    }
}
