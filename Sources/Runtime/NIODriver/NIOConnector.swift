import EventLoop
import NIOCore
import NIOPosix

import enum EventLoop.SocketAddress

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// One outgoing connection while it is being made.
final class NIOConnector {
    private let address: SocketAddress
    private unowned let loop: NIOLoop
    private var completed: ((Result<Connection, SocketError>) -> Void)?
    private var timer: TimerToken?
    private var channel: (any Channel)?

    init(address: SocketAddress, loop: NIOLoop, completed: @escaping (Result<Connection, SocketError>) -> Void) {
        self.address = address
        self.loop = loop
        self.completed = completed
    }

    /// Connects, to be done at `deadline` on the loop's clock.
    func start(deadline: UInt64) {
        guard completed != nil else { return }
        guard !loop.isStopping else { return giveUp(because: ECANCELED) }
        let target: NIOCore.SocketAddress
        do throws(SocketError) {
            target = try address.forNIO()
        } catch {
            return finish(.failure(error))
        }
        timer = loop.schedule(after: deadline > loop.now ? deadline - loop.now : 0) { [self] in
            giveUp(because: ETIMEDOUT)
        }
        let bound = NIOLoopBound(self, eventLoop: loop.nio)
        let bootstrap = ClientBootstrap(group: loop.nio)
            .connectTimeout(.hours(24 * 365))  // `timer` decides
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: NIOConnection.readBuffers)
            .channelInitializer { channel in bound.value.prepare(channel) }
        bootstrap.connect(to: target).assumeIsolated().whenFailure { [self] in
            giveUp(because: ($0 as? IOError)?.errnoCode ?? ECONNABORTED)
        }
    }

    func giveUp(because number: Int32) {
        guard completed != nil else { return }
        loop.beginTurn()
        finish(.failure(SocketError(call: "connect", address: address, number)))
        channel?.close(promise: nil)
        channel = nil
    }

    private func prepare(_ channel: any Channel) -> EventLoopFuture<Void> {
        self.channel = channel
        return ChannelBridge.add(to: channel, loop: loop) { [self] in opened($0) }
    }

    private func opened(_ channel: any Channel) -> NIOConnection? {
        self.channel = nil
        guard completed != nil else { return nil }
        let connection = loop.adopt(channel)
        finish(.success(connection))
        return connection
    }

    private func finish(_ result: Result<Connection, SocketError>) {
        if let timer { loop.cancel(timer) }
        loop.forget(self)
        let completed = completed
        self.completed = nil
        completed?(result)
    }
}
