import EventLoop

/// A connection without a socket: a test puts bytes in, takes replies out, and sees what the handler asked for.
final class FakeConnection: Connection {
    private(set) var isReadingPaused = false
    private(set) var isClosing = false
    private var pending: [UInt8] = []
    private var isDeliveryWaiting = false

    init(id: UInt64, pool: BufferPool) {
        super.init(id: id, pool: pool, peerAddress: "fake:\(id)", localAddress: "fake:0")
    }

    /// Bytes that the handler has left.
    var waitingBytes: Int { pending.count }

    func receive(_ bytes: [UInt8]) {
        guard isOpen, !isClosing else { return }
        pending += bytes
        if !isReadingPaused { deliver() }
    }

    func receiveEnd() {
        guard isOpen, !isClosing else { return }
        handler?.inputEnded(on: self)
    }

    /// Delivers what `resumeReading` has promised; true when there was something.
    func deliverWaiting() -> Bool {
        guard isDeliveryWaiting, !isClosing else { return false }
        isDeliveryWaiting = false
        deliver()
        return true
    }

    /// All replies so far; as when the peer reads them.
    func takeOutput() -> [UInt8] {
        let wasFull = isOverHighWater
        let bytes = Array(output.readable)
        output.consume(bytes.count)
        if wasFull {
            handler?.outputDrained(on: self)
            isDeliveryWaiting = true
        }
        return bytes
    }

    func disappear(because reason: CloseReason = .peer) {
        guard isOpen else { return }
        isOpen = false
        let handler = handler
        self.handler = nil
        handler?.closed(self, because: reason)
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
        disappear(because: .local)
    }

    private func deliver() {
        guard let handler, !pending.isEmpty else { return }
        let input = pending
        let used = input.withUnsafeBytes { handler.received($0, on: self) }
        if !isClosing { pending.removeFirst(used) }
    }
}
