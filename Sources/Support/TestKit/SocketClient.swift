public import EventLoop

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A blocking client for tests: a plain socket on which every call has a deadline.
public final class SocketClient {
    /// Why a call failed.
    public enum Failure: Error, Equatable, Sendable {
        /// The call's deadline passed.
        case timedOut
        /// The peer sent FIN before all the bytes that were asked for had come.
        case closed
        /// The peer answered with RST.
        case reset
        /// Nobody listens there.
        case refused
        /// Another system call failed.
        case system(call: String, errno: Int32)
    }

    /// How long each call may take.
    public let timeout: Duration
    private let fd: Int32
    private var isOpen = true
    private var received: [UInt8] = []

    /// Connects to a TCP or unix socket. `receiveBuffer` bounds what the kernel takes in while nobody receives.
    public init(
        to address: SocketAddress, receiveBuffer: Int32? = nil, timeout: Duration = .seconds(20)
    ) throws(Failure) {
        self.timeout = timeout
        fd = socket(address.family, streamType, 0)
        guard fd >= 0 else { throw .system(call: "socket", errno: errno) }
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
        #if canImport(Darwin)
        set(SOL_SOCKET, SO_NOSIGPIPE, 1)
        #endif
        if let receiveBuffer { set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        if case .tcp = address { set(CInt(IPPROTO_TCP), TCP_NODELAY, 1) }
        try connect(to: address)
    }

    deinit {
        close()
    }

    /// Sends all of it.
    public func send(_ bytes: [UInt8]) throws(Failure) {
        let deadline = ContinuousClock.now + timeout
        var sent = 0
        while sent < bytes.count {
            sent += try sendSome(bytes[sent...])
            if sent < bytes.count { try wait(for: Int16(POLLOUT), until: deadline) }
        }
    }

    public func send(_ text: String) throws(Failure) {
        try send(Array(text.utf8))
    }

    /// Sends as much as the kernel takes now, and says how much that was.
    public func sendSome(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.dropFirst(sent).withUnsafeBytes {
                #if canImport(Darwin)
                Darwin.send(fd, $0.baseAddress, $0.count, 0)
                #elseif canImport(Musl)
                Musl.send(fd, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                #else
                Glibc.send(fd, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                #endif
            }
            if result < 0 {
                if errno == EAGAIN { return sent }
                if errno == EINTR { continue }
                throw failure("send")
            }
            sent += result
        }
        return sent
    }

    /// The next `count` bytes; what comes after them waits for the next call.
    public func receive(exactly count: Int) throws(Failure) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        while received.count < count {
            guard try receiveMore(until: deadline) else { throw .closed }
        }
        return take(count)
    }

    /// The bytes up to `delimiter`, and the delimiter itself.
    public func receive(until delimiter: String) throws(Failure) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        let end = Array(delimiter.utf8)
        var start = 0
        while true {
            var index = start
            while index + end.count <= received.count {
                if received[index..<(index + end.count)].elementsEqual(end) { return take(index + end.count) }
                index += 1
            }
            start = index
            guard try receiveMore(until: deadline) else { throw .closed }
        }
    }

    /// Everything until the peer's FIN.
    public func receiveToEnd() throws(Failure) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        while try receiveMore(until: deadline) {}
        return take(received.count)
    }

    /// Whether a byte comes within this time.
    public func hasInput(within time: Duration) -> Bool {
        var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return !received.isEmpty || poll(&entry, 1, CInt(time / .milliseconds(1))) > 0
    }

    /// Sends FIN; receiving goes on.
    public func shutdownOutput() {
        _ = shutdown(fd, CInt(SHUT_WR))
    }

    /// Closes with RST: what the peer has sent and what is on its way is lost.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    public func close() {
        guard isOpen else { return }
        isOpen = false
        #if canImport(Darwin)
        Darwin.close(fd)
        #elseif canImport(Musl)
        Musl.close(fd)
        #else
        Glibc.close(fd)
        #endif
    }

    // MARK: system calls

    private func connect(to address: SocketAddress) throws(Failure) {
        let deadline = ContinuousClock.now + timeout
        let result = address.withSystemAddress {
            #if canImport(Darwin)
            Darwin.connect(fd, $0, $1)
            #elseif canImport(Musl)
            Musl.connect(fd, $0, $1)
            #else
            Glibc.connect(fd, $0, $1)
            #endif
        }
        if result == 0 { return }
        guard errno == EINPROGRESS else { throw failure("connect") }
        try wait(for: Int16(POLLOUT), until: deadline)
        var error: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size)
        if error == ECONNREFUSED { throw .refused }
        guard error == 0 else { throw .system(call: "connect", errno: error) }
    }

    private func set(_ level: CInt, _ option: CInt, _ value: CInt) {
        var value = value
        setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Adds what has come to `received`; false at FIN.
    private func receiveMore(until deadline: ContinuousClock.Instant) throws(Failure) -> Bool {
        while true {
            let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
                let count = recv(fd, buffer.baseAddress, buffer.count, 0)
                received += UnsafeRawBufferPointer(rebasing: buffer[..<max(count, 0)])
                return count
            }
            if count > 0 { return true }
            if count == 0 { return false }
            if errno == EAGAIN {
                try wait(for: Int16(POLLIN), until: deadline)
            } else if errno != EINTR {
                throw failure("recv")
            }
        }
    }

    private func wait(for events: Int16, until deadline: ContinuousClock.Instant) throws(Failure) {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .timedOut }
            var entry = pollfd(fd: fd, events: events, revents: 0)
            let result = poll(&entry, 1, CInt(min(left / .milliseconds(1), 60_000)) + 1)
            if result > 0 { return }
            if result < 0, errno != EINTR { throw failure("poll") }
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    private func failure(_ call: String) -> Failure {
        switch errno {
        case ECONNRESET, EPIPE: .reset
        case ECONNREFUSED: .refused
        default: .system(call: call, errno: errno)
        }
    }
}

#if canImport(Glibc)
private let streamType = CInt(SOCK_STREAM.rawValue)
#else
private let streamType = CInt(SOCK_STREAM)
#endif

extension SocketAddress {
    fileprivate var family: CInt {
        switch self {
        case .tcp(let host, _): host.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the system's structure; a host or path that fits into none gives one that nobody serves.
    fileprivate func withSystemAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var storage = sockaddr_storage()
        let size = withUnsafeMutableBytes(of: &storage) { bytes in
            switch self {
            case .tcp(let host, let port) where family == AF_INET6:
                var ip = sockaddr_in6()
                ip.sin6_port = port.bigEndian
                inet_pton(AF_INET6, host, &ip.sin6_addr)
                bytes.storeBytes(of: ip, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .tcp(let host, let port):
                var ip = sockaddr_in()
                ip.sin_port = port.bigEndian
                inet_pton(AF_INET, host, &ip.sin_addr)
                bytes.storeBytes(of: ip, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .unix(let path):
                var local = sockaddr_un()
                withUnsafeMutableBytes(of: &local.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
                bytes.storeBytes(of: local, as: sockaddr_un.self)
                return MemoryLayout<sockaddr_un>.size
            }
        }
        storage.ss_family = sa_family_t(family)
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
