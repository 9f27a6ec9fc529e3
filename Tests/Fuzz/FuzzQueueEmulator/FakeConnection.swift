import EventLoop

/// A connection without a socket: the script puts bytes in and takes replies out.
final class FakeConnection: Connection {
    private(set) var isClosing = false
    private(set) var isDeliveryWaiting = false
    private var isReadingPaused = false
    private var pending: [UInt8] = []

    init(id: UInt64, pool: BufferPool) {
        super.init(id: id, pool: pool, peerAddress: "", localAddress: "")
    }

    func receive(_ bytes: [UInt8]) {
        guard isOpen, !isClosing else { return }
        pending += bytes
        if !isReadingPaused { deliver() }
    }

    func receiveEnd() {
        guard isOpen, !isClosing else { return }
        handler?.inputEnded(on: self)
    }

    /// Delivers what `resumeReading` has promised.
    func deliverWaiting() {
        guard isDeliveryWaiting else { return }
        isDeliveryWaiting = false
        if !isClosing { deliver() }
    }

    func disappear() {
        guard isOpen else { return }
        isOpen = false
        let handler = handler
        self.handler = nil
        handler?.closed(self, because: .peer)
    }

    override func pauseReading() {
        isReadingPaused = true
    }

    override func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        isDeliveryWaiting = !pending.isEmpty
    }

    override func closeAfterFlush() {
        isClosing = true
        pending = []
    }

    override func close() {
        disappear()
    }

    private func deliver() {
        guard let handler, !pending.isEmpty else { return }
        let input = pending
        let used = input.withUnsafeBytes { handler.received($0, on: self) }
        if !isClosing { pending.removeFirst(used) }
    }
}
