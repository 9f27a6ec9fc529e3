import EventLoop
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A TCP socket that is bound and, with a backlog, listens, but never accepts.
final class SilentSocket {
    let address: SocketAddress
    private let descriptor: CInt
    private var callers: [CInt] = []

    init(backlog: CInt?) throws {
        descriptor = tcpSocket()
        try #require(descriptor >= 0)
        var ip = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let result = withUnsafeMutablePointer(to: &ip) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, size) + getsockname(fd, $0, &size) }
        }
        try #require(result == 0)
        address = .tcp(host: "127.0.0.1", port: ip.sin_port.bigEndian)
        if let backlog { try #require(listen(descriptor, backlog) == 0) }
    }

    deinit {
        for caller in callers + [descriptor] { close(caller) }
    }

    /// Connects until the system takes no more.
    func fillBacklog() {
        for _ in 0..<8 {
            let caller = tcpSocket()
            callers.append(caller)
            _ = fcntl(caller, F_SETFL, O_NONBLOCK)
            _ = connectSocket(caller, to: address)
        }
    }
}

/// A blocking socket that does one thing, without allocating: a byte there and the same byte back.
final class Caller {
    private let descriptor = tcpSocket()

    init(to address: SocketAddress) throws {
        try #require(connectSocket(descriptor, to: address) == 0)
        var time = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit {
        close(descriptor)
    }

    /// Has each of `callers` send a byte and take it back, `count` times over; returns how many came back right.
    static func roundTrips(_ count: Int, of callers: [Caller]) -> Int {
        var right = 0
        for index in 0..<count {
            var sent = UInt8(truncatingIfNeeded: index)
            for caller in callers { _ = write(caller.descriptor, &sent, 1) }
            for caller in callers {
                var received: UInt8 = 0
                guard read(caller.descriptor, &received, 1) == 1, received == sent else { return right }
                right += 1
            }
        }
        return right
    }
}

private func tcpSocket() -> CInt {
    #if canImport(Glibc)
    socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    #else
    socket(AF_INET, CInt(SOCK_STREAM), 0)
    #endif
}

private func loopback(port: UInt16) -> sockaddr_in {
    var ip = sockaddr_in()
    ip.sin_family = sa_family_t(AF_INET)
    ip.sin_port = port.bigEndian
    ip.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return ip
}

private func connectSocket(_ descriptor: CInt, to address: SocketAddress) -> CInt {
    guard case .tcp(_, let port) = address else { return -1 }
    var ip = loopback(port: port)
    return withUnsafePointer(to: &ip) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
