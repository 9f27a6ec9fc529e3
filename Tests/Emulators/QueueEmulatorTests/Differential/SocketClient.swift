#if os(Linux)
import Glibc

/// A blocking TCP client on loopback; nothing takes longer than its deadline.
final class SocketClient {
    private static let patience = 10.0

    private let descriptor: CInt
    private var pending: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
        let result = Self.withAddress(port: port) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw SocketFailure("connect to port \(port): \(errno)")
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Seconds of a monotonic clock.
    static func time() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(descriptor) }
        guard withAddress(port: 0, { bind(descriptor, $0, $1) }) == 0 else { throw SocketFailure("bind: \(errno)") }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard result > 0 else { throw SocketFailure("send: \(errno)") }
            sent += result
        }
    }

    /// The next line with its end, or what came before the end of the stream.
    func readLine() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 0x0a) { return take(end + 1) }
            guard try readMore() else { return take(pending.count) }
        }
    }

    /// The next `count` bytes.
    func read(_ count: Int) throws -> String {
        while pending.count < count {
            guard try readMore() else { throw SocketFailure("end of stream instead of \(count) bytes") }
        }
        return take(count)
    }

    /// One reply: its line, and the body behind it if the line announces one.
    func readReply() throws -> String {
        let line = try readLine()
        guard let size = ReplyShape.bodySize(after: line) else { return line }
        return line + (try read(size + 2))
    }

    func readToEnd() throws -> String {
        while try readMore() {}
        return take(pending.count)
    }

    func endOutput() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    private func take(_ count: Int) -> String {
        defer { pending.removeFirst(count) }
        return String(decoding: pending[..<count], as: UTF8.self)
    }

    /// False at the end of the stream.
    private func readMore() throws -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, CInt(Self.patience * 1000)) > 0 else { throw SocketFailure("no reply in time") }
        let received = recv(descriptor, &buffer, buffer.count, 0)
        guard received >= 0 else { throw SocketFailure("recv: \(errno)") }
        pending += buffer[..<received]
        return received > 0
    }

    private static func withAddress(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
#endif

/// Why a test's socket did not do what it should.
struct SocketFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Which replies have a body behind their line.
enum ReplyShape {
    /// The size that `line` announces, without CR LF.
    static func bodySize(after line: String) -> Int? {
        let words = line.split(whereSeparator: { $0.isWhitespace })
        switch (words.first, words.count) {
        case ("OK", 2), ("RESERVED", 3), ("FOUND", 3): return words.last.flatMap { Int($0) }
        default: return nil
        }
    }
}
