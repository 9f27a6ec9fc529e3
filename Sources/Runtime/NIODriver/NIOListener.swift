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

/// A listening socket on a `NIOLoop`.
///
/// The socket is bound when `listen` returns; NIO takes it over a little later. A listener that is closed before that
/// frees its address then.
final class NIOListener: Listener {
    let address: SocketAddress
    private unowned let loop: NIOLoop
    private let accept: (Connection) -> (any ConnectionHandler)?
    private var channel: (any Channel)?
    private var isOpen = true

    init(address: SocketAddress, loop: NIOLoop, accept: @escaping (Connection) -> (any ConnectionHandler)?) {
        self.address = address
        self.loop = loop
        self.accept = accept
    }

    func start(with socket: ListeningSocket) {
        let bound = NIOLoopBound(self, eventLoop: loop.nio)
        let bootstrap = ServerBootstrap(group: loop.nio)
            .serverChannelInitializer { channel in bound.value.prepare(server: channel) }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: NIOConnection.readBuffers)
            .childChannelInitializer { channel in bound.value.prepare(accepted: channel) }
        let started = bootstrap.withBoundSocket(socket.descriptor)
        socket.lengthenBacklog()  // NIO has set its own when it took the socket
        // A failure has closed the socket: the kernel would not watch it. Nothing is accepted then.
        started.assumeIsolated().whenSuccess { [self] channel in
            self.channel = channel
            if !isOpen { channel.close(promise: nil) }
        }
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        channel?.close(promise: nil)
        loop.forget(self)
        if case .unix(let path) = address { unlink(path) }
    }

    private func prepare(server: any Channel) -> EventLoopFuture<Void> {
        do {
            try server.pipeline.syncOperations.addHandler(AcceptRest())
            return server.eventLoop.makeSucceededVoidFuture()
        } catch {
            return server.eventLoop.makeFailedFuture(error)
        }
    }

    private func prepare(accepted: any Channel) -> EventLoopFuture<Void> {
        if case .tcp = address {
            // Throws on a socket that the peer has reset already: reading will tell.
            try? accepted.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
        }
        return ChannelBridge.add(to: accepted, loop: loop) { [self] in opened($0) }
    }

    private func opened(_ channel: any Channel) -> NIOConnection? {
        guard isOpen else { return nil }
        let connection = loop.adopt(channel)
        if let handler = accept(connection) {
            connection.begin(with: handler)
        } else {
            connection.close()
        }
        return connection
    }
}

/// Has a server channel rest when descriptors have run out. (NIO's `AcceptBackoffHandler` holds back the next read, but
/// the channel stays registered for the one that failed, and spins.)
private final class AcceptRest: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let rest = TimeAmount.milliseconds(50)

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        let channel = context.channel
        accept(false, channel)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.rest) { [self] in accept(true, channel) }
    }

    private func accept(_ accepts: Bool, _ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: accepts)  // throws when it was closed meanwhile
    }
}
