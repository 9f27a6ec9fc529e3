/// Counts over all tubes and clients of an engine.
struct EngineTotals {
    var urgent = 0
    var ready = 0
    var reserved = 0
    var delayed = 0
    var buried = 0
    var jobsEver: UInt64 = 0
    var timeouts: UInt64 = 0
    /// Bytes of all bodies, announced ones included.
    var memory = 0
    var connections = 0
    var connectionsEver: UInt64 = 0
    /// Open connections that have put, and that have reserved.
    var producers = 0
    var workers = 0
    var waiting = 0
}
