import EventLoop
import NIOCore

import enum EventLoop.SocketAddress

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A connected channel on a `NIOLoop`; the states and their order are `EpollConnection`'s.
///
/// NIO differs in one point: when the peer has sent FIN it reads all that the kernel holds at once, also while reading
/// is paused. That is bounded by the socket's receive buffer and waits in `pending`.
final class NIOConnection: Connection {
    /// What one read asks for: NIO keeps a buffer for each channel, so an idle one is to have a small one.
    static let readBuffers = AdaptiveRecvByteBufferAllocator(minimum: 1 << 10, initial: 4 << 10, maximum: 64 << 10)
    /// What is given to NIO in one write. The bytes stay in `output` until they are sent, so that its count is what the
    /// peer has not taken; this bounds what is in memory twice.
    private static let writeSize = 256 << 10
    /// How long a closing connection waits for the peer's FIN after the last byte it could send.
    private static let lingerTime: UInt64 = 1_000_000_000

    private let channel: any Channel
    private let isTCP: Bool
    private unowned let loop: NIOLoop
    private var pending = PendingInput()
    private var isAutoRead = true
    private var isTouched = false
    private var isWriting = false
    private var isFlushing = false
    private var isReadingPaused = false
    private var isWaitingToDrain = false
    /// While the handler holds bytes of `pending`, their memory stays.
    private var isDelivering = false
    private var isDeliveryWaiting = false
    /// NIO has closed the channel, in order, while input waits for the handler.
    private var isGone = false
    /// While discarding: FIN was read, so the last byte out ends the connection.
    private var hasPeerEnded = false
    private var inputState = InputState.open
    private var outputState = OutputState.open
    private var lingerReason = CloseReason.local
    private var lastSent: UInt64 = 0

    private enum InputState {
        case open
        /// FIN was read while bytes wait for the handler: it is told when they are used up or it wants more.
        case ended
        case told
        /// `closeAfterFlush`: what arrives is thrown away.
        case discarding
    }

    private enum OutputState {
        case open
        /// FIN follows the last byte.
        case ending
        case ended
    }

    init(channel: any Channel, loop: NIOLoop) {
        self.channel = channel
        self.loop = loop
        isTCP = channel.localAddress?.port != nil
        super.init(
            id: Connection.nextID(), pool: loop.pool,
            peerAddress: channel.remoteAddress.map(SocketAddress.text) ?? "",
            localAddress: channel.localAddress.map(SocketAddress.text) ?? "")
        output.becameNonEmpty = { [unowned self] in touch() }
    }

    // MARK: the handler's side

    override func pauseReading() {
        isReadingPaused = true
        updateReading()
    }

    override var isPaused: Bool { isReadingPaused }

    override var unusedInput: Int { pending.count }

    override func resumeReading() {
        guard isReadingPaused, isOpen else { return }
        isReadingPaused = false
        updateReading()
        deliverSoon()
    }

    override func endOutput() {
        guard isOpen, outputState == .open else { return }
        outputState = .ending
        touch()
    }

    override func closeAfterFlush() {
        linger(thenEndBecause: .local)
    }

    func linger(thenEndBecause reason: CloseReason) {
        guard isOpen, inputState != .discarding else { return }
        hasPeerEnded = inputState != .open
        inputState = .discarding
        lingerReason = reason
        isReadingPaused = false
        isWaitingToDrain = false
        dropPending()
        if isGone || (hasPeerEnded && output.count == 0) { return end(because: reason) }
        if outputState == .open { outputState = .ending }
        touch()
        updateReading()
        lastSent = loop.now
        endWhenQuiet(after: Self.lingerTime)
    }

    override func close() {
        end(because: .local)
    }

    override func abort() {
        guard isOpen else { return }
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
            ListeningSocket.resetOnClose($0)
        }
        end(because: .local)
    }

    override func flushSoon() {
        if isOpen { touch() }
    }

    // MARK: the channel's side

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, inputState != .discarding else { return }
        let mayDeliver = !isReadingPaused && !isWaitingToDrain
        guard mayDeliver, pending.count == 0 else {
            pending.append(bytes)
            if mayDeliver { deliverPending() }
            return
        }
        let used = deliver(bytes)
        guard isOpen, inputState != .discarding else { return }
        pending.append(UnsafeRawBufferPointer(rebasing: bytes[used...]))
        afterDelivery()
    }

    func inputClosed() {
        guard isOpen else { return }
        guard inputState != .discarding else {
            hasPeerEnded = true
            if output.count == 0 { end(because: lingerReason) }
            return
        }
        inputState = .ended
        updateReading()
        tellInputEnded()
    }

    func channelClosed(error: Int32?) {
        guard isOpen else { return }
        isGone = true
        if inputState == .discarding { return end(because: lingerReason) }
        if let error { return end(because: .error(errno: error)) }
        // After a FIN NIO does not say whether the peer has taken our FIN or answered with RST; who did not send one
        // was reset. A unix socket is closed in both directions at once.
        if inputState != .open, isTCP, outputState != .ended { return end(because: .error(errno: ECONNRESET)) }
        if inputState == .told { return end(because: .peer) }
        inputState = .ended
        tellInputEnded()
    }

    /// Sends what waits; called at the end of the turn in which output was appended, and when NIO has written.
    func flush() {
        isTouched = false
        guard isOpen else { return output.removeAll() }
        guard outputState != .ended else {
            // Behind the FIN nothing goes out: who waits for it to go out is not kept waiting.
            output.removeAll()
            outputIsEmpty()
            return updateReading()
        }
        if output.hasOverflowed { return end(because: .local) }
        if isOverHighWater, inputState != .discarding { isWaitingToDrain = true }
        if isGone, output.count > 0 { return end(because: .error(errno: EPIPE)) }
        isFlushing = true
        while isOpen, output.count > 0, !isWriting {
            let allowed = pacer == nil && gate == nil ? Int.max : allowance
            guard isOpen, allowed > 0, output.count > 0 else { break }
            writeNext(most: allowed)
        }
        isFlushing = false
        guard isOpen else { return }
        if output.count == 0 {
            output.removeAll()  // gives back a buffer whose bytes were truncated, or reserved and never written
            if outputState != .ending || allowsEnd { outputIsEmpty() }
        }
        updateReading()
    }

    func deliverWaiting() {
        isDeliveryWaiting = false
        guard isOpen, !isReadingPaused, !isWaitingToDrain else { return updateReading() }
        if pending.count > 0 { deliverPending() }
        tellInputEnded()
        updateReading()
    }

    func end(because reason: CloseReason) {
        guard isOpen else { return }
        isOpen = false
        output.removeAll()
        dropPending()
        channel.close(promise: nil)
        loop.forget(self)
        let handler = handler
        self.handler = nil
        handler?.closed(self, because: reason)
    }

    // MARK: input

    private func deliverPending() {
        let used = deliver(pending.readable)
        guard isOpen, inputState != .discarding else { return pending.removeAll() }
        pending.consume(used)
        afterDelivery()
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let handler else { return bytes.count }
        isDelivering = true
        defer { isDelivering = false }
        let used = handler.received(bytes, on: self)
        precondition(used >= 0 && used <= bytes.count, "a handler used more bytes than there are")
        return used
    }

    private func afterDelivery() {
        guard isOverHighWater else { return }
        isWaitingToDrain = true
        updateReading()
    }

    private func dropPending() {
        if !isDelivering { pending.removeAll() }
    }

    /// The handler learns of the FIN once it had its chance to use every byte before it.
    private func tellInputEnded() {
        guard isOpen, inputState == .ended, !isReadingPaused, !isWaitingToDrain else { return }
        if pending.count > 0, isDeliveryWaiting { return }  // `deliverWaiting` comes back here
        inputState = .told
        guard let handler else { return end(because: .peer) }
        handler.inputEnded(on: self)
        if inputState == .told, outputState == .ended || isGone { end(because: .peer) }
    }

    private func deliverSoon() {
        guard !isDeliveryWaiting, isDelivering || pending.count > 0 || inputState == .ended else { return }
        isDeliveryWaiting = true
        loop.deliverLater(self)
        updateReading()
    }

    private func updateReading() {
        guard isOpen, !isGone else { return }
        let reads =
            switch inputState {
            // What was left for later comes first: it is not to grow meanwhile.
            case .open: !isReadingPaused && !isWaitingToDrain && !isDeliveryWaiting
            case .discarding: !hasPeerEnded
            case .ended, .told: false
            }
        guard reads != isAutoRead else { return }
        isAutoRead = reads
        try? channel.syncOptions?.setOption(.autoRead, value: reads)  // throws on a closed channel: nothing to read
    }

    // MARK: output

    private func touch() {
        guard !isTouched else { return }
        isTouched = true
        loop.flushLater(self)
    }

    private func writeNext(most: Int) {
        let size = min(output.count, Self.writeSize, most)
        loop.scratch.clear()
        loop.scratch.writeBytes(UnsafeRawBufferPointer(rebasing: output.readable[..<size]))
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] in written(size, $0) }
        isWriting = true
        channel.pipeline.syncOperations.writeAndFlush(NIOAny(loop.scratch), promise: promise)
    }

    /// NIO has written, or closes the channel: then `channelClosed` follows with the error.
    private func written(_ size: Int, _ result: Result<Void, any Error>) {
        isWriting = false
        guard isOpen else { return }
        switch result {
        case .success:
            // What faults have thrown away meanwhile is not there any more.
            output.consume(min(size, output.count))
            wasSent(size)
            guard isOpen else { return }
            if !isFlushing { touch() }
            lastSent = loop.now
        case .failure(let error as IOError):
            end(because: inputState == .discarding ? lingerReason : .error(errno: error.errnoCode))
        case .failure:
            end(because: inputState == .discarding ? lingerReason : .error(errno: EPIPE))
        }
    }

    private func outputIsEmpty() {
        if outputState == .ending {
            outputState = .ended
            lastSent = loop.now
            if hasPeerEnded { return end(because: lingerReason) }
            channel.close(mode: .output, promise: nil)  // closes the channel when the peer has ended too
        }
        if inputState == .told, outputState == .ended { return end(because: .peer) }
        guard isWaitingToDrain || tellsDrained else { return }
        isWaitingToDrain = false
        tellsDrained = false
        handler?.outputDrained(on: self)
        if isOpen { deliverSoon() }
    }

    /// A connection that waits for the peer's FIN is ended when nothing could be sent for the linger time.
    private func endWhenQuiet(after delay: UInt64) {
        loop.schedule(after: delay) { [weak self] in
            guard let self, isOpen else { return }
            // What is held back is not refused by the peer.
            if pacer != nil || gate != nil, output.count > 0 || outputState == .ending {
                return endWhenQuiet(after: Self.lingerTime)
            }
            let quiet = loop.now - lastSent
            guard quiet < Self.lingerTime else { return end(because: lingerReason) }
            endWhenQuiet(after: Self.lingerTime - quiet)
        }
    }
}
