/// One thread that serves many connections: listeners, connections, timers, and work posted from outside.
///
/// All methods but `post` and `stop` are called on the loop's own thread. A loop and what lives on it are not
/// shared; who is outside posts a closure.
public protocol EventLoop: AnyObject, Sendable {
    /// Monotonic time of the current turn in nanoseconds; read once per turn, so it is free to ask.
    var now: UInt64 { get }

    /// Wall-clock time of the current turn in milliseconds since 1970.
    var wallClock: Int64 { get }

    /// True on the loop's own thread.
    var isCurrent: Bool { get }

    /// Runs `work` on the loop, in the order of posting. False when the loop has ended: then it will never run.
    /// Callable from every thread.
    @discardableResult
    func post(_ work: @escaping @Sendable () -> Void) -> Bool

    /// The same, but what is posted so also runs within nested turns (`runNested`), and before other posted work.
    @discardableResult
    func postUrgently(_ work: @escaping @Sendable () -> Void) -> Bool

    /// Serves the sockets once, within what runs on the loop now: for a handler whose work takes long.
    ///
    /// Connections are accepted, read, flushed and closed as ever; only those whose handler is in `received` now are left
    /// alone, their input and their output. Timers, posted work and the end of the turn wait until the handler returns.
    func runNested() -> NestedTurn

    /// The part of a nested turn that takes next to no time: what was posted urgently.
    func runUrgentWork() -> NestedTurn

    /// Accepts connections at `address`; `accept` names the handler of each, or nil to refuse it.
    func listen(on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?)
        throws(SocketError) -> any Listener

    /// Opens a connection. `completed` comes on the loop, later than this call returns, exactly once.
    func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void)

    /// Runs `work` once, `delay` nanoseconds from now at the earliest.
    @discardableResult
    func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken

    /// Forgets a timer; one that has fired or was cancelled is ignored.
    func cancel(_ timer: TimerToken)

    /// Calls `work` at the end of every turn, before the replies are sent. Returns nothing to undo it: it lasts as
    /// long as the loop (the emulators use it for what is done once per turn).
    func atEndOfTurn(_ work: @escaping () -> Void)

    /// Closes the listeners, gives up connects that are under way (ECANCELED, as for `listen` and `connect` from now
    /// on), sends what waits to every connection and FIN (`closeAfterFlush` with the reason `.shutdown`), and ends
    /// the thread when the peers have closed or `grace` is over. Callable from every thread; returns when the thread
    /// has ended. Accepted posts have run by then; timers that were not due, and what the last of those posts asked
    /// the loop to do later, are dropped.
    func stop(grace: Duration) async
}

extension EventLoop {
    @discardableResult
    public func postUrgently(_ work: @escaping @Sendable () -> Void) -> Bool { post(work) }

    public func runNested() -> NestedTurn { .impossible }

    public func runUrgentWork() -> NestedTurn { .impossible }
}

/// What became of a nested turn.
public enum NestedTurn: Sendable {
    case served
    /// The same, and somebody waits in `stop`: what runs is to end.
    case stopping
    /// The driver has none, or too many are nested: nobody was served.
    case impossible
}

/// A bound, listening socket.
public protocol Listener: AnyObject {
    /// Where it is bound, with the port that the system chose where 0 was asked for.
    var address: SocketAddress { get }
    /// Stops accepting and frees the address; connections that were accepted live on.
    func close()
}

/// Names one scheduled timer.
public struct TimerToken: Hashable, Sendable {
    public let id: UInt64

    public init(id: UInt64) {
        self.id = id
    }
}
