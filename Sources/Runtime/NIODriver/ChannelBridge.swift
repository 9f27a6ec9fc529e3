import NIOCore

/// Turns NIO's channel events into calls on a `NIOConnection`; the one handler in its channel's pipeline.
final class ChannelBridge: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let loop: NIOLoop
    private let opened: (any Channel) -> NIOConnection?
    private var connection: NIOConnection?
    private var failure: Int32?

    /// `opened` makes the connection when the channel is connected, or returns nil to close it.
    init(loop: NIOLoop, opened: @escaping (any Channel) -> NIOConnection?) {
        self.loop = loop
        self.opened = opened
    }

    /// Puts a bridge into a channel that is being made, and has its descriptor closed on exec, which NIO leaves open.
    static func add(
        to channel: any Channel, loop: NIOLoop, opened: @escaping (any Channel) -> NIOConnection?
    ) -> EventLoopFuture<Void> {
        do {
            let operations = channel.pipeline.syncOperations
            try operations.withUnsafeTransportIfAvailable(of: CInt.self) { ListeningSocket.closeOnExec($0) }
            try operations.addHandler(ChannelBridge(loop: loop, opened: opened))
            return channel.eventLoop.makeSucceededVoidFuture()
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        loop.beginTurn()
        connection = opened(context.channel)
        if connection == nil { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.beginTurn()
        unwrapInboundIn(data).withUnsafeReadableBytes { connection?.received($0) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        loop.beginTurn()
        connection?.inputClosed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError { failure = error.errnoCode }
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.beginTurn()
        connection?.channelClosed(error: failure)
        connection = nil
    }
}
