#if os(Linux)
import CEpoll
public import EventLoop
import Glibc
import Synchronization

/// The data plane's loop on Linux: level-triggered epoll on a thread of its own.
///
/// A turn: wait, read and handle what is ready, run due timers and posted work, then send what every touched
/// connection has to say. A read goes into one buffer shared by all connections and costs no allocation.
///
/// Safety of `@unchecked Sendable`: everything but `inbox`, `wakeup` and `thread` is touched by the loop's thread
/// alone, which `isCurrent` checks at the entries.
public final class EpollLoop: EventLoop, @unchecked Sendable {
    @exclusivity(unchecked) public private(set) var now: UInt64
    @exclusivity(unchecked) public private(set) var wallClock: Int64

    let epoll: Int32
    let pool = BufferPool()
    /// Of the turn that runs: a nested one has its own, since the handlers outside of it still hold bytes of theirs.
    @exclusivity(unchecked) private(set) var readBuffer: UnsafeMutableRawBufferPointer

    private let wakeup: Int32
    private let inbox = Inbox()
    /// What nested turns run, too.
    private let urgent = Inbox()
    private let thread = Mutex<pthread_t?>(nil)
    @exclusivity(unchecked) private var timers = TimerHeap()
    @exclusivity(unchecked) private var endOfTurn: [() -> Void] = []
    /// By file descriptor. The tag of an event carries the descriptor and the source's generation, so that an event
    /// for a descriptor that was closed and reused within one turn is not taken for the new one's.
    @exclusivity(unchecked) private var sources: [(any EpollSource)?] = []
    private var lastGeneration: UInt32 = 0
    @exclusivity(unchecked) private var toFlush: [EpollConnection] = []
    @exclusivity(unchecked) private var flushing: [EpollConnection] = []
    @exclusivity(unchecked) private var toDeliver: [EpollConnection] = []
    /// Those of this turn that are still to come, the next one last.
    @exclusivity(unchecked) private var delivering: [EpollConnection] = []
    @exclusivity(unchecked) private var soon: [() -> Void] = []
    @exclusivity(unchecked) private var stopDeadline: UInt64?
    /// How many turns run within each other, the outermost not counted.
    @exclusivity(unchecked) private var depth = 0
    @exclusivity(unchecked) private var spareBuffers: [UnsafeMutableRawBufferPointer] = []
    /// Somebody waits in `stop`, which may not have begun yet.
    @exclusivity(unchecked) private var isToStop = false
    /// Each nested turn needs some kilobytes of the thread's stack.
    private static let deepest = 16
    private var connections: [UInt64: EpollConnection] = [:]

    /// Starts the loop's thread, named `name` (15 bytes at most).
    ///
    /// Throws the errno of the call that failed when descriptors have run out.
    public init(name: String = "loop") throws(SocketError) {
        let nowhere = SocketAddress.unix(path: "")
        epoll = cepoll_create()
        guard epoll >= 0 else { throw SocketError(call: "epoll_create", address: nowhere) }
        wakeup = cepoll_eventfd()
        guard wakeup >= 0 else { throw Sockets.failure("eventfd", nowhere, closing: epoll) }
        readBuffer = Self.makeReadBuffer()
        now = Self.monotonic()
        wallClock = Self.wall()
        guard cepoll_control(epoll, CInt(CEPOLL_ADD), wakeup, Readiness.input.rawValue, UInt64(UInt32(wakeup))) == 0
        else { throw SocketError(call: "epoll_ctl", address: nowhere) }
        startThread(name: name)
    }

    deinit {
        for buffer in spareBuffers + [readBuffer] { buffer.deallocate() }
        Glibc.close(wakeup)
        Glibc.close(epoll)
    }

    public var isCurrent: Bool {
        guard let thread = thread.withLock({ $0 }) else { return false }
        return pthread_equal(thread, pthread_self()) != 0
    }

    @discardableResult
    public func post(_ work: @escaping @Sendable () -> Void) -> Bool {
        switch inbox.add(work) {
        case .refused: return false
        case .first: wake()
        case .more: break
        }
        return true
    }

    @discardableResult
    public func postUrgently(_ work: @escaping @Sendable () -> Void) -> Bool {
        switch urgent.add(work) {
        case .refused: return false
        case .first: wake()
        case .more: break
        }
        return true
    }

    public func listen(on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?)
        throws(SocketError) -> any Listener
    {
        precondition(isCurrent, "listen is called on the loop")
        guard !isStopping else {
            throw SocketError(call: "listen", address: address, errno: ECANCELED, reason: "the loop stops")
        }
        let (fd, bound) = try Sockets.listen(on: address)
        let listener = EpollListener(fd: fd, address: bound, loop: self, accept: accept)
        guard add(listener, events: .input) else {
            throw Sockets.failure("epoll_ctl", address, closing: fd)
        }
        return listener
    }

    public func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void
    ) {
        precondition(isCurrent, "connect is called on the loop")
        let connector = EpollConnector(address: address, loop: self, completed: completed)
        connector.start(timeout: timeout.nanoseconds)
    }

    @discardableResult
    public func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken {
        timers.add(deadline: now.saturatingAdd(delay), work)
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
            postUrgently { [self] in isToStop = true }
            post { [self] in beginStop(grace: grace.nanoseconds) }
        }
    }

    // MARK: what the sources use

    /// Watches `source`; false (with errno set) when the kernel refuses.
    func add(_ source: any EpollSource, events: Readiness) -> Bool {
        lastGeneration &+= 1
        source.tag = UInt64(lastGeneration) << 32 | UInt64(UInt32(source.fd))
        guard cepoll_control(epoll, CInt(CEPOLL_ADD), source.fd, events.rawValue, source.tag) == 0 else { return false }
        let index = Int(source.fd)
        while sources.count <= index { sources.append(nil) }
        sources[index] = source
        return true
    }

    func watch(_ source: any EpollSource, events: Readiness) {
        _ = cepoll_control(epoll, CInt(CEPOLL_MODIFY), source.fd, events.rawValue, source.tag)
    }

    /// Has epoll not report `source` at all, not even that it is hung up, until `rewatch`.
    func unwatch(_ source: any EpollSource) {
        _ = cepoll_control(epoll, CInt(CEPOLL_DELETE), source.fd, 0, 0)
    }

    func rewatch(_ source: any EpollSource, events: Readiness) {
        _ = cepoll_control(epoll, CInt(CEPOLL_ADD), source.fd, events.rawValue, source.tag)
    }

    /// Forgets `source` and closes its descriptor.
    func remove(_ source: any EpollSource) {
        release(source)
        Glibc.close(source.fd)
    }

    /// Forgets `source` and leaves its descriptor open, for another source to take over.
    func release(_ source: any EpollSource) {
        _ = cepoll_control(epoll, CInt(CEPOLL_DELETE), source.fd, 0, 0)
        if Int(source.fd) < sources.count, sources[Int(source.fd)] === source { sources[Int(source.fd)] = nil }
    }

    /// Makes a connection of an open descriptor; nil (and the descriptor closed) when the kernel refuses to watch it.
    func adopt(fd: Int32) -> EpollConnection? {
        let connection = EpollConnection(fd: fd, loop: self)
        guard add(connection, events: .input) else {
            Glibc.close(fd)
            return nil
        }
        connections[connection.id] = connection
        return connection
    }

    func forget(_ connection: EpollConnection) {
        connections[connection.id] = nil
    }

    func flushLater(_ connection: EpollConnection) {
        toFlush.append(connection)
    }

    func deliverLater(_ connection: EpollConnection) {
        toDeliver.append(connection)
    }

    /// Runs `work` later in this turn, or in the next one.
    func runSoon(_ work: @escaping () -> Void) {
        soon.append(work)
    }

    // MARK: the thread

    private func startThread(name: String) {
        // The thread owns the loop until it ends; Unmanaged carries the reference through pthread's pointer.
        let start = ThreadStart(loop: self, name: String(name.prefix(15)))
        var handle = pthread_t()
        let made = thread.withLock { thread in
            let result = pthread_create(
                &handle, nil,
                { argument in
                    let start = Unmanaged<ThreadStart>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                    cepoll_name_thread(start.name)
                    start.loop.run()
                    return nil
                }, Unmanaged.passRetained(start).toOpaque())
            thread = handle
            return result
        }
        precondition(made == 0, "pthread_create failed: \(made)")
        pthread_detach(handle)
    }

    private func run() {
        _ = isCurrent  // waits until `thread` is known
        let events = UnsafeMutablePointer<cepoll_event>.allocate(capacity: 256)
        defer { events.deallocate() }
        while !isFinished {
            let count = cepoll_wait(epoll, events, 256, waitTime())
            now = Self.monotonic()
            wallClock = Self.wall()
            for index in 0..<Int(max(count, 0)) { handle(events[index]) }
            runTimers()
            runDeferred()
            deliverWaiting()
            for work in endOfTurn { work() }
            flushTouched()
        }
        finish()
    }

    func handle(_ event: cepoll_event) {
        let fd = Int(event.tag & 0xffff_ffff)
        if fd == Int(wakeup) { return runPosted() }
        guard fd < sources.count, let source = sources[fd], source.tag == event.tag else { return }
        source.ready(Readiness(rawValue: event.events))
    }

    private func runPosted() {
        var counter: UInt64 = 0
        _ = read(wakeup, &counter, 8)
        _ = runUrgentWork()
        for work in inbox.takeAll() { work() }
    }

    private func runTimers() {
        let newest = timers.lastID
        while let work = timers.popDue(now: now, newest: newest) { work() }
    }

    private func runDeferred() {
        guard !soon.isEmpty else { return }
        let waiting = soon
        soon = []
        for work in waiting { work() }
    }

    private func deliverWaiting() {
        guard !toDeliver.isEmpty else { return }
        delivering.append(contentsOf: toDeliver.reversed())
        toDeliver.removeAll(keepingCapacity: true)
        while let connection = delivering.popLast() { connection.deliverWaiting() }
    }

    private func flushTouched() {
        swap(&toFlush, &flushing)  // what a flush touches (in `outputDrained`, in `closed`) waits for the next turn
        for connection in flushing { connection.flush() }
        flushing.removeAll(keepingCapacity: true)
    }

    // MARK: nested turns

    public func runNested() -> NestedTurn {
        precondition(isCurrent, "runNested is called on the loop")
        guard depth < Self.deepest else { return .impossible }
        depth += 1
        let outer = readBuffer
        readBuffer = spareBuffers.popLast() ?? Self.makeReadBuffer()
        defer {
            spareBuffers.append(readBuffer)
            readBuffer = outer
            depth -= 1
        }
        withUnsafeTemporaryAllocation(of: cepoll_event.self, capacity: 256) { events in
            let count = cepoll_wait(epoll, events.baseAddress, 256, 0)
            now = Self.monotonic()
            wallClock = Self.wall()
            for index in 0..<Int(max(count, 0)) { handleNested(events[index]) }
        }
        deliverNested()
        flushNested()
        return runUrgentWork()
    }

    public func runUrgentWork() -> NestedTurn {
        for work in urgent.takeAll() { work() }
        return isToStop ? .stopping : .served
    }

    /// What was posted wakes the outermost turn again, and waits for it.
    private func handleNested(_ event: cepoll_event) {
        let fd = Int(event.tag & 0xffff_ffff)
        guard fd != Int(wakeup), fd < sources.count, let source = sources[fd], !source.isAtWork else { return }
        handle(event)
    }

    private func deliverNested() {
        delivering.append(contentsOf: toDeliver.reversed())
        toDeliver.removeAll(keepingCapacity: true)
        var atWork: [EpollConnection] = []
        while let connection = delivering.popLast() {
            if connection.isAtWork { atWork.append(connection) } else { connection.deliverWaiting() }
        }
        toDeliver += atWork
    }

    private func flushNested() {
        let touched = toFlush
        toFlush = []
        for connection in touched {
            if connection.isAtWork { toFlush.append(connection) } else { connection.flush() }
        }
    }

    private static func makeReadBuffer() -> UnsafeMutableRawBufferPointer {
        .allocate(byteCount: EpollConnection.readSize * 2, alignment: 64)
    }

    private func waitTime() -> CInt {
        if !toDeliver.isEmpty || !toFlush.isEmpty || !soon.isEmpty { return 0 }
        var next = timers.nextDeadline()
        if let stopDeadline { next = min(next ?? stopDeadline, stopDeadline) }
        guard let next else { return -1 }
        guard next > now else { return 0 }
        return CInt((min(next - now, 60_000_000_000) + 999_999) / 1_000_000)
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }

    // MARK: stopping

    /// From `stop` on.
    var isStopping: Bool { stopDeadline != nil }

    private var isFinished: Bool {
        guard let stopDeadline else { return false }
        return connections.isEmpty || now >= stopDeadline
    }

    private func beginStop(grace: UInt64) {
        let wasStopping = isStopping
        stopDeadline = min(stopDeadline ?? .max, now.saturatingAdd(grace))
        guard !wasStopping else { return }
        for source in sources {
            (source as? EpollListener)?.close()
            (source as? EpollConnector)?.giveUp(because: ECANCELED)
        }
        for connection in connections.values { connection.linger(thenEndBecause: .shutdown) }
    }

    private func finish() {
        for connection in connections.values { connection.end(because: .shutdown) }
        runDeferred()
        for work in urgent.close() { work() }
        for work in inbox.close() { work() }
        runDeferred()
        for work in endOfTurn { work() }
        sources.removeAll()
        toFlush.removeAll()
        toDeliver.removeAll()
        delivering.removeAll()
        endOfTurn.removeAll()
        timers = TimerHeap()
        thread.withLock { $0 = nil }
        inbox.announceEnd()
    }

    static func monotonic() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    static func wall() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }
}

/// Something with a descriptor that epoll watches.
protocol EpollSource: AnyObject {
    var fd: Int32 { get }
    /// Set by the loop when the source is added.
    var tag: UInt64 { get set }
    /// Its handler is at work: a nested turn leaves it alone.
    var isAtWork: Bool { get }
    func ready(_ events: Readiness)
}

extension EpollSource {
    var isAtWork: Bool { false }
}

/// What a descriptor is ready for, or waited for: epoll's bits.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let input = Readiness(rawValue: UInt32(CEPOLL_IN))
    static let output = Readiness(rawValue: UInt32(CEPOLL_OUT))
    static let error = Readiness(rawValue: UInt32(CEPOLL_ERR))
    static let hangUp = Readiness(rawValue: UInt32(CEPOLL_HUP))
}

private final class ThreadStart {
    let loop: EpollLoop
    let name: String

    init(loop: EpollLoop, name: String) {
        self.loop = loop
        self.name = name
    }
}
#endif
