/// Decides when a connection's output goes out, where it is not to go out as fast as it can. Called on the loop.
public protocol OutputPacer: AnyObject {
    /// How many of the bytes that wait may be sent now. It may take some away. Whoever allows fewer than there are calls
    /// `Connection.flushSoon` when more may go.
    func allowance(of output: ByteOutput) -> Int

    /// So many were sent, and are not in the output any more.
    func sent(_ count: Int, of output: ByteOutput)

    /// Whether FIN may follow the last byte; whoever says no calls `Connection.flushSoon` when it may.
    var allowsEnd: Bool { get }
}
