import EventLoop
import RESPWire

/// The replicas of an emulator, and the stream of changes that all of them read. Confined to the loop.
///
/// The stream exists from the first replica on until the last one has been gone for `repl-backlog-ttl`; without it a
/// command that writes pays nothing. What one request, transaction or script has changed stands between MULTI and EXEC
/// there, if it is more than one command.
final class Replication {
    unowned let emulator: CacheEmulator
    /// The name of the history that `offset` counts; 40 hexadecimal digits.
    private(set) var id = randomID()
    private(set) var replicas: [Replica] = []
    /// Nil while there is no stream.
    private(set) var log: ReplicationLog?
    /// Of the log, while there is none.
    private var lastOffset: Int64 = 0
    var limits = ReplicationLimits()
    /// Clients that wait for replicas.
    var waiting: [PendingReply] = []
    /// Where the stream has last asked its replicas how far they are.
    var askedAt: Int64 = -1
    var counts = Counts()

    /// Behind every snapshot that is marked.
    private let mark = randomID()
    /// What the stream has named last; nil where it has to name it again.
    private var selected: Int?
    /// How many requests run, one within the other, whose changes go together.
    private var depth = 0
    private var unit: [UInt8] = []
    private var unitCommands = 0

    private var timer: TimerToken?
    private var lastPing: UInt64 = 0
    /// Since when there has been no replica.
    private var emptySince: UInt64 = 0

    /// How replicas have begun, for INFO.
    struct Counts {
        var full = 0
        var partial = 0
        var partialRefused = 0
    }

    /// How long the loop is held for snapshots in a turn.
    private static let slice = Duration.microseconds(500)
    private static let tick: UInt64 = 1_000_000_000
    /// So much is given to a connection at once.
    private static let outputSize = 256 << 10
    private static let multi = Array("*1\r\n$5\r\nMULTI\r\n".utf8)
    private static let exec = Array("*1\r\n$4\r\nEXEC\r\n".utf8)
    private static let ping = Array("*1\r\n$4\r\nPING\r\n".utf8)

    init(_ emulator: CacheEmulator) {
        self.emulator = emulator
        limits = ReplicationLimits(emulator.configuration)
    }

    /// From now on the history has another name: replicas that come again begin anew.
    func changeID() { id = Self.randomID() }

    private static func randomID() -> String {
        var random = FastRandom()
        return random.hexadecimal(40)
    }

    /// How many bytes the stream has had.
    var offset: Int64 { log?.end ?? lastOffset }

    private var loop: any EventLoop { emulator.loop }

    // MARK: the stream

    /// A change, behind all others.
    func append(_ command: [UInt8], in database: Int) {
        guard log != nil else { return }
        if selected != database {
            selected = database
            unit.append(command: ["SELECT", .number(Int64(database))])
        }
        unit += command
        unitCommands += 1
        if depth == 0 { endUnit() }
    }

    /// A message for those who are subscribed at the replicas.
    func append(message arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        guard log != nil else { return }
        unit.append(command: arguments, count)
        unitCommands += 1
        if depth == 0 { endUnit() }
    }

    /// What changes from now on goes together, until the `end` of this.
    func begin() {
        depth += 1
    }

    /// The client's request has run; nil for what no client has asked for.
    func end(of client: CacheClient?) {
        depth -= 1
        guard depth == 0, unitCommands > 0 else { return }
        endUnit()
        client?.writeOffset = offset
    }

    private func endUnit() {
        let isMany = unitCommands > 1
        if isMany { log?.append(Self.multi) }
        log?.append(unit)
        if isMany { log?.append(Self.exec) }
        unitCommands = 0
        unit.removeAll(keepingCapacity: unit.capacity <= 1 << 20)
        feedAll()
    }

    /// Something that changes no key.
    func append(notice: [UInt8]) {
        log?.append(notice)
        feedAll()
    }

    private func feedAll() {
        for replica in replicas {
            if replica.isOnline { feed(replica) }
            if isTooSlow(replica) { drop(replica) }
        }
        trim()
    }

    /// Hands a replica what its connection takes now.
    private func feed(_ replica: Replica) {
        guard let log, !replica.isEnding else { return }
        while replica.place < log.end, !replica.connection.isOverHighWater {
            replica.place += Int64(log.copy(from: replica.place, to: replica.connection.output))
        }
    }

    /// Frees what neither a replica nor the backlog needs.
    private func trim() {
        guard let size = log?.size, size > limits.backlog else { return }
        var needed = offset - Int64(limits.backlog)
        for replica in replicas { needed = min(needed, replica.place) }
        log?.discard(before: needed)
    }

    // MARK: replicas

    /// Takes a replica that wants everything, and the stream behind it.
    func addFull(_ client: CacheClient, _ setup: ReplicaSetup, isSilent: Bool) {
        open()
        counts.full += 1
        // The replica knows of no database.
        selected = nil
        let offset = offset
        if !isSilent { client.connection.output.append("+FULLRESYNC \(id) \(offset)\r\n") }
        let snapshot = ReplicaSnapshot(of: emulator, setup, id: id, offset: offset)
        let state: Replica.State =
            if setup.knowsMarks {
                .sending(snapshot)
            } else {
                .measuring(ReplicaSnapshot(of: emulator, setup, id: id, offset: offset), then: snapshot)
            }
        let replica = Replica(client, setup, isSilent: isSilent, state: state, place: offset, now: loop.now)
        if setup.knowsMarks { client.connection.output.append("$EOF:\(mark)\r\n") }
        add(replica)
        advanceLater(replica)
    }

    /// Takes a replica that has the first `place` bytes of the history of this name; false when it has to begin anew.
    func addPartial(_ client: CacheClient, _ setup: ReplicaSetup, id: [UInt8], from place: Int64) -> Bool {
        let isOurs = id.map { Bytes.folded($0) } == Array(self.id.utf8)
        guard isOurs, let log, (log.start...log.end).contains(place) else {
            if id != [UInt8(ascii: "?")] { counts.partialRefused += 1 }
            return false
        }
        counts.partial += 1
        client.connection.output.append(setup.knowsHistories ? "+CONTINUE \(self.id)\r\n" : "+CONTINUE\r\n")
        let replica = Replica(client, setup, isSilent: false, state: .online, place: place, now: loop.now)
        add(replica)
        feed(replica)
        return true
    }

    private func add(_ replica: Replica) {
        replicas.append(replica)
        replica.client.replica = replica
        replica.connection.highWater = Self.outputSize
        schedule()
    }

    /// The client has ended.
    func remove(_ client: CacheClient) {
        guard let replica = client.replica else { return }
        client.replica = nil
        leave(replica)
    }

    private func leave(_ replica: Replica) {
        replica.leave()
        guard let index = replicas.firstIndex(where: { $0 === replica }) else { return }
        replicas.remove(at: index)
        emptySince = loop.now
        trim()
    }

    /// Lets a replica go that is too slow, or has asked for what replicas do not get.
    func drop(_ replica: Replica) {
        leave(replica)
        replica.client.isEnding = true
        replica.client.front.drop(replica.client)
    }

    /// A replica has said that it has so many bytes.
    func acknowledged(_ replica: Replica, _ offset: Int64) {
        replica.lastSeen = loop.now
        replica.acknowledged = max(replica.acknowledged, offset)
        if case .sent = replica.state {
            replica.state = .online
            feed(replica)
            trim()
        }
        serveWaiting()
    }

    /// A replica has sent something, if only an empty line: so it does while it loads a snapshot.
    func heard(from replica: Replica) {
        replica.lastSeen = loop.now
    }

    /// A replica's connection takes more.
    func drained(_ replica: Replica) {
        replica.lastSeen = loop.now
        if replica.isOnline {
            feed(replica)
            trim()
        } else {
            advance(replica)
        }
    }

    // MARK: snapshots

    private func advanceLater(_ replica: Replica) {
        let bound = LoopBound((replication: self, replica: replica), on: loop)
        loop.post { bound.value.replication.advance(bound.value.replica) }
    }

    /// Writes some more of a replica's snapshot.
    private func advance(_ replica: Replica) {
        // Of one that is gone, the client may be gone, too.
        if case .gone = replica.state { return }
        guard !replica.isEnding else { return }
        let syncing = replicas.count { !$0.isOnline }
        let deadline = ContinuousClock.now + Self.slice / max(syncing, 1)
        do throws(KeyspaceSnapshot.Unreadable) {
            switch replica.state {
            case .measuring(let first, let second):
                try first.write(to: nil, until: deadline)
                if first.isComplete {
                    replica.connection.output.append("$\(first.size)\r\n")
                    replica.state = .sending(second)
                }
            case .sending(let snapshot):
                // It goes on when the connection takes more (`drained`).
                guard !replica.connection.isOverHighWater else { return }
                try snapshot.write(to: replica.connection, until: deadline)
                if snapshot.isComplete { return ended(replica) }
                if replica.connection.isOverHighWater { return }
            case .sent, .online, .gone: return
            }
        } catch {
            return drop(replica)
        }
        replica.lastSeen = loop.now
        advanceLater(replica)
    }

    /// The snapshot is sent.
    private func ended(_ replica: Replica) {
        replica.state = .sent
        replica.lastSeen = loop.now
        if replica.setup.knowsMarks { replica.connection.output.append(mark) }
        if replica.setup.isSnapshotOnly {
            replica.client.isEnding = true
            replica.client.front.end(replica.client)
        } else if !replica.setup.knowsMarks {
            replica.state = .online
            feed(replica)
        }
    }

    // MARK: limits

    /// As in Redis no limit is below the backlog, which costs the memory anyhow.
    private func isTooSlow(_ replica: Replica) -> Bool {
        let size = Int(offset - replica.place) + replica.connection.output.count
        if limits.hard > 0, size > max(limits.hard, limits.backlog) { return true }
        guard limits.soft > 0, size > max(limits.soft, limits.backlog) else {
            replica.slowSince = nil
            return false
        }
        let since = replica.slowSince ?? loop.now
        replica.slowSince = since
        return loop.now - since > limits.softTime
    }

    private func schedule() {
        guard timer == nil else { return }
        timer = loop.schedule(after: Self.tick) { [weak self] in
            self?.timer = nil
            self?.tick()
        }
    }

    private func tick() {
        let now = loop.now
        for replica in replicas {
            // A replica that waits for the length is told that somebody is there.
            if case .measuring = replica.state { replica.connection.output.append("\n") }
            let isMute = replica.isSilent && replica.isOnline
            if isTooSlow(replica) || !isMute && now - replica.lastSeen > limits.timeout { drop(replica) }
        }
        if replicas.isEmpty {
            if limits.lifetime > 0, now - emptySince > limits.lifetime { close() }
        } else if now - lastPing >= limits.pingPeriod {
            lastPing = now
            append(notice: Self.ping)
        }
        trim()
        if log != nil { schedule() }
    }

    // MARK: begin and end

    private func open() {
        guard log == nil else { return }
        // Nobody can go on with what was told before: it was told nobody.
        id = Self.randomID()
        log = ReplicationLog(at: lastOffset)
        lastPing = loop.now
        emptySince = loop.now
        emulator.tellReplicas(true)
        schedule()
    }

    /// Frees the stream.
    private func close() {
        lastOffset = offset
        log = nil
        id = Self.randomID()
        unit = []
        unitCommands = 0
        emulator.tellReplicas(false)
    }

    /// A change cannot be told: whoever reads the stream has to begin anew.
    func lose() {
        for replica in replicas { drop(replica) }
        close()
    }
}

/// What CONFIG says of replicas; sizes in bytes, times in nanoseconds.
struct ReplicationLimits {
    var backlog = 1 << 20
    /// How long the stream is kept without a replica; 0 for ever.
    var lifetime: UInt64 = 3_600_000_000_000
    var pingPeriod: UInt64 = 10_000_000_000
    var timeout: UInt64 = 60_000_000_000
    /// What may wait for a replica, and what may for `softTime` only; 0 for no limit.
    var hard = 256 << 20
    var soft = 64 << 20
    var softTime: UInt64 = 60_000_000_000

    init() {}

    init(_ configuration: Configuration) {
        let number = { (name: String) in
            configuration.parameters.first { $0.name == name }.flatMap { Int64($0.value) } ?? 0
        }
        let seconds = { (name: String) in UInt64(clamping: number(name).clamped(to: 0...1 << 32)) * 1_000_000_000 }
        backlog = Int(clamping: number("repl-backlog-size"))
        lifetime = seconds("repl-backlog-ttl")
        pingPeriod = seconds("repl-ping-replica-period")
        timeout = seconds("repl-timeout")
        let limits = ConnectionLimits(configuration).output.replica
        hard = limits.hard
        soft = limits.soft
        softTime = UInt64(min(limits.seconds, 1 << 32)) * 1_000_000_000
    }
}

extension Int64 {
    fileprivate func clamped(to range: ClosedRange<Int64>) -> Int64 {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
