/// One work queue that speaks the beanstalk protocol as beanstalkd 1.12 does, in memory.
///
/// It is confined to one loop, on which its sessions live too; a command is atomic because nothing else runs there.
/// Each accepted connection gets a `QueueSession`. When the emulator is let go, its jobs are gone.
public final class QueueEmulator {
    /// The release whose behaviour this is, and what `stats` says.
    static let version = "1.12"

    let engine: QueueEngine
    /// Can be moved and stopped.
    public let time: QueueTime
    let host: HostFacts
    /// Identifies this instance in `stats`: 16 hexadecimal digits.
    let instanceID: String
    var commandCounts = CommandCounts()
    private var unknownCount = 0
    /// What it began with; nil where that was nothing. It stays when the queue goes back to something else.
    public internal(set) var beginning: QueueImage?

    public init(limits: QueueLimits = QueueLimits(), clock: QueueClock, host: HostFacts = .current()) {
        let time = QueueTime(over: clock)
        self.time = time
        self.engine = QueueEngine(limits: limits, clock: time.clock)
        self.host = host
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        self.instanceID = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// In drain mode every `put` is answered with DRAINING; the rest goes on. SIGUSR1 of beanstalkd.
    public var isDraining: Bool {
        get { engine.isDraining }
        set { engine.isDraining = newValue }
    }

    /// Open connections.
    public var connectionCount: Int { engine.totals.connections }

    /// How often an unknown command was seen, all under `…`: after a slip of the protocol the bytes of a job stand in a
    /// command's place, and they are nobody's to read.
    public var unknownCommands: [String: Int] { unknownCount == 0 ? [:] : ["…": unknownCount] }

    public var statistics: QueueStatistics {
        let totals = engine.totals
        return QueueStatistics(
            ready: totals.ready, reserved: totals.reserved, delayed: totals.delayed, buried: totals.buried,
            tubes: engine.tubes.list.count, memory: totals.memory, connections: totals.connections,
            waiting: totals.waiting, jobsEver: totals.jobsEver, timeouts: totals.timeouts)
    }

    func countUnknown() {
        unknownCount += 1
    }
}
