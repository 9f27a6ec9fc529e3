import BrokerModel
import ReplicationWire

/// One connection to a master, from the handshake on; of one thread.
final class ReplicaLink {
    private let server: CopyServer
    private let interruption: Interruption
    private let queue: BatchQueue
    private let socket: StreamSocket
    private var handshake: ReplicationHandshake
    private let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// What was received and not taken.
    private var head = 0
    private var tail = 0
    private var lastPulse = ContinuousClock.now
    /// What keeps the link alive. Before a snapshot without a file there must be none: a master that waits for more
    /// replicas begins when none has said anything for its `repl-diskless-sync-delay`.
    private var pulse: [UInt8]?
    private var acknowledged: Int64?

    /// What the master grants.
    enum Grant {
        /// A snapshot, and the stream of a history from an offset on.
        case snapshot(id: String, offset: Int64)
        /// The stream goes on.
        case stream(id: String)
    }

    /// Why a link does not come about.
    enum Failure: Error {
        case problem(RedisProblem)
        case refused(ReplicationRefusal)

        /// A master that cannot write its snapshot to a file says so, or closes the link.
        var mayBeTheDisk: Bool {
            switch self {
            case .problem(.unreachable): true
            case .refused(let refusal): refusal.reason == .notReady
            case .problem: false
            }
        }
    }

    /// Waits this long at the most before it looks whether a pulse is due.
    private static let slice = Duration.milliseconds(100)

    init(
        _ server: CopyServer, at place: ProviderURL.Place, from start: ReplicationHandshake.Start, _ queue: BatchQueue,
        _ interruption: Interruption
    ) throws(Failure) {
        self.server = server
        self.interruption = interruption
        self.queue = queue
        handshake = ReplicationHandshake(from: start)
        do throws(RedisProblem) {
            socket = try StreamSocket.connect(to: place, within: server.limits.connect, interruption)
        } catch {
            throw .problem(error)
        }
    }

    deinit {
        storage.deallocate()
    }

    /// Logs in and asks for the stream.
    func begin() throws(Failure) -> Grant {
        try send(handshake.begin(authentication: server.authentication))
        while true {
            switch try answer() {
            case .send(let bytes): try send(bytes)
            case .announced(let id, let offset): return .snapshot(id: id, offset: offset)
            case .resumed(let id): return .stream(id: id)
            case .refused(let refusal): throw .refused(refusal)
            case .wait, .patience, .snapshot: break
            }
        }
    }

    /// Waits for the snapshot that was granted.
    func snapshotForm() throws(Failure) -> SnapshotForm {
        while true {
            switch try answer() {
            case .snapshot(let form):
                pulse = [10]
                return form
            case .refused(let refusal): throw .refused(refusal)
            case .wait, .send, .patience, .announced, .resumed: break
            }
        }
    }

    /// The next bytes, at least one. `beforeWaiting` is called when none are there yet.
    func read(
        _ buffer: UnsafeMutableRawBufferPointer, beforeWaiting: () -> Void = {}
    ) throws(RedisProblem) -> Int {
        if head == tail { try fill(within: server.limits.silence, beforeWaiting) }
        let count = min(buffer.count, tail - head)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[head..<head + count]))
        head += count
        return count
    }

    /// Puts back what was read last and was not needed.
    func unread(_ bytes: [UInt8]) {
        precondition(bytes.count <= head, "only what was read last can be put back")
        head -= bytes.count
    }

    /// From now on the master hears how far the stream was received: this far at least.
    func acknowledge(_ offset: Int64) throws(RedisProblem) {
        let reached = max(offset, queue.applied ?? 0)
        acknowledged = reached
        pulse = ReplicatedCommand("REPLCONF", "ACK", "\(reached)").bytes
        try sendPulse()
    }

    // MARK: bytes

    private func send(_ bytes: [UInt8]) throws(Failure) {
        do throws(RedisProblem) {
            try socket.send(bytes, within: server.limits.answer)
        } catch {
            throw .problem(error)
        }
    }

    private func answer() throws(Failure) -> ReplicationHandshake.Action {
        do throws(RedisProblem) {
            if head == tail { try fill(within: server.limits.answer) {} }
        } catch {
            throw .problem(error)
        }
        head += 1
        return handshake.received(storage[head - 1])
    }

    /// Reads once, when there is room for it and something has come.
    private func fill(within limit: Duration, _ beforeWaiting: () -> Void) throws(RedisProblem) {
        while !queue.waitForRoom(within: Self.slice) { try beat() }
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var hasWaited = false
        while true {
            if interruption.isRaised { throw .unreachable("the copy was closed") }
            try beat()
            if let count = try socket.receive(storage) {
                head = 0
                tail = count
                return
            }
            if !hasWaited { beforeWaiting() }
            hasWaited = true
            guard clock.now < deadline else { throw .unreachable("it did not answer in time") }
            _ = try socket.wait(receiving: true, sending: false, within: Self.slice)
        }
    }

    /// Sends a pulse when one is due: after a while, and when the consumer has got on.
    private func beat() throws(RedisProblem) {
        if let acknowledged, let applied = queue.applied, applied > acknowledged {
            try acknowledge(applied)
        } else if lastPulse.duration(to: .now) >= server.limits.pulse {
            try sendPulse()
        }
    }

    private func sendPulse() throws(RedisProblem) {
        lastPulse = .now
        if let pulse { try socket.send(pulse, within: server.limits.answer) }
    }
}
