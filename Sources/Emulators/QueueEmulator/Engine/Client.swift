/// One connection as the engine sees it: the tubes it uses and watches, its reservations, its wait.
final class Client: Sleeper {
    struct Watch {
        let tube: Tube
        /// Its place among the tube's waiting clients while it waits.
        var waitingIndex = -1
    }

    /// In the last second of a reservation its holder is not made to wait for another job.
    static let safetyMargin: UInt64 = 1_000_000_000

    /// Unique within the engine, never 0.
    let number: UInt64
    /// Who is told when a wait ends; it owns the client.
    weak var waiter: (any ReservationWaiter)?
    var used: Tube
    /// Never empty.
    var watched: [Watch]
    /// The job whose body is arriving.
    var incoming: Job?
    /// In the order of their reservation.
    var reserved = JobList()
    /// The same jobs by deadline.
    var deadlines = IndexedHeap<Job>()
    var isWaiting = false
    /// When a wait with a timeout ends.
    var waitsUntil: UInt64?
    var isProducer = false
    var isWorker = false

    init(number: UInt64, tube: Tube) {
        self.number = number
        self.used = tube
        self.watched = [Watch(tube: tube)]
    }

    override var wakeTime: UInt64? {
        let deadline = deadlines.firstKey
        guard isWaiting else { return deadline }
        let margin = deadline.map { $0 - min($0, Self.safetyMargin) }
        guard let waitsUntil else { return margin }
        return min(margin ?? waitsUntil, waitsUntil)
    }

    /// Whether a reservation is in its last second.
    func isDeadlineSoon(at now: UInt64) -> Bool {
        guard let deadline = deadlines.firstKey else { return false }
        return now >= deadline - min(deadline, Self.safetyMargin)
    }

    /// Whether a watched tube, paused or not, has a ready job.
    var seesReadyJob: Bool {
        watched.contains { !$0.tube.ready.isEmpty }
    }

    /// The most urgent ready job of the watched tubes that are not paused.
    var bestReadyJob: Job? {
        var best: Job?
        for watch in watched where !watch.tube.isPaused {
            guard let job = watch.tube.ready.first else { continue }
            if let found = best, (found.priority, found.id) < (job.priority, job.id) { continue }
            best = job
        }
        return best
    }
}

/// Hears how the wait of a client ends. Called from inside the engine: it must not call back into it.
protocol ReservationWaiter: AnyObject {
    /// `job` is now reserved by the client.
    func reserved(_ job: Job)
    /// The wait's time is over.
    func reservationTimedOut()
    /// A job that the client holds has entered its last second.
    func deadlineIsSoon()
}
