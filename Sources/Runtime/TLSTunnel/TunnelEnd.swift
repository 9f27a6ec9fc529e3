import NIOCore
import NIOSSL
import NIOTLS

/// One side of a connection through a tunnel: hands what it reads to the other side, and reads only while that one's
/// peer takes it.
final class TunnelEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Less than the patience of who waits at the other side: so it gets to know why.
    private static let handshakeTimeout = TimeAmount.seconds(3)

    private let target: TunnelTarget?
    private var handshake: Scheduled<Void>?
    private var other: TunnelEnd?
    private var context: ChannelHandlerContext?
    /// The channel asked to read while the other side was full.
    private var isReadWithheld = false

    /// - Parameter target: on the side of the server: who is told how it went.
    init(_ target: TunnelTarget? = nil) {
        self.target = target
    }

    /// Both hold each other until one is closed.
    func join(_ other: TunnelEnd) {
        self.other = other
        other.other = self
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard target != nil else { return }
        handshake = context.eventLoop.assumeIsolated().scheduleTask(in: Self.handshakeTimeout) { [self] in
            target?.leave(self.context?.remoteAddress)
            target?.noteSilence()
            self.context?.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        handshake?.cancel()
        other?.closeAfterFlush()
        other?.other = nil
        other = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            handshake?.cancel()
            handshake = nil
            target?.succeeded(at: context.remoteAddress)
        }
        // Neither side of this protocol goes on behind the other's end.
        if case ChannelEvent.inputClosed = event { other?.closeAfterFlush() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let other = other?.context else { return }
        other.write(NIOAny(unwrapInboundIn(data)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        other?.context?.flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if other?.context?.channel.isWritable ?? true {
            context.read()
        } else {
            isReadWithheld = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { other?.readOn() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if handshake != nil { target?.leave(context.remoteAddress) }
        // A peer that leaves without TLS's good-bye has left all the same: the protocol inside has its own ends.
        if case .some(.uncleanShutdown) = error as? NIOSSLError {} else { target?.note(error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other?.closeAfterFlush()
        context.fireChannelInactive()
    }

    private func readOn() {
        guard isReadWithheld else { return }
        isReadWithheld = false
        context?.read()
    }

    /// What was written is sent first: writes are in order.
    private func closeAfterFlush() {
        guard let channel = context?.channel else { return }
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
    }
}
