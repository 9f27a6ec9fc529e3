/// One job: what was put, where it stands, and what has happened to it.
///
/// The job table owns it; heaps and lists refer to it only while it is in the table.
final class Job: HeapMember {
    enum State {
        /// The body is still arriving; the job has its id and can be seen, and nothing else.
        case incoming
        case ready
        case reserved
        case delayed
        case buried
    }

    let id: UInt64
    let tube: Tube
    /// In nanoseconds, as all times of the engine.
    let createdAt: UInt64
    /// In seconds, at least 1.
    let timeToRun: UInt32
    var priority: UInt32
    /// In seconds, as the last `put` or `release` gave it.
    var delay: UInt32
    var state = State.incoming
    /// When a delayed job becomes ready, or a reserved one times out.
    var deadline: UInt64 = 0
    /// The client that holds the reservation; 0 is nobody.
    var reserver: UInt64 = 0
    var body: JobBody

    var reserves: UInt32 = 0
    var timeouts: UInt32 = 0
    var releases: UInt32 = 0
    var buries: UInt32 = 0
    var kicks: UInt32 = 0

    /// In its tube's ready or delayed heap, or in its reserver's heap of deadlines.
    var heapIndex = -1
    /// Neighbours in its tube's buried jobs or in its reserver's jobs; they are in the table as long as in the list.
    unowned(unsafe) var previous: Job?
    unowned(unsafe) var next: Job?

    init(
        id: UInt64, tube: Tube, priority: UInt32, delay: UInt32, timeToRun: UInt32, bodySize: Int, createdAt: UInt64
    ) {
        self.id = id
        self.tube = tube
        self.priority = priority
        self.delay = delay
        self.timeToRun = max(timeToRun, 1)
        self.createdAt = createdAt
        self.body = JobBody(size: bodySize + 2)
    }

    /// Jobs below this priority are counted as urgent.
    static let urgentPriority: UInt32 = 1024

    var isUrgent: Bool { priority < Self.urgentPriority }
}

extension Job.State {
    /// Its name in `stats-job`.
    var name: String {
        switch self {
        case .incoming: "invalid"
        case .ready: "ready"
        case .reserved: "reserved"
        case .delayed: "delayed"
        case .buried: "buried"
        }
    }
}
