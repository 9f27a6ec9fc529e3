#if os(Linux)
import CEpoll
import EventLoop
import Glibc

/// A listening socket on an `EpollLoop`.
final class EpollListener: Listener, EpollSource {
    let fd: Int32
    var tag: UInt64 = 0
    let address: SocketAddress
    private unowned let loop: EpollLoop
    private let accept: (Connection) -> (any ConnectionHandler)?
    private var isOpen = true

    /// One event accepts this many at most, so that a flood of connections does not starve the others.
    private static let batch = 64
    /// How long accepting rests when descriptors have run out.
    private static let rest: UInt64 = 50_000_000

    init(
        fd: Int32, address: SocketAddress, loop: EpollLoop,
        accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) {
        self.fd = fd
        self.address = address
        self.loop = loop
        self.accept = accept
    }

    func ready(_ events: Readiness) {
        for _ in 0..<Self.batch {
            guard isOpen else { return }
            let accepted = cepoll_accept(fd)
            guard accepted >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM { takeARest() }
                return
            }
            if case .tcp = address { Sockets.setNoDelay(accepted) }
            guard let connection = loop.adopt(fd: accepted) else { continue }
            guard let handler = accept(connection) else {
                connection.close()
                continue
            }
            connection.begin(with: handler)
        }
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        loop.remove(self)
        if case .unix(let path) = address { unlink(path) }
    }

    /// A level-triggered listener that cannot accept would spin.
    private func takeARest() {
        loop.watch(self, events: [])
        loop.schedule(after: Self.rest) { [weak self] in
            guard let self, isOpen else { return }
            loop.watch(self, events: .input)
        }
    }
}
#endif
