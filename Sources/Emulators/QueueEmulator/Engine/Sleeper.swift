/// Something that must act at a certain time: a tube (delayed jobs, a pause) or a client (deadlines, a timed wait).
class Sleeper: HeapMember {
    /// Its place among the engine's alarms.
    final var heapIndex = -1

    /// When it has to act next, in nanoseconds; nil is never.
    var wakeTime: UInt64? { nil }
}
