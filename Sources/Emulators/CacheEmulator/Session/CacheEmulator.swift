public import EventLoop
public import RESPWire

/// A Redis 7.0 server in memory: databases, clients, channels. One per resource; lives on one loop.
public final class CacheEmulator {
    /// What INFO and HELLO report.
    public static let redisVersion: StaticString = "7.0.15"
    static let databaseCount = 16

    public let loop: any EventLoop
    /// For what may happen when the emulator is gone.
    let handle = EmulatorHandle()
    /// 40 hexadecimal digits, drawn at the start.
    public let runID: String
    let memory = Memory()
    let databases: [Database]
    let clock = KeyspaceClock()
    let table = CommandTable.shared
    /// Where commands are counted, by the numbers of their rows.
    @exclusivity(unchecked) var counts: UnsafeMutablePointer<CommandCount>
    @exclusivity(unchecked) var commandStatistics = CommandStatistics(rows: CommandTable.shared.rows.count)
    @exclusivity(unchecked) var latency = LatencyMonitor()
    @exclusivity(unchecked) var throughput = Throughput()
    /// What was sent to clients.
    let sent = ByteMeter()
    /// All commands of the batch that runs are timed.
    @exclusivity(unchecked) var isSampling = false { didSet { look() } }
    /// What keys have taken at the most after a batch, in bytes.
    @exclusivity(unchecked) var peakMemory = 0
    /// What they took at the start.
    let startMemory: Int
    /// Whether DEBUG runs, as where Redis's `enable-debug-command` is set: for tests of clients only.
    public var allowsDebug = false {
        didSet { configuration.set("enable-debug-command", to: allowsDebug ? "yes" : "no") }
    }
    /// By DEBUG SLEEP in a turn of the loop.
    var slept: (turn: UInt64, seconds: Double) = (0, 0)
    /// DEBUG SET-ACTIVE-EXPIRE
    var looksForExpired = true
    var configuration = Configuration()
    var random = FastRandom()
    /// Made when the first value is dumped.
    lazy var payloadMaker = PayloadMaker()
    /// Made with the first script.
    lazy var scripts = {
        hasScripts = true
        return CachedScripts(self)
    }()
    lazy var functions = {
        hasFunctionState = true
        return FunctionLibraries(self)
    }()
    lazy var replication = Replication(self)
    var saving = Saving()
    private(set) var hasScripts = false
    private(set) var hasFunctionState = false
    @exclusivity(unchecked) var channels = Channels()
    /// What commands that write are answered while their effects cannot be kept: an error, where somebody listens.
    public var writeRefusal: String?
    /// Nil where replies go out at once.
    public internal(set) var commits: CommitGate?
    /// How many changes were told before `effects` began.
    var toldBefore: Int64 = 0
    /// Which events of keys are published; empty while nobody has asked for any.
    @exclusivity(unchecked) var events: KeyspaceEvents = []
    @exclusivity(unchecked) var watchers: [WatchedKey: [CacheClient]] = [:]
    @exclusivity(unchecked) var waiting = Waiting()
    /// Those with a connection, by the number that CLIENT ID answers.
    private(set) var clients: [Int64: CacheClient] = [:]
    @exclusivity(unchecked) var connectionLimits = ConnectionLimits() {
        didSet { channels.limit = connectionLimits.output.pubsub }
    }
    var connectionTimer: TimerToken?
    @exclusivity(unchecked) var tracking = TrackingTable()
    @exclusivity(unchecked) var monitors: [CacheClient] = [] { didSet { look() } }
    /// The command that runs a script, while it does.
    @exclusivity(unchecked) var scriptCall:
        (row: UnsafePointer<Command>, arguments: UnsafeMutablePointer<Bytes>, count: Int)?
    /// When it began, in microseconds: all of it happens at that moment.
    @exclusivity(unchecked) var momentOfScript: Int64 = 0
    /// Nil but while a script runs for longer than it should.
    var longScript: LongScript? {
        didSet {
            isBusy = longScript != nil
            look()
        }
    }
    /// A script runs for so long that clients are served within it: little is done for them. `LongScript`.
    @exclusivity(unchecked) public private(set) var isBusy = false
    /// Scripts are ended as soon as they are looked at: the cache is about to go.
    public var endsScripts = false
    /// Whose command runs.
    @exclusivity(unchecked) unowned(unsafe) var current: CacheClient?
    /// Those who wait for a time, by their number.
    var timed: [ObjectIdentifier: any Timed] = [:]
    @exclusivity(unchecked) var resourceTime = ResourceTime()
    /// How often it was moved, stood still or went on.
    public internal(set) var timeMoves: UInt64 = 0
    /// Nil while all commands run.
    @exclusivity(unchecked) var pause: Pause?
    @exclusivity(unchecked) var statistics = CacheStatistics()
    @exclusivity(unchecked) var limit = MemoryLimit() { didSet { look() } }
    @exclusivity(unchecked) var slowLog = SlowLog() { didSet { look() } }
    @exclusivity(unchecked) var users = AccessUsers()
    /// Of the command that runs: the limit is exceeded, and nothing may go.
    @exclusivity(unchecked) var isOutOfMemory = false
    /// What tells its cursors from those of a provider before it; nil where there is none.
    public var scanEpoch: ScanEpoch?
    /// Nil while nobody listens to what changes.
    @exclusivity(unchecked) var effects: Effects? { didSet { look() } }
    /// Nobody looks on while ordinary commands run: no limit, no log of changes, no times that are
    /// taken of all, nobody who monitors.
    @exclusivity(unchecked) private(set) var isPlain = true
    /// How many intakes are open: until they are closed, keys end when the other server says so.
    var openIntakes = 0
    public private(set) var clientCount = 0
    let startedAt: UInt64
    /// What it began with; nil where that was nothing. It stays when the cache goes back to something else.
    public let beginning: KeyspaceImage?
    @exclusivity(unchecked) private var expiryTimer: TimerToken?

    /// Per batch: the command of each request (-1 for none) and the hash of its first key.
    let plannedCommand = UnsafeMutablePointer<Int>.allocate(capacity: CacheEmulator.batchCapacity)
    let plannedHash = UnsafeMutablePointer<UInt64>.allocate(capacity: CacheEmulator.batchCapacity)
    static let batchCapacity = 64
    /// What scripts and functions draw from (`clua_host`), from the first state on that Redis has.
    let scriptRandom = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

    /// How often keys whose time is over are looked for, and how many entries at a time.
    private static let expiryInterval: UInt64 = 100_000_000
    private static let expiryBudget = 512

    /// Empty, or with what an image holds, which was taken on the same loop: nothing is copied before it changes.
    public init(loop: any EventLoop, from image: KeyspaceImage? = nil) {
        precondition(image.map { $0.loop === loop } ?? true, "an image belongs to its loop")
        self.loop = loop
        beginning = image
        let memory = memory
        let clock = clock
        memory.begin(from: image)
        databases = (0..<Self.databaseCount).map {
            Database(number: $0, memory: memory, clock: clock, from: image?.parts[$0])
        }
        startedAt = loop.now
        scriptRandom.initialize(to: 0x1234_abcd_330e)
        startMemory = image?.startMemory ?? memory.used
        counts = commandStatistics.counted
        runID = random.hexadecimal(40)
        readClock()
        handle.emulator = self
        memory.discardingBegan = { [unowned self] in freeDiscardedSoon() }
        saving.last = clock.now / 1000
        for database in databases {
            database.keyExpired = { [unowned self, unowned database] key in
                statistics.expiredKeys &+= 1
                keyChanged(key, in: database, isOwn: false)
                effects?.emit(in: database.number, ["DEL", .bytes(key)])
                notify(.expired, "expired", key, in: database)
            }
            database.keyIsReady = { [unowned self, unowned database] entry in
                waiting.note(entry.key, entry.type, in: database.number)
            }
        }
        if let image, !image.libraries.isEmpty { loadLibraries(image.libraries) }
        watchExpiry()
    }

    func look() {
        isPlain =
            effects == nil && limit.bytes == 0 && !timesQuick && monitors.isEmpty && !clock.countsUses
            && !isBusy
    }

    deinit {
        handle.emulator = nil
        plannedCommand.deallocate()
        plannedHash.deallocate()
        scriptRandom.deallocate()
        commandStatistics.deallocate()
        memory.isLive = false
        memory.discardingBegan = nil
        memory.tidy(on: loop)
    }

    // MARK: clients

    public func clientConnected(_ client: CacheClient) {
        clientCount += 1
        clients[client.id] = client
        statistics.connections += 1
        commits?.hold(client.connection)
    }

    /// The client is being closed: it hears of nothing any more, and nobody finds it. Its connection may take a while to end.
    public func clientLeaves(_ client: CacheClient) {
        if clients[client.id] === client { clients[client.id] = nil }
        tracking.forget(client)
        stopTracking(client)
        stopMonitoring(client)
        channels.removeAll(client)
    }

    /// Takes the client out of everything; must be called once when its connection ends.
    public func clientGone(_ client: CacheClient) {
        clientCount -= 1
        if client.connection.output.meter === sent { client.connection.output.meter = nil }
        clientLeaves(client)
        become(.unnamed, client)
        stopWaiting(client)
        unwatch(client)
        if client.replica != nil { replication.remove(client) }
        commits?.leave(client.connection)
    }

    /// A client that copies everything has sent something, a request or none.
    public func heard(from client: CacheClient) {
        if let replica = client.replica { replication.heard(from: replica) }
    }

    /// A client's output, which stood above its high-water mark, is sent.
    public func outputDrained(of client: CacheClient) {
        if let replica = client.replica { replication.drained(replica) }
    }

    /// Commands that clients sent and that are not known here, with how often.
    public var unsupported: [String: Int] { statistics.unsupported }

    /// Puts everything back that RESET puts back, but what the front keeps.
    public func reset(_ client: CacheClient) {
        client.transaction = nil
        unwatch(client)
        channels.removeAll(client)
        stopTracking(client)
        stopMonitoring(client)
        client.database = 0
        client.replies = .on
    }

    // MARK: keys

    /// A key was changed, removed or expired.
    @inline(__always) func keyChanged(_ key: Bytes, in database: Database, isOwn: Bool = true) {
        statistics.changes &+= 1
        if tracking.isOn { trackChange(of: key, isOwn: isOwn) }
        if !watchers.isEmpty { taintWatchers(WatchedKey(database: database.number, key: key.array)) }
    }

    func taintWatchers(_ key: WatchedKey) {
        for client in watchers[key] ?? [] { client.isTainted = true }
    }

    @inline(__always) func noteLookup(_ entry: Entry?) {
        guard let entry else {
            statistics.misses &+= 1
            return
        }
        statistics.hits &+= 1
        if clock.countsUses { return countUse(of: entry) }
        // Most are looked at again within the second: what is not written stays clean in the processor's caches.
        if entry.access != clock.access { entry.setAccess(clock.access) }
    }

    /// Forgets all keys that the client watches.
    func unwatch(_ client: CacheClient) {
        for key in client.watched {
            watchers[key]?.removeAll { $0 === client }
            if watchers[key]?.isEmpty == true { watchers[key] = nil }
        }
        client.watched = []
        client.isTainted = false
    }

    // MARK: expiry

    /// Looks for keys whose time is over as long as there are keys that have one.
    func watchExpiry() {
        guard expiryTimer == nil, databases.contains(where: { $0.expiringCount > 0 }) else { return }
        scheduleExpiry(after: Self.expiryInterval)
    }

    private func scheduleExpiry(after delay: UInt64) {
        expiryTimer = later(after: delay) { $0.expireDue() }
    }

    private func expireDue() {
        expiryTimer = nil
        guard openIntakes == 0, looksForExpired else { return watchExpiry() }
        readClock()
        var isDone = true
        monitored("expire-cycle") {
            for database in databases where !database.expireDue(budget: Self.expiryBudget) { isDone = false }
        }
        if waiting.hasReady { serveReady() }
        if !channels.overLimit.isEmpty { checkSubscribers() }
        if isDone { watchExpiry() } else { scheduleExpiry(after: 500_000) }
    }
}

/// What INFO counts.
struct CacheStatistics {
    private static let unsupportedNames = 256

    var commands = 0
    /// Bytes of the requests that have run.
    var inputBytes = 0
    var connections = 0
    /// For which there was no room.
    var rejectedConnections = 0
    var hits = 0
    var misses = 0
    var expiredKeys = 0
    var evictedKeys = 0
    var changes = 0
    /// What Redis counts more, since it counts elements (`Call.counts`).
    var elements = 0
    /// As Redis counts them.
    var changesOfElements: Int { changes &+ elements }
    /// Keys that had expired until the counters were put back.
    private(set) var uncountedExpiries = 0
    /// Without keys whose time was found to be over.
    var changesOfCommands: Int { changes &- expiredKeys &- uncountedExpiries }
    private(set) var unsupported: [String: Int] = [:]

    /// Letters, digits, and what joins words in names of commands, a subcommand's space included.
    private static func namesUse(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x41...0x5a, 0x30...0x39: true
        default: [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: " ")].contains(byte)
        }
    }

    init() {}

    /// The same counts, but those of what has become of the keys: they are of `other`.
    func keepingCounts(butOf other: CacheStatistics) -> CacheStatistics {
        var kept = self
        kept.expiredKeys = other.expiredKeys
        kept.evictedKeys = other.evictedKeys
        kept.changes = other.changes
        kept.elements = other.elements
        return kept
    }

    /// All counters at zero but those that CONFIG RESETSTAT leaves alone: the unknown commands, and what has changed since
    /// the last snapshot.
    init(resetFrom other: CacheStatistics) {
        unsupported = other.unsupported
        changes = other.changes
        elements = other.elements
        uncountedExpiries = other.uncountedExpiries &+ other.expiredKeys
    }

    /// Counts a command that is not known. Only so many names are kept apart, and only what could be one: after a slip of
    /// the protocol the bytes of a value stand in a command's place.
    mutating func noteUnsupported(_ name: String) {
        let isName = name.utf8.count <= 32 && name.utf8.allSatisfy(Self.namesUse)
        let key = isName ? name.uppercased() : "…"
        if unsupported.count >= Self.unsupportedNames, unsupported[key] == nil {
            unsupported["…", default: 0] += 1
        } else {
            unsupported[key, default: 0] += 1
        }
    }
}

/// A small, fast generator for draws that a client cannot profit from predicting (xoshiro256**).
struct FastRandom: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init() {
        var source = SystemRandomNumberGenerator()
        state = (source.next() | 1, source.next(), source.next(), source.next())
    }

    mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// So many hexadecimal digits, as the names of servers and histories are.
    mutating func hexadecimal(_ count: Int) -> String {
        var (bits, left) = (UInt64(0), 0)
        return String(
            decoding: (0..<count).map { _ in
                if left == 0 { (bits, left) = (next(), 16) }
                defer { (bits, left) = (bits >> 4, left - 1) }
                let digit = UInt8(bits & 15)
                return digit < 10 ? 48 + digit : 87 + digit
            }, as: UTF8.self)
    }
}
