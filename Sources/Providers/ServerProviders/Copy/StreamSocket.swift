import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A socket to a server, for a thread that may block; `Interruption` ends its calls from elsewhere.
final class StreamSocket {
    struct Readiness {
        var canReceive: Bool
        var canSend: Bool
    }

    private let descriptor: Int32
    private let interruption: Interruption

    /// Connects. A host's name is resolved here, and its addresses are tried one after the other.
    static func connect(
        to place: ProviderURL.Place, within limit: Duration, _ interruption: Interruption
    ) throws(RedisProblem) -> StreamSocket {
        var last = RedisProblem.unreachable("its name has no address")
        for address in try SystemAddress.all(of: place) {
            do throws(RedisProblem) {
                return try StreamSocket(address, within: limit, interruption)
            } catch {
                last = error
            }
            if interruption.isRaised { break }
        }
        throw last
    }

    private init(_ address: SystemAddress, within limit: Duration, _ interruption: Interruption) throws(RedisProblem) {
        self.interruption = interruption
        descriptor = socket(address.family, streamType, 0)
        guard descriptor >= 0 else { throw Self.failure(errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL, 0) | O_NONBLOCK)
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        #if canImport(Darwin)
        setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, size)
        #endif
        if address.family != AF_UNIX { setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size) }
        guard interruption.guards(descriptor) else { throw .unreachable("the copy was closed") }
        try connect(to: address, within: limit)
    }

    deinit {
        interruption.close(descriptor)
    }

    private func connect(to address: SystemAddress, within limit: Duration) throws(RedisProblem) {
        if address.connect(descriptor) == 0 { return }
        guard errno == EINPROGRESS else { throw Self.failure(errno) }
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        // In slices: not every system ends a connect that is under way when the socket is shut down.
        while try !wait(receiving: false, sending: true, within: .milliseconds(50)).canSend {
            if interruption.isRaised { throw .unreachable("the copy was closed") }
            guard clock.now < deadline else { throw .unreachable("it did not answer in time") }
        }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        guard error == 0 else { throw Self.failure(error) }
    }

    /// The numeric place that was connected to, so that a second connection meets the same server.
    func peer(of place: ProviderURL.Place) -> ProviderURL.Place {
        guard case .tcp(_, let port) = place else { return place }
        return SystemAddress.peer(of: descriptor).map { .tcp(host: $0, port: port) } ?? place
    }

    /// Waits until one of what is asked for is possible, which it also is when the connection is lost.
    func wait(receiving: Bool, sending: Bool, within limit: Duration) throws(RedisProblem) -> Readiness {
        let events = (receiving ? Int16(POLLIN) : 0) | (sending ? Int16(POLLOUT) : 0)
        let milliseconds = Int32(clamping: max(Int64(0), Int64((limit / .milliseconds(1)).rounded(.up))))
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        guard poll(&entry, 1, milliseconds) >= 0 else {
            guard errno == EINTR else { throw Self.failure(errno) }
            return Readiness(canReceive: false, canSend: false)
        }
        let isLost = entry.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
        return Readiness(
            canReceive: receiving && (isLost || entry.revents & Int16(POLLIN) != 0),
            canSend: sending && (isLost || entry.revents & Int16(POLLOUT) != 0))
    }

    /// What has come; nil when that is nothing. The end of the connection is thrown.
    func receive(_ buffer: UnsafeMutableRawBufferPointer) throws(RedisProblem) -> Int? {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return count }
            guard count < 0 else { throw .unreachable("it closed the connection") }
            if errno == EAGAIN || errno == EWOULDBLOCK { return nil }
            if errno != EINTR { throw Self.failure(errno) }
        }
    }

    /// Sends what the system takes now of the bytes from `begin` on, and returns their number.
    func sendSome(_ bytes: [UInt8], from begin: Int) throws(RedisProblem) -> Int {
        while true {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[begin...])
                return systemSend(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 { return count }
            if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
            if errno != EINTR { throw Self.failure(errno) }
        }
    }

    /// Sends all of it.
    func send(_ bytes: [UInt8], within limit: Duration) throws(RedisProblem) {
        var sent = 0
        while sent < bytes.count {
            sent += try sendSome(bytes, from: sent)
            guard sent < bytes.count else { return }
            guard try wait(receiving: false, sending: true, within: limit).canSend else {
                throw .unreachable("it did not read in time")
            }
        }
    }

    private static func failure(_ number: Int32) -> RedisProblem {
        .unreachable(String(cString: strerror(number)))
    }
}

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
    Darwin.send(descriptor, bytes, count, 0)
    #elseif canImport(Musl)
    Musl.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #else
    Glibc.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #endif
}
