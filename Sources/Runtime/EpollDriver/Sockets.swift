#if os(Linux)
import CEpoll
import EventLoop
import Glibc

/// The socket calls of the epoll driver: Swift values in, descriptors or `SocketError` out.
enum Sockets {
    /// Binds and listens; port 0 is answered with the port that the system chose.
    static func listen(on address: SocketAddress) throws(SocketError) -> (Int32, SocketAddress) {
        let fd = try open(address)
        var yes: CInt = 1
        if case .tcp = address { setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size)) }
        guard try withSystemAddress(address, of: fd, { Glibc.bind(fd, $0, $1) }) == 0 else {
            throw failure("bind", address, closing: fd)
        }
        guard Glibc.listen(fd, 1024) == 0 else { throw failure("listen", address, closing: fd) }
        return (fd, bound(fd, asked: address))
    }

    /// A socket of the address's family, TCP with Nagle's algorithm off.
    static func open(_ address: SocketAddress) throws(SocketError) -> Int32 {
        let family =
            switch address {
            case .tcp(let host, _): host.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
            case .unix: AF_UNIX
            }
        let fd = cepoll_socket(family)
        guard fd >= 0 else { throw SocketError(call: "socket", address: address) }
        setNoDelay(fd)
        return fd
    }

    static func setNoDelay(_ fd: Int32) {
        var yes: CInt = 1
        setsockopt(fd, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Closing it sends RST.
    static func resetOnClose(_ fd: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    /// The error that epoll reported for `fd`, 0 for none.
    static func pendingError(_ fd: Int32) -> Int32 {
        var error: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size)
        return error
    }

    static func peerName(_ fd: Int32) -> String {
        name(fd, getpeername)
    }

    static func localName(_ fd: Int32) -> String {
        name(fd, getsockname)
    }

    static func failure(_ call: String, _ address: SocketAddress, closing fd: Int32) -> SocketError {
        let error = SocketError(call: call, address: address)
        Glibc.close(fd)
        return error
    }

    /// Calls `body` with the address as the system's structure; closes `fd` and throws where there is none.
    static func withSystemAddress(
        _ address: SocketAddress, of fd: Int32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(SocketError) -> CInt {
        do throws(SocketError) {
            return try withSystemAddress(address, body)
        } catch {
            Glibc.close(fd)
            throw error
        }
    }

    /// Throws EINVAL for a host that is not a numeric address and an empty path, ENAMETOOLONG for a path that does
    /// not fit into `sun_path`.
    private static func withSystemAddress(
        _ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(SocketError) -> CInt {
        var storage = sockaddr_storage()
        let size: Int
        switch address {
        case .tcp(let host, let port) where host.utf8.contains(UInt8(ascii: ":")):
            var ip = sockaddr_in6()
            ip.sin6_family = sa_family_t(AF_INET6)
            ip.sin6_port = port.bigEndian
            guard inet_pton(AF_INET6, host, &ip.sin6_addr) == 1 else { throw invalid(address, EINVAL) }
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: ip, as: sockaddr_in6.self) }
            size = MemoryLayout<sockaddr_in6>.size
        case .tcp(let host, let port):
            var ip = sockaddr_in()
            ip.sin_family = sa_family_t(AF_INET)
            ip.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host, &ip.sin_addr) == 1 else { throw invalid(address, EINVAL) }
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: ip, as: sockaddr_in.self) }
            size = MemoryLayout<sockaddr_in>.size
        case .unix(let path):
            guard !path.isEmpty else { throw invalid(address, EINVAL) }
            var local = sockaddr_un()
            local.sun_family = sa_family_t(AF_UNIX)
            let fits = withUnsafeMutableBytes(of: &local.sun_path) { field in
                guard path.utf8.count < field.count else { return false }
                field.copyBytes(from: path.utf8)
                return true
            }
            guard fits else { throw invalid(address, ENAMETOOLONG) }
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: local, as: sockaddr_un.self) }
            size = MemoryLayout<sockaddr_un>.size
        }
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }

    private static func invalid(_ address: SocketAddress, _ error: Int32) -> SocketError {
        SocketError(call: "address", address: address, errno: error, reason: String(cString: strerror(error)))
    }

    private static func bound(_ fd: Int32, asked: SocketAddress) -> SocketAddress {
        guard case .tcp(let host, 0) = asked else { return asked }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &size) }
        }
        guard result == 0 else { return asked }
        // sin_port and sin6_port stand at the same place.
        let port = withUnsafeBytes(of: &storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian }
        return .tcp(host: host, port: port)
    }

    private typealias NameCall = (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt

    private static func name(_ fd: Int32, _ call: NameCall) -> String {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(fd, $0, &size) }
        }
        guard result == 0 else { return "" }
        return withUnsafeBytes(of: &storage) { bytes in
            let port = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
            switch CInt(bytes.loadUnaligned(as: sa_family_t.self)) {
            case AF_INET: return "\(bytes[4]).\(bytes[5]).\(bytes[6]).\(bytes[7]):\(port)"
            case AF_INET6: return "[\(text(bytes))]:\(port)"
            default: return String(decoding: bytes[2..<Int(size)].prefix { $0 != 0 }, as: UTF8.self)
            }
        }
    }

    private static func text(_ address: UnsafeRawBufferPointer) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(AF_INET6, address.baseAddress.unsafelyUnwrapped + 8, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SocketError {
    /// The failure of the call that has just set errno.
    init(call: String, address: SocketAddress) {
        let error = Glibc.errno
        self.init(call: call, address: address, errno: error, reason: String(cString: strerror(error)))
    }
}
#endif
