import EventLoop
import RESPWire

/// Notes which keys the clients of some endpoints change at a server: where the server itself hands its changes to
/// nobody, what was copied is read again by this.
///
/// A key counts from the moment a command that may change it is sent until its reply is in, in every `take`; of a
/// transaction at its EXEC. So whoever takes, and reads the keys then, has met every change that was answered before, and
/// meets those under way again with the next take.
public final class ChangeWatch: Sendable {
    private let loop: any EventLoop
    private let notes: LoopBound<ChangeNotes>
    private let endpoints: LoopBound<EndpointTable>
    private let ids: [EndpointID]

    init(
        _ loop: any EventLoop, _ endpoints: LoopBound<EndpointTable>, _ ids: [EndpointID],
        _ server: Upstream.RedisServer, _ keys: CommandKeys
    ) {
        self.loop = loop
        self.endpoints = endpoints
        self.ids = ids
        notes = LoopBound(ChangeNotes(server, keys, loop), on: loop)
    }

    /// What has changed since the last call, and what may be changing; nil when it is not known any more, since the
    /// clients were routed elsewhere.
    public func take() async -> ChangedKeys? {
        await withCheckedContinuation { continuation in
            let isPosted = loop.post { [endpoints, notes, ids] in
                guard !notes.value.isBroken else { return continuation.resume(returning: nil) }
                var changed = notes.value.take()
                for id in ids {
                    for session in endpoints.value.endpoints[id]?.redisSessions.values ?? [:].values {
                        if let open = session.openChanges(of: notes.value) { changed.formUnion(open) }
                    }
                }
                continuation.resume(returning: changed)
            }
            if !isPosted { continuation.resume(returning: nil) }
        }
    }

    /// Nothing is noted any more.
    public func end() {
        loop.post { [endpoints, notes, ids] in
            for id in ids { endpoints.value.endpoints[id]?.watches.removeAll { $0 === notes.value } }
        }
    }

    /// How long commands that are under way are awaited, in nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    /// Returns when every command that was under way when it began has been answered, or counts as one of its own; false
    /// when one is not answered in time.
    func begin() async -> Bool {
        await withCheckedContinuation { continuation in
            let isPosted = loop.post { [loop, endpoints, notes, ids] in
                let notes = notes.value
                for id in ids {
                    guard let endpoint = endpoints.value.endpoints[id] else { continue }
                    endpoint.watches.append(notes)
                    for session in endpoint.redisSessions.values { session.beginChanges(of: notes) }
                }
                notes.whenSettled { continuation.resume(returning: $0) }
                loop.schedule(after: Self.patience) { notes.giveUp() }
            }
            if !isPosted { continuation.resume(returning: false) }
        }
    }
}

/// Keys that may have changed.
public struct ChangedKeys: Equatable, Sendable {
    public private(set) var keys: Set<[UInt8]> = []
    /// Any key may have, and some may be gone.
    public private(set) var isEverything = false
    /// A script has run, which may have written more than the keys it was called with.
    public private(set) var hasScripts = false
    private var size = 0

    /// With more bytes of names, any key may have changed.
    private static let limit = 32 << 20

    public init() {}

    public var isEmpty: Bool { keys.isEmpty && !isEverything }

    mutating func insert(_ touched: CommandKeys.Touched) {
        switch touched {
        case .nothing: break
        case .everything: becomeEverything()
        case .keysOfScript(let names):
            hasScripts = true
            insert(.keys(names))
        case .keys(let names):
            for name in names where !isEverything && keys.insert(name).inserted { count(name) }
        }
    }

    mutating func formUnion(_ other: ChangedKeys) {
        if other.hasScripts { hasScripts = true }
        if other.isEverything { return becomeEverything() }
        insert(.keys(Array(other.keys)))
    }

    private mutating func count(_ name: [UInt8]) {
        size += name.count + 64
        if size > Self.limit { becomeEverything() }
    }

    private mutating func becomeEverything() {
        keys = []
        size = 0
        isEverything = true
    }
}

/// What a watch has noted of one server; lives on the loop.
final class ChangeNotes {
    let server: Upstream.RedisServer
    let table: CommandKeys
    private let loop: any EventLoop
    /// Of commands that were answered.
    private var done = ChangedKeys()
    /// Of connections that were lost with commands under way: the server may still read what was sent.
    private var lost: [(changed: ChangedKeys, until: UInt64)] = []
    /// Relays whose commands of before are awaited.
    private var awaited: Set<ObjectIdentifier> = []
    private var settled: ((Bool) -> Void)?
    /// The clients are at another server by now.
    var isBroken = false

    /// How long a server is given to read what a lost connection has sent, in nanoseconds.
    private static let lostFor: UInt64 = 10_000_000_000

    init(_ server: Upstream.RedisServer, _ table: CommandKeys, _ loop: any EventLoop) {
        self.server = server
        self.table = table
        self.loop = loop
    }

    func isOf(_ upstream: Upstream) -> Bool {
        if case .redisServer(server) = upstream { true } else { false }
    }

    func take() -> ChangedKeys {
        var changed = done
        done = ChangedKeys()
        for entry in lost { changed.formUnion(entry.changed) }
        lost.removeAll { $0.until <= loop.now }
        return changed
    }

    func answered(_ changed: ChangedKeys) {
        done.formUnion(changed)
    }

    func lose(_ changed: ChangedKeys) {
        lost.append((changed, loop.now + Self.lostFor))
    }

    func await(_ relay: RedisRelay) {
        awaited.insert(ObjectIdentifier(relay))
    }

    func settle(_ relay: RedisRelay) {
        guard awaited.remove(ObjectIdentifier(relay)) != nil, awaited.isEmpty else { return }
        settled?(true)
        settled = nil
    }

    func whenSettled(_ body: @escaping (Bool) -> Void) {
        guard !awaited.isEmpty else { return body(true) }
        settled = body
    }

    /// Nobody waits any more.
    func giveUp() {
        settled?(false)
        settled = nil
    }
}

/// What a relay has sent that is not answered yet.
struct OpenChanges {
    /// Since the relay was quiet.
    private(set) var sent = ChangedKeys()
    /// Of commands in MULTI: they do nothing before EXEC.
    private(set) var queued = ChangedKeys()

    mutating func note(_ touched: CommandKeys.Touched, isQueued: Bool) {
        if isQueued { queued.insert(touched) } else { sent.insert(touched) }
    }

    mutating func execute() {
        sent.formUnion(queued)
        queued = ChangedKeys()
    }

    mutating func discard() {
        queued = ChangedKeys()
    }

    /// Everything was answered.
    mutating func settle() -> ChangedKeys {
        defer { sent = ChangedKeys() }
        return sent
    }
}

extension RedisSession {
    fileprivate func openChanges(of notes: ChangeNotes) -> ChangedKeys? {
        guard case .relay(let relay) = upstream, relay.server == notes.server else { return nil }
        relay.boundChanges()
        return relay.changes.sent
    }

    fileprivate func beginChanges(of notes: ChangeNotes) {
        guard case .relay(let relay) = upstream, relay.server == notes.server else { return }
        relay.beginChanges(notes)
    }
}

extension RedisRelay {
    /// Who notes what is changed at this server; nil nearly always. Several of one server know its commands alike.
    var watch: ChangeNotes? {
        let watches = session.endpoint.watches
        return watches.isEmpty ? nil : watches.first { $0.server == server }
    }

    /// All of those.
    private var watches: [ChangeNotes] { session.endpoint.watches.filter { $0.server == server } }

    func beginChanges(_ notes: ChangeNotes) {
        // What was queued before is known to the server only.
        if isInTransaction { changes.note(.everything, isQueued: true) }
        if let blocked {
            noteChanges(blocked, notes)
            if tracker.awaitedCount > 1 { notes.await(self) }
        } else if !isQuiet {
            notes.await(self)
            // The end of a large request has to come from the client.
            if passing == nil { hold() }
        }
    }

    /// A client whose replies are never all in would be met with all that it ever sent: it waits for them once.
    func boundChanges() {
        guard changes.sent.keys.count > Self.mostOpen, handover.isServing, blocked == nil, !isQuiet, !isHolding else {
            return
        }
        hold()
    }

    private static let mostOpen = 1000

    func noteChanges(_ request: BlockedRequest, _ notes: ChangeNotes) {
        changes.note(
            request.words.isEmpty ? .everything : notes.table.touched(by: request.words), isQueued: false)
    }

    /// What is queued again was queued elsewhere.
    func noteChanges(_ transaction: QueuedTransaction) {
        guard let watch else { return }
        let batch = RequestBatch()
        transaction.bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                var partial = PartialRequest()
                _ = batch.parse(UnsafeRawBufferPointer(rebasing: rest), limits: .authenticated, partial: &partial)
                guard batch.count > 0 else { return changes.note(.everything, isQueued: true) }
                for index in 0..<batch.count {
                    let request = batch[index]
                    let touched = watch.table.touched(by: batch.arguments + request.first, request.count)
                    changes.note(touched, isQueued: true)
                }
                rest = rest.dropFirst(batch[batch.count - 1].end)
            }
        }
    }

    /// A command of the client's was sent.
    func noteChanges(_ rule: Interception?, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, isQueued: Bool) {
        guard let watch else { return }
        switch rule {
        case .exec: changes.execute()
        case .discard where count == 1: changes.discard()
        default: changes.note(watch.table.touched(by: arguments, count), isQueued: isQueued)
        }
    }

    /// Every reply is in, or every one but that of a command that blocks.
    func settleChanges() {
        guard watch != nil else { return }
        guard isQuiet else {
            if blocked != nil, tracker.awaitedCount == 1 { for watch in watches { watch.settle(self) } }
            return
        }
        let answered = changes.settle()
        for watch in watches {
            watch.answered(answered)
            watch.settle(self)
        }
    }

    /// The connection is gone, with whatever was under way.
    func loseChanges() {
        let open = changes.sent
        changes = OpenChanges()
        for watch in watches {
            if !open.isEmpty { watch.lose(open) }
            watch.settle(self)
        }
    }
}
