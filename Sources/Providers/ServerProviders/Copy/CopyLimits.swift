/// How long and how much at the ends of a copy.
struct CopyLimits: Sendable {
    /// Until a server takes a connection.
    var connect = Duration.seconds(5)
    /// Until one that was asked says or takes something.
    var answer = Duration.seconds(10)
    /// Until a link on which nothing comes is taken for lost: six times the period of a master's PING.
    var silence = Duration.seconds(60)
    /// How long a lost link is tried again.
    var reconnect = Duration.seconds(10)
    /// How often a master hears of its replica. It gives up one that is silent for its `repl-timeout`.
    var pulse = Duration.seconds(1)
    /// How long an empty `next()` waits.
    var next = Duration.milliseconds(100)
    /// Bytes that wait for the consumer; with more the socket is not read, and the server has to keep them.
    var memory = 8 << 20
    /// Bytes of a batch.
    var batch = 256 << 10
    /// Keys of one question for digests.
    var digests = 100
}
