import BrokerModel
import EventLoop

/// A client whose bytes faults hold up, in front of the handler that serves it: what it sends waits in the connection,
/// what it receives in the connection's output, both with the bounds and the back-pressure that they have anyhow.
final class ShapedClient: ConnectionHandler, OutputPacer {
    /// So much is read of what may not go on yet.
    private static let mostHeld = 64 << 10

    var inner: any ConnectionHandler
    private weak var connection: Connection?
    private unowned let endpoint: Endpoint
    private let loop: any EventLoop
    private var up = StreamShaper()
    private var down = StreamShaper()
    /// What is to happen to the connection at a time.
    private var closings: [(id: FaultID, timer: TimerToken)] = []
    /// Bytes that the handler was shown and has not used.
    private var unused = 0
    /// Bytes that wait behind them.
    private var held = 0
    private var hasInputEnded = false
    private var hasToldEnd = false
    private var upWake: (at: UInt64, timer: TimerToken)?
    private var downWake: (at: UInt64, timer: TimerToken)?
    /// From when on each end may pass.
    private var upEnd: UInt64?
    private var downEnd: UInt64?
    /// Faults that have thrown bytes away: without them nothing is as it was.
    private var swallowers: Set<FaultID> = []

    init(_ inner: any ConnectionHandler, _ connection: Connection, endpoint: Endpoint) {
        self.inner = inner
        self.connection = connection
        self.endpoint = endpoint
        loop = endpoint.loop
    }

    // MARK: faults

    func add(_ effect: FaultEffect, by id: FaultID, seed: UInt64) {
        switch effect {
        case .resetPeer(let time): at(time, id) { $0.abort() }
        case .timeout(let time, let direction):
            if time > 0 { at(time, id) { $0.close() } }
            add(effect, direction, by: id, seed: seed)
        case .latency(_, _, let direction), .bandwidth(_, let direction), .slowClose(_, let direction),
            .slicer(_, _, _, let direction), .limitData(_, let direction):
            add(effect, direction, by: id, seed: seed)
        case .error, .delay, .cut, .reset, .drop, .down, .maxClients: break
        }
    }

    private func add(_ effect: FaultEffect, _ direction: FaultEffect.Direction, by id: FaultID, seed: UInt64) {
        switch direction {
        case .up: up.add(effect, by: id, seed: seed, now: loop.now)
        case .down:
            down.add(effect, by: id, seed: seed, now: loop.now)
            connection?.pacer = self
        }
    }

    private func at(_ milliseconds: Int, _ id: FaultID, _ work: @escaping (Connection) -> Void) {
        let timer = loop.schedule(after: UInt64(milliseconds) * 1_000_000) { [weak self] in
            if let connection = self?.connection { work(connection) }
        }
        closings.append((id, timer))
    }

    /// Lets go what a fault holds.
    func remove(_ id: FaultID) {
        for closing in closings where closing.id == id { loop.cancel(closing.timer) }
        closings.removeAll { $0.id == id }
        up.remove(id)
        down.remove(id)
        guard let connection else { return }
        if swallowers.contains(id) { return connection.close() }
        if down.isEmpty { connection.pacer = nil }
        connection.flushSoon()
        deliverAgain()
    }

    /// Nothing is to be held up any more: the handler may serve the client itself.
    var isIdle: Bool { up.isEmpty && down.isEmpty && closings.isEmpty && (hasToldEnd || !hasInputEnded) }

    /// Gives the connection back to the handler; what waits is delivered to that one.
    func leave() {
        if let upWake { loop.cancel(upWake.timer) }
        if let downWake { loop.cancel(downWake.timer) }
        (upWake, downWake) = (nil, nil)
        connection?.handler = inner
    }

    // MARK: what the client sends

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        let waiting = max(bytes.count - unused, 0)
        let step = up.step(waiting: waiting, now: loop.now)
        if step.swallows {
            if waiting > 0, let id = up.swallower { swallowers.insert(id) }
            up.swallowed(waiting)
            (unused, held) = (0, 0)
            return bytes.count
        }
        let isAtLimit = up.passed(step.pass, now: loop.now)
        unused += step.pass
        held = waiting - step.pass
        wake(&upWake, at: step.wakeAt) { [weak self] in
            self?.upWake = nil
            self?.deliverAgain()
        }
        var used = 0
        if unused > 0 {
            used = inner.received(UnsafeRawBufferPointer(rebasing: bytes[..<unused]), on: connection)
            unused -= used
        }
        guard connection.isOpen else { return bytes.count }
        if isAtLimit || step.ends && waiting > 0 && step.pass == 0 {
            connection.closeAfterFlush()
            return bytes.count
        }
        if held >= Self.mostHeld { connection.pauseReading() }
        tellEnd(connection)
        return used
    }

    private func deliverAgain() {
        guard let connection, connection.isOpen else { return }
        if hasInputEnded, held == 0 { return tellEnd(connection) }
        connection.pauseReading()
        connection.resumeReading()
    }

    func inputEnded(on connection: Connection) {
        hasInputEnded = true
        tellEnd(connection)
    }

    /// The handler learns of the end behind all bytes.
    private func tellEnd(_ connection: Connection) {
        // A handler that has paused behind some of them comes back to those first.
        guard hasInputEnded, !hasToldEnd, held == 0, unused == 0 || !connection.isPaused else { return }
        let end = upEnd ?? loop.now + up.slowClose
        upEnd = end
        guard up.slowClose == 0 || loop.now >= end else {
            return wake(&upWake, at: end) { [weak self] in
                self?.upWake = nil
                self?.deliverAgain()
            }
        }
        hasToldEnd = true
        inner.inputEnded(on: connection)
    }

    // MARK: what the client receives

    func allowance(of output: ByteOutput) -> Int {
        let step = down.step(waiting: output.count, now: loop.now)
        if step.swallows {
            if output.count > 0, let id = down.swallower { swallowers.insert(id) }
            down.swallowed(output.count)
            output.removeAll()
            return 0
        }
        if step.ends, step.pass == 0, output.count > 0 {
            end(output)
            return 0
        }
        wake(&downWake, at: step.wakeAt) { [weak self] in
            self?.downWake = nil
            self?.connection?.flushSoon()
        }
        return step.pass
    }

    func sent(_ count: Int, of output: ByteOutput) {
        if down.passed(count, now: loop.now) { end(output) }
    }

    private func end(_ output: ByteOutput) {
        output.removeAll()
        connection?.closeAfterFlush()
    }

    var allowsEnd: Bool {
        let time = down.slowClose
        guard time > 0 else { return true }
        let end = downEnd ?? loop.now + time
        downEnd = end
        guard loop.now < end else { return true }
        wake(&downWake, at: end) { [weak self] in
            self?.downWake = nil
            self?.connection?.flushSoon()
        }
        return false
    }

    func outputDrained(on connection: Connection) {
        inner.outputDrained(on: connection)
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        for closing in closings { loop.cancel(closing.timer) }
        closings = []
        if let upWake { loop.cancel(upWake.timer) }
        if let downWake { loop.cancel(downWake.timer) }
        connection.pacer = nil
        endpoint.shaped[connection.id] = nil
        inner.closed(connection, because: reason)
    }

    /// Sets a timer, unless there is one that ends sooner.
    private func wake(_ wake: inout (at: UInt64, timer: TimerToken)?, at time: UInt64?, _ work: @escaping () -> Void) {
        guard let time else { return }
        if let present = wake {
            guard time < present.at else { return }
            loop.cancel(present.timer)
        }
        wake = (time, loop.schedule(after: time - min(time, loop.now), work))
    }
}
