/// What a queue holds at one moment.
public struct QueueStatistics: Equatable, Sendable {
    public var ready = 0
    public var reserved = 0
    public var delayed = 0
    public var buried = 0
    public var tubes = 0
    /// Bytes of all bodies, CR LF and announced bytes included.
    public var memory = 0
    public var connections = 0
    /// Clients that wait for a job.
    public var waiting = 0
    /// Jobs put, and reservations that ran out, since the start.
    public var jobsEver: UInt64 = 0
    public var timeouts: UInt64 = 0
}
