import EventLoop
import NIOCore

import enum EventLoop.SocketAddress

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A bound and listening descriptor, made with plain system calls: NIO would bind later, when `listen` has returned.
struct ListeningSocket {
    let descriptor: CInt
    /// Where it is bound, with the port that the system chose where 0 was asked for.
    let address: SocketAddress

    private static let backlog: CInt = 1024

    init(on asked: SocketAddress) throws(SocketError) {
        let target = try asked.forNIO()
        let fd = socket(target.protocol == .inet6 ? AF_INET6 : target.protocol == .inet ? AF_INET : AF_UNIX, stream, 0)
        guard fd >= 0 else { throw SocketError(call: "socket", address: asked, errno) }
        Self.closeOnExec(fd)
        if case .tcp = asked {
            var yes: CInt = 1
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        }
        guard target.withSockAddr({ bind(fd, $0, socklen_t($1)) }) == 0 else {
            throw Self.failure("bind", asked, closing: fd)
        }
        guard listen(fd, Self.backlog) == 0 else { throw Self.failure("listen", asked, closing: fd) }
        descriptor = fd
        address = Self.bound(fd, asked: asked)
    }

    static func closeOnExec(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Closing it sends RST.
    static func resetOnClose(_ descriptor: CInt) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    func lengthenBacklog() {
        _ = listen(descriptor, Self.backlog)
    }

    private static func failure(_ call: String, _ address: SocketAddress, closing fd: CInt) -> SocketError {
        let error = SocketError(call: call, address: address, errno)
        close(fd)
        return error
    }

    private static func bound(_ fd: CInt, asked: SocketAddress) -> SocketAddress {
        guard case .tcp(let host, 0) = asked else { return asked }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &size) }
        }
        guard result == 0 else { return asked }
        // sin_port and sin6_port stand at the same place, on Linux and macOS.
        let port = withUnsafeBytes(of: &storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian }
        return .tcp(host: host, port: port)
    }
}

#if canImport(Glibc)
private let stream = CInt(SOCK_STREAM.rawValue)
#else
private let stream = CInt(SOCK_STREAM)
#endif
