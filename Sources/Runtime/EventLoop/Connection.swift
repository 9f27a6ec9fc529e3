import Synchronization

/// One byte stream (TCP or unix socket), confined to its loop. Drivers subclass it; handlers use it.
open class Connection {
    /// Unique within the process, never reused.
    public let id: UInt64
    /// Bytes for the peer. The driver sends them in one piece at the end of the loop's turn.
    public final let output: ByteOutput
    /// Who gets the events; may be exchanged while the connection lives.
    @exclusivity(unchecked) public final var handler: (any ConnectionHandler)?
    /// Holds the output back; mostly nobody does. Whoever takes it away calls `flushSoon`.
    @exclusivity(unchecked) public final var pacer: (any OutputPacer)?
    /// The same, whoever paces it: what both let go is sent.
    @exclusivity(unchecked) public final var gate: (any OutputPacer)?
    /// The peer's address as `127.0.0.1:50412`, `[::1]:50412` or the unix path (often empty).
    public final let peerAddress: String
    /// This side's address, in the same form.
    public final let localAddress: String
    /// From this many unsent bytes on, the driver stops reading from the peer and the handler is to stop replying.
    @exclusivity(unchecked) public final var highWater = 1 << 20
    /// Whoever sets it is told once, by `outputDrained`, that the output is empty, though reading goes on meanwhile.
    @exclusivity(unchecked) public final var tellsDrained = false
    /// False once the connection is closed; appended output is then thrown away.
    @exclusivity(unchecked) public final package(set) var isOpen = true

    public init(id: UInt64, pool: BufferPool, peerAddress: String, localAddress: String) {
        self.id = id
        self.output = ByteOutput(pool: pool)
        self.peerAddress = peerAddress
        self.localAddress = localAddress
    }

    private static let lastID = Atomic<UInt64>(0)

    /// The id of a new connection, whichever loop it lives on.
    package static func nextID() -> UInt64 {
        lastID.add(1, ordering: .relaxed).newValue
    }

    /// Gives an accepted connection its handler; one that was closed while it was accepted tells it so at once.
    package final func begin(with newHandler: any ConnectionHandler) {
        guard isOpen else { return newHandler.closed(self, because: .local) }
        handler = newHandler
    }

    /// How many bytes of the output may go now.
    package final var allowance: Int {
        let allowed = gate?.allowance(of: output) ?? Int.max
        return min(pacer?.allowance(of: output) ?? Int.max, allowed)
    }

    package final func wasSent(_ count: Int) {
        gate?.sent(count, of: output)
        pacer?.sent(count, of: output)
    }

    /// Whether FIN may follow the last byte.
    package final var allowsEnd: Bool { pacer?.allowsEnd ?? true }

    /// Whether the peer does not take its replies: the handler should return from `received` early.
    @inlinable public final var isOverHighWater: Bool { output.count >= highWater }

    /// Stops delivering bytes until `resumeReading`; what was received stays.
    open func pauseReading() { preconditionFailure("a driver overrides this") }

    /// Since `pauseReading`, until `resumeReading`.
    open var isPaused: Bool { preconditionFailure("a driver overrides this") }

    /// Bytes that the handler has not used yet.
    open var unusedInput: Int { 0 }

    /// Delivers what has waited (never from inside this call), then reads on.
    open func resumeReading() { preconditionFailure("a driver overrides this") }

    /// Sends what waits, then FIN; reading goes on. What is appended after the FIN went out is thrown away.
    open func endOutput() { preconditionFailure("a driver overrides this") }

    /// Sends what waits, then FIN, and closes when the peer closes too or when nothing has gone out for a second: the
    /// peer can read every reply, because the kernel is not given a reason for a RST. Nothing more is delivered but
    /// `closed`.
    open func closeAfterFlush() { preconditionFailure("a driver overrides this") }

    /// Closes at once; unsent output is lost.
    open func close() { preconditionFailure("a driver overrides this") }

    /// The same with RST: what the kernel has not sent is lost too, and the peer's next call fails.
    open func abort() { preconditionFailure("a driver overrides this") }

    /// Looks at the end of the turn whether the pacer lets more of the output go.
    open func flushSoon() { preconditionFailure("a driver overrides this") }
}
