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
    /// How long a closing connection waits for the peer's FIN.
    private static let lingerTime: UInt64 = 1_000_000_000

    let fd: Int32
    var tag: UInt64 = 0
    private unowned let loop: EpollLoop
    private var pending = PendingInput()
    private var interest: Readiness = .input
    private var isTouched = false
    private var isReadingPaused = false
    private var isWaitingToDrain = false
    private var isDelivering = false
    private var isDeliveryWaiting = false
    private var inputState = InputState.open
    private var outputState = OutputState.open

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

    init(fd: Int32, id: UInt64, loop: EpollLoop) {
        self.fd = fd
        self.loop = loop
        super.init(
            id: id, pool: loop.pool, peerAddress: Sockets.peerName(fd), localAddress: Sockets.localName(fd))
        output.becameNonEmpty = { [unowned self] in touch() }
    }

    // MARK: the handler's side

    override func pauseReading() {
        isReadingPaused = true
        updateInterest()
    }

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
        guard isOpen, inputState != .discarding else { return }
        let peerHasEnded = inputState != .open
        inputState = .discarding
        pending.removeAll()
        isReadingPaused = false
        if peerHasEnded, output.count == 0 { return end(because: .local) }
        if outputState == .open { outputState = .ending }
        touch()
        let id = tag
        loop.schedule(after: Self.lingerTime) { [weak self] in
            guard let self, isOpen, tag == id else { return }
            end(because: .local)
        }
        if peerHasEnded { hasPeerEnded = true }
        updateInterest()
    }

    /// FIN came before `closeAfterFlush`: nothing more can come, so the last byte out ends the connection.
    private var hasPeerEnded = false

    override func close() {
        end(because: .local)
    }

    // MARK: the loop's side

    func ready(_ events: Readiness) {
        if events.contains(.input), interest.contains(.input) {
            readOnce()
        } else if !events.isDisjoint(with: [.hangUp, .error]) {
            let error = Sockets.pendingError(fd)
            return end(because: error == 0 ? .peer : .error(errno: error))
        }
        if isOpen, events.contains(.output) { flush() }
    }

    /// Sends what waits; called at the end of the turn in which output was appended, and when the socket takes more.
    func flush() {
        isTouched = false
        guard isOpen else { return output.removeAll() }
        while output.count > 0 {
            let bytes = output.readable
            let sent = send(fd, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
            if sent < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                return end(because: .error(errno: errno))
            }
            output.consume(sent)
            if sent < bytes.count { break }
        }
        if output.count == 0 { outputIsEmpty() }
        guard isOpen else { return }
        updateInterest()
        // Bytes that were appended to an output that did not become empty are sent when the socket takes more.
    }

    func deliverWaiting() {
        isDeliveryWaiting = false
        guard isOpen, !isReadingPaused else { return }
        if pending.count > 0 { deliverPending() }
        tellInputEnded()
        updateInterest()
    }

    func end(because reason: CloseReason) {
        guard isOpen else { return }
        isOpen = false
        output.removeAll()
        pending.removeAll()
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
            if carried > 0 { pending.append(UnsafeRawBufferPointer(rebasing: buffer[..<carried])) }
            return readEnded(received)
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
        guard received > 0 else { return readEnded(received) }
        pending.added(received)
        deliverPending()
    }

    private func deliverPending() {
        let used = deliver(pending.readable)
        guard isOpen, inputState != .discarding else { return }
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
        if isOverHighWater {
            isWaitingToDrain = true
            updateInterest()
        }
    }

    private func discard() {
        let buffer = loop.readBuffer
        let received = recv(fd, buffer.baseAddress, buffer.count, 0)
        if received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR)) { return }
        if received == 0, output.count > 0 {
            hasPeerEnded = true
            return updateInterest()
        }
        end(because: .local)
    }

    private func readEnded(_ result: Int) {
        if result < 0 {
            if errno == EAGAIN || errno == EINTR { return }
            return end(because: .error(errno: errno))
        }
        inputState = .ended
        updateInterest()
        tellInputEnded()
    }

    /// The handler learns of the FIN once it had its chance to use every byte before it.
    private func tellInputEnded() {
        guard isOpen, inputState == .ended, !isReadingPaused, !isWaitingToDrain else { return }
        inputState = .told
        guard let handler else { return end(because: .peer) }
        handler.inputEnded(on: self)
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
            Glibc.shutdown(fd, CInt(SHUT_WR))
            if hasPeerEnded { return end(because: .local) }
        }
        if inputState == .told, outputState == .ended { return end(because: .peer) }
        guard isWaitingToDrain else { return }
        isWaitingToDrain = false
        handler?.outputDrained(on: self)
        if isOpen { deliverSoon() }
    }

    private func deliverSoon() {
        guard !isDeliveryWaiting, pending.count > 0 || inputState == .ended else { return }
        isDeliveryWaiting = true
        loop.deliverLater(self)
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
        if output.count > 0, !isTouched { wanted.insert(.output) }
        guard wanted != interest else { return }
        interest = wanted
        loop.watch(self, events: wanted)
    }
}
#endif
