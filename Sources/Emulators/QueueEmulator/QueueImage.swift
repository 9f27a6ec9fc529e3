/// All jobs and tubes of a queue at one instant: a copy, so that it costs what they do.
///
/// Of nobody's connection anything is in it: a job that a client had reserved is a ready one, since nobody holds it here,
/// and one whose body was still arriving is missing. Times are kept as what was left of them.
public struct QueueImage: Sendable {
    struct Kept: Sendable {
        enum Place: Sendable {
            case ready
            case delayed(left: UInt64)
            case buried
        }

        var id: UInt64
        var tube: Int
        var place: Place
        var age: UInt64
        var timeToRun: UInt32
        var priority: UInt32
        var delay: UInt32
        var body: [UInt8]
        var counts: (reserves: UInt32, timeouts: UInt32, releases: UInt32, buries: UInt32, kicks: UInt32)
    }

    struct KeptTube: Sendable {
        var name: [UInt8]
        /// In nanoseconds; 0 where it is not paused.
        var pause: UInt64
        var pauseLeft: UInt64
        var totalJobs: UInt64
        var deletes: UInt64
        var pauses: UInt64
    }

    var tubes: [KeptTube] = []
    /// Ready ones in the order of their ids, delayed ones as they become ready, buried ones as they were buried.
    var kept: [Kept] = []
    var lastJobID: UInt64 = 0

    /// How many jobs.
    public var jobs: Int { kept.count }
    /// Of their bodies.
    public var bytes: Int { kept.reduce(0) { $0 + $1.body.count } }
}

extension QueueEmulator {
    /// A queue with what an image holds. Counts of commands and of connections begin anew.
    public convenience init(limits: QueueLimits = QueueLimits(), clock: QueueClock, from image: QueueImage) {
        self.init(limits: limits, clock: clock)
        beginning = image
        engine.fill(from: image)
    }

    public func image() -> QueueImage {
        engine.advance()
        return engine.image()
    }

    /// Goes back to an image; with nil to nothing. Clients stay, with the tubes they use and watch. What they have reserved
    /// is gone as if it had run out of time; who waits is served. Counts of commands stay, and no id is used twice.
    public func begin(from image: QueueImage?) {
        engine.advance()
        engine.removeAll()
        if let image { engine.fill(from: image) }
    }

    /// Puts a job that comes from no connection; returns its id.
    @discardableResult
    public func put(_ body: [UInt8], into tube: [UInt8], priority: UInt32, delay: UInt32, timeToRun: UInt32) -> UInt64 {
        engine.put(body, into: tube, priority: priority, delay: delay, timeToRun: timeToRun)
    }
}
