import BrokerModel
import Processes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Requests to the daemon's HTTP API, each on a connection of its own: so much of HTTP as that takes, and no library, so
/// that a package which only tests builds in seconds.
struct ControlSocket: Sendable {
    let path: String

    /// Throws what the daemon answered, `daemonNotRunning`, or `daemonFailed`.
    func call<Answer: Decodable & Sendable>(
        _ method: String, _ target: String, body: Data? = nil, as _: Answer.Type = Answer.self
    ) async throws(BrokerError) -> Answer {
        let result: Result<Answer, BrokerError> = await withCheckedContinuation { continuation in
            DetachedThread.run {
                do throws(BrokerError) {
                    continuation.resume(returning: .success(try exchange(method, target, body)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Takes a lease that ends with the connection, which is open as long as the answer is kept.
    func hold(_ target: String, body: Data) async throws(BrokerError) -> (LeaseDocument, OpenConnection) {
        let result: Result<(LeaseDocument, OpenConnection), BrokerError> = await withCheckedContinuation {
            continuation in
            DetachedThread.run {
                do throws(BrokerError) {
                    continuation.resume(returning: .success(try open(target, body)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private func open(_ target: String, _ body: Data) throws(BrokerError) -> (LeaseDocument, OpenConnection) {
        let connection = try connect()
        try connection.send(Self.request("POST", target, body, closes: false))
        var bytes: [UInt8] = []
        // The head, then the first chunk: a line with the lease.
        while true {
            let part = try connection.receive()
            guard !part.isEmpty else { throw Self.cut(target) }
            bytes += part
            guard let head = bytes.firstRange(of: Self.endOfHead) else { continue }
            guard Self.status(of: bytes) == 200 else { throw Self.refusal(Self.rest(of: connection, bytes), target) }
            let lines = bytes[head.upperBound...].split(separator: UInt8(ascii: "\n"))
            guard let line = lines.first(where: { $0.first == UInt8(ascii: "{") }), bytes.last == UInt8(ascii: "\n"),
                let document = try? JSONDecoder().decode(LeaseDocument.self, from: Data(line))
            else { continue }
            return (document, connection)
        }
    }

    private func exchange<Answer: Decodable>(
        _ method: String, _ target: String, _ body: Data?
    ) throws(BrokerError) -> Answer {
        let connection = try connect()
        try connection.send(Self.request(method, target, body, closes: true))
        let bytes = Self.rest(of: connection, [])
        guard let head = bytes.firstRange(of: Self.endOfHead) else { throw Self.cut(target) }
        guard (200..<300).contains(Self.status(of: bytes)) else { throw Self.refusal(bytes, target) }
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes[head.upperBound...]))
        } catch {
            throw BrokerError(
                .daemonFailed, "cannot read the daemon's answer to \(method) \(target)", why: "\(error)",
                fix: "broker version")
        }
    }

    private static let endOfHead = Array("\r\n\r\n".utf8)

    private static func request(_ method: String, _ target: String, _ body: Data?, closes: Bool) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: broker\r\nContent-Length: \(body?.count ?? 0)\r\n"
        if closes { head += "Connection: close\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? Data())
    }

    private static func rest(of connection: OpenConnection, _ begun: [UInt8]) -> [UInt8] {
        var bytes = begun
        while let part = try? connection.receive(), !part.isEmpty { bytes += part }
        return bytes
    }

    private static func status(of bytes: [UInt8]) -> Int {
        let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private static func refusal(_ bytes: [UInt8], _ target: String) -> BrokerError {
        let body = bytes.firstRange(of: endOfHead).map { bytes[$0.upperBound...] } ?? []
        return (try? JSONDecoder().decode(BrokerError.self, from: Data(body))) ?? cut(target)
    }

    private static func cut(_ target: String) -> BrokerError {
        BrokerError(
            .daemonFailed, "the daemon's answer is not whole", why: "it was asked for \(target)", fix: "broker status")
    }

    private func connect() throws(BrokerError) -> OpenConnection {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = bytes.count < MemoryLayout.size(ofValue: address.sun_path)
        if fits { withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) } }
        #if os(Linux)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // Else a daemon that ends would end the tests by SIGPIPE.
        var isSilent: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &isSilent, socklen_t(MemoryLayout<Int32>.size))
        #endif
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                systemConnect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, fits, result == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw BrokerError(
                .daemonNotRunning, "the daemon is not running", why: "nobody answers on \"\(path)\"",
                fix: "broker daemon start")
        }
        return OpenConnection(descriptor: descriptor)
    }
}

/// A connection to the daemon; closed when it is let go.
final class OpenConnection: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    func send(_ bytes: [UInt8]) throws(BrokerError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemSend(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.ended }
            rest = rest.dropFirst(count)
        }
    }

    /// What comes next; empty at the end.
    func receive() throws(BrokerError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.ended }
            return Array(buffer[..<count])
        }
    }

    private static let ended = BrokerError(
        .daemonEnded, "the daemon ended while it worked", why: "the connection was closed", fix: "broker status")
}

/// The system's `connect`, which the method of that name hides.
private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
    send(descriptor, bytes, count, 0)
    #else
    send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #endif
}
