#if os(Linux)
import CEpoll
import EventLoop
import Glibc

/// A connected socket on an `EpollLoop`.
final class EpollConnection: Connection, EpollSource {
    /// What one read asks for.
    static let readSize = 64 << 10
    /// A partial message up to this size is carried to the front of the loop's read buffer; a larger one grows in a
    /// buffer of its own, into which the socket is read directly.
    private static let carried = 16 << 10
    /// How long a closing connection waits for the peer's FIN after the last byte it could send.
    private static let lingerTime: UInt64 = 1_000_000_000

    let fd: Int32
    var tag: UInt64 = 0
    private unowned let loop: EpollLoop
    @exclusivity(unchecked) private var pending = PendingInput()
    @exclusivity(unchecked) private var interest: Readiness = .input
    @exclusivity(unchecked) private var isTouched = false
    @exclusivity(unchecked) private var isReadingPaused = false
    @exclusivity(unchecked) private var isWaitingToDrain = false
    /// While the handler holds bytes of `pending`, their memory stays.
    @exclusivity(unchecked) private var isDelivering = false
    @exclusivity(unchecked) private var isDeliveryWaiting = false
    /// Both directions are shut down and the handler does not want the rest yet: epoll, which would report that for
    /// ever, does not watch the socket until it does.
    @exclusivity(unchecked) private var isHungUp = false
    /// The pacer does not let go what waits: the socket is not watched for room.
    @exclusivity(unchecked) private var isHeldBack = false
    /// While discarding: FIN was read, so the last byte out ends the connection.
    @exclusivity(unchecked) private var hasPeerEnded = false
    @exclusivity(unchecked) private var inputState = InputState.open
    @exclusivity(unchecked) private var outputState = OutputState.open
    private var lingerReason = CloseReason.local
    @exclusivity(unchecked) private var lastSent: UInt64 = 0

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

    init(fd: Int32, loop: EpollLoop) {
        self.fd = fd
        self.loop = loop
        super.init(
            id: Connection.nextID(), pool: loop.pool, peerAddress: Sockets.peerName(fd),
            localAddress: Sockets.localName(fd))
        output.becameNonEmpty = { [unowned self] in touch() }
    }

    // MARK: the handler's side

    override func pauseReading() {
        isReadingPaused = true
        updateInterest()
    }

    override var isPaused: Bool { isReadingPaused }

    override var unusedInput: Int { pending.count }

    override func resumeReading() {
        guard isReadingPaused, isOpen else { return }
        isReadingPaused = false
        updateInterest()
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
        if hasPeerEnded, output.count == 0 { return end(because: reason) }
        if outputState == .open { outputState = .ending }
        touch()
        updateInterest()
        lastSent = loop.now
        endWhenQuiet(after: Self.lingerTime)
    }

    override func close() {
        end(because: .local)
    }

    override func abort() {
        guard isOpen else { return }
        Sockets.resetOnClose(fd)
        end(because: .local)
    }

    override func flushSoon() {
        if isOpen { touch() }
    }

    // MARK: the loop's side

    var isAtWork: Bool { isDelivering }

    func ready(_ events: Readiness) {
        if events.contains(.input), interest.contains(.input) {
            // What was read already and was left for later comes first: it is not to grow meanwhile.
            if !isDeliveryWaiting || pending.count <= Self.carried { readOnce() }
        } else if events.contains(.error) {
            let error = Sockets.pendingError(fd)
            return end(because: error == 0 ? .peer : .error(errno: error))
        } else if events.contains(.hangUp) {
            return hungUp()
        }
        if isOpen, events.contains(.output) { flush() }
    }

    /// Sends what waits; called at the end of the turn in which output was appended, and when the socket takes more.
    func flush() {
        isTouched = false
        guard isOpen else { return output.removeAll() }
        guard outputState != .ended else {
            // Behind the FIN nothing goes out: who waits for it to go out is not kept waiting.
            output.removeAll()
            outputIsEmpty()
            return updateInterest()
        }
        if output.hasOverflowed { return end(because: .local) }
        if isOverHighWater, inputState != .discarding { isWaitingToDrain = true }
        isHeldBack = false
        if pacer != nil || gate != nil { return flushPaced() }
        while output.count > 0 {
            let bytes = output.readable
            let sent = send(fd, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
            if sent < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                return end(because: inputState == .discarding ? lingerReason : .error(errno: errno))
            }
            output.consume(sent)
            lastSent = loop.now
            if sent < bytes.count { break }
        }
        if output.count == 0 {
            output.removeAll()  // gives back a buffer whose bytes were truncated, or reserved and never written
            outputIsEmpty()
        }
        updateInterest()
        // Bytes that were appended to an output that did not become empty are sent when the socket takes more.
    }

    private func flushPaced() {
        var allowed = allowance
        while isOpen, allowed > 0, output.count > 0 {
            let bytes = output.readable
            let sent = send(fd, bytes.baseAddress, min(bytes.count, allowed), CInt(MSG_NOSIGNAL))
            if sent < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                return end(because: inputState == .discarding ? lingerReason : .error(errno: errno))
            }
            let asked = min(bytes.count, allowed)
            output.consume(sent)
            lastSent = loop.now
            allowed -= sent
            wasSent(sent)
            if sent < asked { break }
        }
        guard isOpen else { return }
        isHeldBack = allowed <= 0
        if output.count == 0 {
            output.removeAll()
            if outputState != .ending || allowsEnd { outputIsEmpty() }
        }
        updateInterest()
    }

    func deliverWaiting() {
        isDeliveryWaiting = false
        guard isOpen, !isReadingPaused, !isWaitingToDrain else { return }
        if pending.count > 0 { deliverPending() }
        tellInputEnded()
        updateInterest()
    }

    func end(because reason: CloseReason) {
        guard isOpen else { return }
        isOpen = false
        output.removeAll()
        dropPending()
        loop.remove(self)
        loop.forget(self)
        let handler = handler
        self.handler = nil
        handler?.closed(self, because: reason)
    }

    // MARK: reading

    private func readOnce() {
        if inputState == .discarding { return discard() }
        if pending.count > Self.carried { return readIntoPending() }
        let buffer = loop.readBuffer
        let carried = pending.count
        if carried > 0 { pending.move(to: buffer) }
        let received = recv(fd, buffer.baseAddress.unsafelyUnwrapped + carried, Self.readSize, 0)
        guard received > 0 else {
            let result = received < 0 ? errno : 0
            if carried > 0 { pending.append(UnsafeRawBufferPointer(rebasing: buffer[..<carried])) }
            return readEnded(error: result)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(carried + received)])
        let used = deliver(bytes)
        guard isOpen, inputState != .discarding else { return }
        if used < bytes.count { pending.append(UnsafeRawBufferPointer(rebasing: bytes[used...])) }
        afterDelivery()
    }

    private func readIntoPending() {
        let room = pending.room(atLeast: Self.readSize)
        let received = recv(fd, room.baseAddress, room.count, 0)
        guard received > 0 else { return readEnded(error: received < 0 ? errno : 0) }
        pending.added(received)
        deliverPending()
    }

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
        if !isTouched { updateInterest() }  // else the flush of this turn does it
    }

    private func dropPending() {
        if !isDelivering { pending.removeAll() }
    }

    private func discard() {
        let buffer = loop.readBuffer
        let received = recv(fd, buffer.baseAddress, buffer.count, 0)
        if received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR)) { return }
        if received == 0, output.count > 0 {
            hasPeerEnded = true
            return updateInterest()
        }
        end(because: lingerReason)
    }

    /// The socket had no bytes: `error` is the errno, 0 for FIN.
    private func readEnded(error: Int32) {
        if error == EAGAIN || error == EINTR { return }
        guard error == 0 else { return end(because: .error(errno: error)) }
        inputState = .ended
        updateInterest()
        tellInputEnded()
    }

    /// The handler learns of the FIN once it had its chance to use every byte before it.
    private func tellInputEnded() {
        guard isOpen, inputState == .ended, !isReadingPaused, !isWaitingToDrain else { return }
        if pending.count > 0, isDeliveryWaiting { return }  // `deliverWaiting` comes back here
        inputState = .told
        guard let handler else { return end(because: .peer) }
        handler.inputEnded(on: self)
        if inputState == .told, outputState == .ended || isHungUp { end(because: .peer) }
    }

    // MARK: output and interest

    private func touch() {
        guard !isTouched else { return }
        isTouched = true
        loop.flushLater(self)
    }

    private func outputIsEmpty() {
        if outputState == .ending {
            outputState = .ended
            lastSent = loop.now
            Glibc.shutdown(fd, CInt(SHUT_WR))
            if hasPeerEnded { return end(because: lingerReason) }
        }
        if inputState == .told, outputState == .ended { return end(because: .peer) }
        guard isWaitingToDrain || tellsDrained else { return }
        isWaitingToDrain = false
        tellsDrained = false
        handler?.outputDrained(on: self)
        if isOpen { deliverSoon() }
    }

    private func deliverSoon() {
        guard !isDeliveryWaiting, isDelivering || pending.count > 0 || inputState == .ended else { return }
        isDeliveryWaiting = true
        loop.deliverLater(self)
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

    /// Neither side can send any more (on a unix socket: the peer is gone), while the handler holds up reading.
    private func hungUp() {
        switch inputState {
        case .told: end(because: .peer)
        case .discarding: end(because: lingerReason)
        case .open, .ended:
            if output.count > 0 {
                (pacer, gate) = (nil, nil)
                return flush()  // fails, and says how
            }
            isHungUp = true
            interest = []
            loop.unwatch(self)
        }
    }

    private func updateInterest() {
        guard isOpen else { return }
        var wanted: Readiness = []
        let reads =
            switch inputState {
            case .open: !isReadingPaused && !isWaitingToDrain
            case .discarding: !hasPeerEnded
            case .ended, .told: false
            }
        if reads { wanted.insert(.input) }
        if output.count > 0, !isTouched, !isHeldBack { wanted.insert(.output) }
        guard wanted != interest else { return }
        interest = wanted
        if isHungUp {
            isHungUp = false
            loop.rewatch(self, events: wanted)
        } else {
            loop.watch(self, events: wanted)
        }
    }
}
#endif
