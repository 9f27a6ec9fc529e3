import EventLoop
import RESPWire

/// A command that waits for one of its keys; see `Call.wait`.
final class Waiter {
    /// It leaves before it goes (`clientGone`).
    unowned let client: CacheClient
    let database: Int
    /// A key of another type does not serve it.
    let type: ValueType
    /// The request that is to be asked where the client is moved to.
    let request: KeptArguments
    /// When it was asked, in the loop's nanoseconds.
    let since: UInt64
    /// The client has silenced its reply.
    let isSilent: Bool
    /// It is served also when a key is gone, or has become one of another type.
    let noticesLoss: Bool
    let serve: ServeBody
    /// As in Redis the list that it takes from was told as changed when something came, and is not again.
    let takesUntold: Bool
    /// Its place among all that ever waited here.
    fileprivate(set) var number = 0
    fileprivate(set) var places: [(key: WatchedKey, ticket: UInt64)] = []
    /// When its time is over, in milliseconds of the resource's time; nil for never.
    var deadline: Int64?
    var timer: TimerToken?

    init(
        _ client: CacheClient, _ database: Int, _ type: ValueType, _ request: KeptArguments, since: UInt64,
        noticesLoss: Bool, serve: @escaping ServeBody
    ) {
        self.client = client
        self.database = database
        self.type = type
        self.request = request
        self.since = since
        self.noticesLoss = noticesLoss
        self.serve = serve
        isSilent = client.replies == .off || client.replies == .skipping
        let words = request.words
        let isMove = words[0].withBytes { $0.isWord("blmove") || $0.isWord("brpoplpush") }
        let isTold = isMove ? words[1] == words[2] : words[0].withBytes { $0.isWord("blmpop") }
        takesUntold = type == .list && !isTold
    }
}

extension Waiter: Timed {
    func timeIsOver(in emulator: CacheEmulator) { emulator.timeIsOver(self) }
}

/// Serves a client that has waited with one key: acts, tells its effect, writes its reply.
///
/// The call's arguments are the request as it was kept. False when this key has nothing for the client: it waits on, and
/// nothing was written.
typealias ServeBody = @Sendable (borrowing Call, AwaitedKey) -> Bool

/// A key that somebody has waited for, valid during the call.
struct AwaitedKey {
    let name: Bytes
    let hash: UInt64
    /// Of the type that was waited for; nil for who `noticesLoss` when there is none.
    let entry: Entry?
}

/// Who waits for which key, and which of these keys have appeared and were not looked at yet.
///
/// Clients wait by key and database, in the order in which they came. A key is noted where it comes into a table
/// (`Database.insert`), whatever command does that; who waits is served when the command has ended (`serveReady`).
struct Waiting {
    /// How many clients wait.
    private(set) var count = 0
    private var lastNumber = 0
    private var countByType = [Int](repeating: 0, count: 8)
    private var queues: [WatchedKey: WaitingQueue<Waiter>] = [:]
    /// In the order in which they appeared.
    private var ready: [WatchedKey] = []
    private var nextReady = 0
    private var isReady: Set<WatchedKey> = []

    @inline(__always) var hasReady: Bool { nextReady < ready.count }

    /// Nobody waits and no key is noted.
    var isEmpty: Bool { count == 0 && queues.isEmpty && isReady.isEmpty }

    // MARK: waiting

    mutating func add(_ waiter: Waiter, for keys: [[UInt8]]) {
        count += 1
        lastNumber += 1
        waiter.number = lastNumber
        countByType[Int(waiter.type.rawValue)] += 1
        var known: Set<[UInt8]> = []
        for name in keys where known.insert(name).inserted {
            let key = WatchedKey(database: waiter.database, key: name)
            waiter.places.append((key, queues[key, default: WaitingQueue()].append(waiter)))
        }
    }

    mutating func remove(_ waiter: Waiter) {
        count -= 1
        countByType[Int(waiter.type.rawValue)] -= 1
        for place in waiter.places {
            queues[place.key]?.remove(place.ticket)
            if queues[place.key]?.isEmpty == true { queues[place.key] = nil }
        }
        waiter.places = []
    }

    /// Who waits for a key behind a ticket; nil behind the last one.
    func next(for key: WatchedKey, after ticket: UInt64?) -> (ticket: UInt64, waiter: Waiter)? {
        queues[key]?.next(after: ticket).map { ($0.ticket, $0.element) }
    }

    // MARK: keys

    /// A key has come to be, or has changed in a way that may serve who waits for it.
    mutating func note(_ key: Bytes, _ type: ValueType, in database: Int) {
        guard countByType[Int(type.rawValue)] > 0 else { return }
        note(WatchedKey(database: database, key: key.array))
    }

    /// Every key of a database that somebody waits for is looked at, those first for which somebody has waited longest.
    mutating func noteAll(in database: Int) {
        let keys = queues.filter { $0.key.database == database }
            .sorted { ($0.value.first?.number ?? 0) < ($1.value.first?.number ?? 0) }.map(\.key)
        for key in keys { note(key) }
    }

    private mutating func note(_ key: WatchedKey) {
        guard queues[key] != nil, isReady.insert(key).inserted else { return }
        ready.append(key)
    }

    mutating func takeReady() -> WatchedKey? {
        guard hasReady else { return nil }
        let key = ready[nextReady]
        nextReady += 1
        isReady.remove(key)
        if !hasReady {
            ready.removeAll(keepingCapacity: ready.count < 1024)
            nextReady = 0
        }
        return key
    }
}
