public import EventLoop
import NIOCore
import NIOPosix
import Synchronization

public import protocol EventLoop.EventLoop
public import enum EventLoop.SocketAddress

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The data plane's loop on SwiftNIO: the same promises as `EpollLoop`, on every system that NIO runs on.
///
/// A turn begins with the first event, timer or posted work after the turn before, and ends in a task that NIO runs
/// once it has handled all that was ready: it runs due timers, delivers input that waited, and sends what every
/// touched connection has to say. `now` and `wallClock` are read when a turn begins. NIO has no hook for the end of
/// its own round, so one round of NIO may be several turns here when work is posted meanwhile.
///
/// There are no nested turns: NIO does not look at its sockets before a task has ended. Whoever asks for one is told so.
///
/// The loop keeps itself alive until `stop`, as its thread does.
///
/// Safety of `@unchecked Sendable`: everything but `inbox`, `gate`, `group` and `nio`, which are Sendable, is touched
/// by the loop's thread alone, which `isCurrent` checks at the entries.
public final class NIOLoop: EventLoop, @unchecked Sendable {
    public private(set) var now: UInt64
    public private(set) var wallClock: Int64

    let nio: any NIOCore.EventLoop
    let pool = BufferPool()
    /// What is on its way to NIO's write; its memory is used again as soon as NIO has let go of it.
    var scratch = ByteBuffer()

    private let group: MultiThreadedEventLoopGroup
    private let inbox = Inbox()
    /// Held while NIO is asked to run posted work, so that NIO's loop cannot end between the two.
    private let gate = Mutex(())
    private var isInTurn = false
    private var hasPosted = false
    private var timers = TimerHeap()
    private var wakeUp: (deadline: UInt64, task: Scheduled<Void>)?
    private var endOfTurn: [() -> Void] = []
    private var toFlush: [NIOConnection] = []
    private var toDeliver: [NIOConnection] = []
    private var soon: [() -> Void] = []
    private var connections: [UInt64: NIOConnection] = [:]
    private var listeners: [ObjectIdentifier: NIOListener] = [:]
    private var connectors: [ObjectIdentifier: NIOConnector] = [:]
    private var stopDeadline: UInt64?
    private var isFinished = false
    private var keptAlive: NIOLoop?

    /// NIO looks at its sockets only when no task is due, so a turn that is to follow at once gives it this chance: as
    /// long as the turn before took, within these bounds.
    private static let shortestPause: UInt64 = 20_000
    private static let longestPause: UInt64 = 1_000_000
    /// The longest time that NIO is asked to sleep: it counts in signed nanoseconds.
    private static let longestSleep: UInt64 = 3_600_000_000_000

    /// Starts the loop's thread.
    public init() {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        nio = group.next()
        now = NIODeadline.now().uptimeNanoseconds
        wallClock = Self.wall()
        keptAlive = self
    }

    public var isCurrent: Bool { nio.inEventLoop }

    @discardableResult
    public func post(_ work: @escaping @Sendable () -> Void) -> Bool {
        gate.withLock { _ in
            switch inbox.add(work) {
            case .refused: return false
            case .first: wake()
            case .more: break
            }
            return true
        }
    }

    public func listen(on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?)
        throws(SocketError) -> any Listener
    {
        precondition(isCurrent, "listen is called on the loop")
        guard !isStopping else {
            throw SocketError(call: "listen", address: address, errno: ECANCELED, reason: "the loop stops")
        }
        let socket = try ListeningSocket(on: address)
        let listener = NIOListener(address: socket.address, loop: self, accept: accept)
        listeners[ObjectIdentifier(listener)] = listener
        listener.start(with: socket)
        return listener
    }

    public func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void
    ) {
        precondition(isCurrent, "connect is called on the loop")
        let connector = NIOConnector(address: address, loop: self, completed: completed)
        connectors[ObjectIdentifier(connector)] = connector
        let asked = now
        runSoon { connector.start(deadline: asked.saturatingAdd(timeout.nanoseconds)) }
    }

    @discardableResult
    public func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken {
        beginTurn()
        return timers.add(deadline: now.saturatingAdd(delay), work)
    }

    public func cancel(_ timer: TimerToken) {
        timers.cancel(timer)
    }

    public func atEndOfTurn(_ work: @escaping () -> Void) {
        endOfTurn.append(work)
    }

    public func stop(grace: Duration) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            guard inbox.onEnd({ done.resume() }) else { return done.resume() }
            post { [self] in beginStop(grace: grace.nanoseconds) }
        }
        // It throws for groups that may not be shut down; this one is the loop's own.
        try? await group.shutdownGracefully()
    }

    // MARK: what connections, listeners and connectors use

    /// From `stop` on.
    var isStopping: Bool { stopDeadline != nil }

    /// Every way into the loop begins here: NIO's events, posted work, a timer.
    func beginTurn() {
        guard !isInTurn, !isFinished else { return }
        isInTurn = true
        now = NIODeadline.now().uptimeNanoseconds
        wallClock = Self.wall()
        nio.execute { self.endTurn() }
    }

    /// Makes a connection of an open channel.
    func adopt(_ channel: any Channel) -> NIOConnection {
        let connection = NIOConnection(channel: channel, loop: self)
        connections[connection.id] = connection
        return connection
    }

    func forget(_ connection: NIOConnection) {
        connections[connection.id] = nil
        beginTurn()  // which sees, when the loop stops, that it was the last one
    }

    func forget(_ listener: NIOListener) {
        listeners[ObjectIdentifier(listener)] = nil
    }

    func forget(_ connector: NIOConnector) {
        connectors[ObjectIdentifier(connector)] = nil
    }

    func flushLater(_ connection: NIOConnection) {
        beginTurn()
        toFlush.append(connection)
    }

    func deliverLater(_ connection: NIOConnection) {
        beginTurn()
        toDeliver.append(connection)
    }

    /// Runs `work` at the end of this turn, or in the next one.
    func runSoon(_ work: @escaping () -> Void) {
        beginTurn()
        soon.append(work)
    }

    // MARK: the turn

    /// Work that the loop posts to itself waits for its next turn.
    private func wake() {
        if isCurrent, isInTurn {
            hasPosted = true
        } else {
            nio.execute { self.runPosted() }
        }
    }

    private func runPosted() {
        beginTurn()
        hasPosted = false
        for work in inbox.takeAll() { work() }
    }

    private func endTurn() {
        let newest = timers.lastID
        while let work = timers.popDue(now: now, newest: newest) { work() }
        for work in taken(&soon) { work() }
        for connection in taken(&toDeliver) { connection.deliverWaiting() }
        for work in endOfTurn { work() }
        for connection in taken(&toFlush) { connection.flush() }
        isInTurn = false
        if let stopDeadline, connections.isEmpty || now >= stopDeadline { return finish() }
        sleepUntilNextTurn()
    }

    private func taken<Element>(_ list: inout [Element]) -> [Element] {
        defer { list = [] }
        return list
    }

    /// Has NIO begin a turn when the next timer is due, or soon when something waits already.
    private func sleepUntilNextTurn() {
        var next = timers.nextDeadline()
        if let stopDeadline { next = min(next ?? stopDeadline, stopDeadline) }
        if !soon.isEmpty || !toDeliver.isEmpty || !toFlush.isEmpty || hasPosted { next = now }
        guard let next else {
            wakeUp?.task.cancel()
            wakeUp = nil
            return
        }
        guard next != wakeUp?.deadline else { return }
        wakeUp?.task.cancel()
        let time = NIODeadline.now().uptimeNanoseconds
        let pause = max(Self.shortestPause, min(time - now, Self.longestPause))
        let due = min(max(next, time + pause), time + Self.longestSleep)
        let task = nio.scheduleTask(deadline: .uptimeNanoseconds(due)) {
            self.wakeUp = nil
            self.beginTurn()
            if self.hasPosted { self.runPosted() }
        }
        wakeUp = (next, task)
    }

    // MARK: stopping

    private func beginStop(grace: UInt64) {
        let wasStopping = isStopping
        stopDeadline = min(stopDeadline ?? .max, now.saturatingAdd(grace))
        guard !wasStopping else { return }
        for listener in listeners.values { listener.close() }
        for connector in connectors.values { connector.giveUp(because: ECANCELED) }
        for connection in connections.values { connection.linger(thenEndBecause: .shutdown) }
    }

    private func finish() {
        isFinished = true
        wakeUp?.task.cancel()
        wakeUp = nil
        for connection in connections.values { connection.end(because: .shutdown) }
        for work in taken(&soon) { work() }
        for work in gate.withLock({ _ in inbox.close() }) { work() }
        for work in taken(&soon) { work() }
        for work in endOfTurn { work() }
        soon = []
        toFlush = []
        toDeliver = []
        endOfTurn = []
        timers = TimerHeap()
        keptAlive = nil
        inbox.announceEnd()
    }

    /// Milliseconds since 1970.
    private static func wall() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }
}
