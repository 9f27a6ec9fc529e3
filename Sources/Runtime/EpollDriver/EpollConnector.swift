#if os(Linux)
import CEpoll
import EventLoop
import Glibc

/// One outgoing connection while it is being made.
final class EpollConnector: EpollSource {
    private(set) var fd: Int32 = -1
    var tag: UInt64 = 0
    private let address: SocketAddress
    private unowned let loop: EpollLoop
    private var completed: ((Result<Connection, SocketError>) -> Void)?
    private var timer: TimerToken?

    init(address: SocketAddress, loop: EpollLoop, completed: @escaping (Result<Connection, SocketError>) -> Void) {
        self.address = address
        self.loop = loop
        self.completed = completed
    }

    func start(timeout: UInt64) {
        do throws(SocketError) {
            guard !loop.isStopping else { throw error(ECANCELED) }
            fd = try Sockets.open(address)
            let result = try Sockets.withSystemAddress(address, of: fd) { Glibc.connect(fd, $0, $1) }
            guard result == 0 || errno == EINPROGRESS else {
                throw Sockets.failure("connect", address, closing: fd)
            }
            guard loop.add(self, events: .output) else {
                throw Sockets.failure("epoll_ctl", address, closing: fd)
            }
        } catch {
            return loop.runSoon { self.finish(.failure(error)) }
        }
        timer = loop.schedule(after: timeout) { [self] in giveUp(because: ETIMEDOUT) }
    }

    func ready(_ events: Readiness) {
        let failed = Sockets.pendingError(fd)
        guard failed == 0 else { return giveUp(because: failed) }
        loop.release(self)
        guard let connection = loop.adopt(fd: fd) else { return finish(.failure(error(EMFILE))) }
        finish(.success(connection))
    }

    func giveUp(because number: Int32) {
        guard completed != nil else { return }
        loop.remove(self)
        finish(.failure(error(number)))
    }

    private func finish(_ result: Result<Connection, SocketError>) {
        if let timer { loop.cancel(timer) }
        let completed = completed
        self.completed = nil
        completed?(result)
    }

    private func error(_ number: Int32) -> SocketError {
        SocketError(call: "connect", address: address, errno: number, reason: String(cString: strerror(number)))
    }
}
#endif
