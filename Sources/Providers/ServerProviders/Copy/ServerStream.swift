import Processes
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A connection to a real server that is read and written as bytes, by one blocking call at a time; `interrupt` ends
/// such a call from elsewhere.
///
/// Safety of `@unchecked Sendable`: the connection is used by one call at a time, which the gate of `run` sees to;
/// `interrupt` touches the descriptor, which lives as long as the stream, and an atomic.
final class ServerStream: @unchecked Sendable {
    private let admin: RedisAdmin
    private let gate = Mutex(())
    private let isInterrupted = Atomic(false)
    /// What was received and not taken.
    private(set) var input: [UInt8] = []
    private var taken = 0
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    init(_ login: RedisLogin, timeout: Duration) throws(RedisProblem) {
        var plain = login
        plain.database = 0
        admin = try RedisAdmin.connect(plain, timeout: timeout)
    }

    /// Runs a call that blocks on a thread of its own, one after the other.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (ServerStream) throws(RedisProblem) -> Value
    ) async throws(RedisProblem) -> Value {
        try await RedisAdmin.run { () throws(RedisProblem) in
            try self.gate.withLock { _ throws(RedisProblem) in try body(self) }
        }
    }

    /// Calls that wait, and all that follow, fail at once.
    func interrupt() {
        isInterrupted.store(true, ordering: .releasing)
        shutdown(admin.descriptor, CInt(SHUT_RDWR))
    }

    // MARK: input

    /// Bytes that were received and not taken.
    var unread: ArraySlice<UInt8> { input[taken...] }

    func take(_ count: Int) {
        taken += count
        guard taken >= 64 << 10 || taken == input.count else { return }
        input.removeFirst(taken)
        taken = 0
    }

    /// Receives what is there, waiting for it until the deadline; false when nothing has come by then.
    func receive(until deadline: ContinuousClock.Instant) throws(RedisProblem) -> Bool {
        while true {
            let count = recv(admin.descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            if count > 0 {
                input.append(contentsOf: buffer[..<count])
                return true
            }
            if count == 0 { throw .unreachable("it closed the connection") }
            switch errno {
            case EINTR: continue
            case EAGAIN: if try !wait(for: POLLIN, until: deadline) { return false }
            default: throw .unreachable(String(cString: strerror(errno)))
            }
        }
    }

    /// The next line, without its end.
    func line(until deadline: ContinuousClock.Instant) throws(RedisProblem) -> String {
        var searched = taken
        while true {
            if let end = input[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: input[taken..<end], as: UTF8.self)
                take(end + 1 - taken)
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            guard input.count - taken <= 64 << 10 else { throw .otherProtocol("a line without an end") }
            searched = max(input.count, taken)
            let before = taken
            guard try receive(until: deadline) else { throw .unreachable("it did not answer in time") }
            searched -= before - taken
        }
    }

    // MARK: output

    /// Sends all of the bytes. What comes meanwhile is kept as input, so that neither side waits for the other for ever.
    func send(_ bytes: [UInt8], within limit: Duration) throws(RedisProblem) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBufferPointer {
                sendNow(
                    admin.descriptor, $0.baseAddress.unsafelyUnwrapped + sent, bytes.count - sent,
                    CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { throw .unreachable(String(cString: strerror(errno))) }
            let deadline = ContinuousClock.now + limit
            guard try wait(for: POLLIN | POLLOUT, until: deadline) else {
                throw .unreachable("it did not take what it was sent within \(limit)")
            }
            _ = try receive(until: .now)
        }
    }

    private func wait(for events: Int32, until deadline: ContinuousClock.Instant) throws(RedisProblem) -> Bool {
        while true {
            if isInterrupted.load(ordering: .acquiring) { throw .unreachable("the copy was ended") }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            var entry = pollfd(fd: admin.descriptor, events: Int16(events), revents: 0)
            let result = poll(&entry, 1, CInt(min(left / .milliseconds(1), 60_000).rounded(.up)))
            if result > 0 { return true }
            if result < 0, errno != EINTR { throw .unreachable(String(cString: strerror(errno))) }
        }
    }
}

/// send(2), which the method of the same name hides.
private func sendNow(_ fd: CInt, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ flags: CInt) -> Int {
    #if canImport(Darwin)
    Darwin.send(fd, bytes, count, flags)
    #elseif canImport(Musl)
    Musl.send(fd, bytes, count, flags)
    #else
    Glibc.send(fd, bytes, count, flags)
    #endif
}
