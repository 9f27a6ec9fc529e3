/// Who speaks the protocol on a connection: bytes in through these calls, bytes out through `Connection.output`.
///
/// Every call comes on the connection's loop. A handler never blocks and knows no driver.
public protocol ConnectionHandler: AnyObject {
    /// Bytes have arrived, those left over from the call before in front.
    ///
    /// Returns how many it used. The rest (a partial message, or whole ones when it stopped because
    /// `connection.isOverHighWater` or it paused reading) is kept and comes again with what follows. The bytes are
    /// valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int

    /// The peer will send no more (FIN). Output still goes out.
    /// The default closes once the output is sent.
    func inputEnded(on connection: Connection)

    /// Output that stood above the high-water mark has gone out; the bytes that had waited are delivered after this.
    func outputDrained(on connection: Connection)

    /// The connection is gone, whoever ended it; called exactly once, last.
    func closed(_ connection: Connection, because reason: CloseReason)
}

extension ConnectionHandler {
    public func inputEnded(on connection: Connection) {
        connection.closeAfterFlush()
    }

    public func outputDrained(on connection: Connection) {}

    public func closed(_ connection: Connection, because reason: CloseReason) {}
}

/// Why a connection ended.
public enum CloseReason: Equatable, Sendable {
    /// This side closed it.
    case local
    /// The peer closed it, in order.
    case peer
    /// A system call failed (ECONNRESET, EPIPE, ETIMEDOUT, …).
    case error(errno: Int32)
    /// The loop shuts down.
    case shutdown
}
