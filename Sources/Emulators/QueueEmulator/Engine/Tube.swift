/// A named queue: its ready, delayed and buried jobs, and the clients that wait for one.
final class Tube: Sleeper {
    let name: [UInt8]
    /// Hash of the name in the tube table.
    let hash: Int
    /// Uses, watches and jobs (reserved ones too); a tube without any vanishes.
    var references = 0
    /// Its place in the list of tubes.
    var listIndex = -1
    /// The next tube whose name has the same hash.
    var sameHash: Tube?

    var ready = IndexedHeap<Job>()
    var delayed = IndexedHeap<Job>()
    var buried = JobList()
    var waiting = WaitingClients()

    /// How long the tube is paused, in nanoseconds; 0 when it is not.
    var pause: UInt64 = 0
    var pausedUntil: UInt64 = 0

    var urgent = 0
    var reserved = 0
    var totalJobs: UInt64 = 0
    var deletes: UInt64 = 0
    var pauses: UInt64 = 0
    var using = 0
    var watching = 0

    init(name: UnsafeRawBufferPointer, hash: Int) {
        self.name = Array(name)
        self.hash = hash
    }

    var isPaused: Bool { pause > 0 }

    override var wakeTime: UInt64? {
        let delay = delayed.firstKey
        guard isPaused else { return delay }
        return min(delay ?? pausedUntil, pausedUntil)
    }

    func withName<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        name.withUnsafeBytes(body)
    }
}
