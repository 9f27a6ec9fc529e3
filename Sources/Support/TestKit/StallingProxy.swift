import Foundation

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Hands bytes on between clients and a server of 127.0.0.1 until it is told to stall: then it reads nothing more and
/// closes nothing, as a network does that has lost its way.
///
/// Safe to share: what changes is read and written under `lock`.
public final class StallingProxy: @unchecked Sendable {
    /// Where clients connect.
    public let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let lock = NSLock()
    private var isStalled = false
    private var isStopped = false
    private var sockets: [Int32] = []

    public init(to target: UInt16) throws {
        self.target = target
        port = try FreePort.find()
        listener = socket(AF_INET, streamType, 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard Self.withAddress(port, { bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw RealServer.Failure(description: "the proxy cannot listen: \(String(cString: strerror(errno)))")
        }
        Thread.detachNewThread { [self] in accept() }
    }

    /// Reads nothing any more.
    public func stall() {
        lock.withLock { isStalled = true }
    }

    public func stop() {
        lock.withLock {
            isStopped = true
            for socket in sockets + [listener] { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    private func accept() {
        while true {
            #if canImport(Darwin)
            let client = Darwin.accept(listener, nil, nil)
            #elseif canImport(Musl)
            let client = Musl.accept(listener, nil, nil)
            #else
            let client = Glibc.accept(listener, nil, nil)
            #endif
            guard client >= 0 else { return }
            let server = socket(AF_INET, streamType, 0)
            guard Self.withAddress(target, { connect(server, $0, $1) }) == 0 else {
                close(client)
                continue
            }
            lock.withLock { sockets += [client, server] }
            Thread.detachNewThread { [self] in pass(from: client, to: server) }
            Thread.detachNewThread { [self] in pass(from: server, to: client) }
        }
    }

    /// Waits for bytes in slices, so that a stall is noticed before the next ones are read.
    private func pass(from source: Int32, to target: Int32) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let (stalled, stopped) = lock.withLock { (isStalled, isStopped) }
            if stopped { return }
            var entry = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, 5)
            guard !stalled, ready > 0 else { continue }
            if lock.withLock({ isStalled }) { continue }
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else {
                shutdown(target, Int32(SHUT_WR))
                return
            }
            var sent = 0
            while sent < count {
                let some = buffer.withUnsafeBytes { send(target, $0.baseAddress! + sent, count - sent, flags) }
                guard some > 0 else { return }
                sent += some
            }
        }
    }

    private static func withAddress(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

#if canImport(Darwin)
private let flags: Int32 = 0
private let streamType = SOCK_STREAM
#else
private let flags = Int32(MSG_NOSIGNAL)
private let streamType = Int32(SOCK_STREAM.rawValue)
#endif
