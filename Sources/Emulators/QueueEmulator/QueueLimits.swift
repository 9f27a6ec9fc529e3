/// The bounds of one queue.
public struct QueueLimits: Equatable, Sendable {
    /// Bytes of the largest body, without CR LF: `-z` of beanstalkd.
    public var jobSize = 65_535
    /// Bytes of all bodies together; a `put` beyond it is answered with OUT_OF_MEMORY.
    public var memory = Int.max

    public init() {}
}
