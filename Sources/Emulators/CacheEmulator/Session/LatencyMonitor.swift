import RESPWire

/// What took longer than `latency-monitor-threshold`, by kinds of events, as LATENCY hands it out.
///
/// Commands (`command`, and `fast-command` of those with the flag `fast`), looking for keys whose time is over
/// (`expire-cycle`), and making room (`eviction-cycle`, of which `eviction-del` is the taking out of keys).
struct LatencyMonitor {
    struct Sample: Equatable {
        /// In seconds since 1970.
        var time: Int64
        /// In milliseconds.
        var latency: Int64
    }

    struct Event {
        let name: String
        /// The oldest first; of one second only the longest.
        fileprivate(set) var samples: [Sample] = []
        /// Since it was reset, in milliseconds.
        fileprivate(set) var longest: Int64 = 0
    }

    /// In milliseconds; 0 for none.
    private(set) var threshold: Int64 = 0
    /// In the order of their first samples.
    private(set) var events: [Event] = []

    private static let mostSamples = 160

    var isOn: Bool { threshold > 0 }

    mutating func configure(_ configuration: Configuration) {
        threshold = Int64(configuration.number("latency-monitor-threshold"))
    }

    func event(_ name: Bytes) -> Event? { events.first { Array($0.name.utf8) == name.array } }

    mutating func note(_ name: StaticString, microseconds: Int64, at time: Int64) {
        let latency = microseconds / 1000
        guard isOn, latency >= threshold else { return }
        let place = events.firstIndex { $0.name == name.description } ?? events.endIndex
        if place == events.endIndex { events.append(Event(name: name.description)) }
        events[place].longest = max(events[place].longest, latency)
        if let last = events[place].samples.last, last.time == time {
            events[place].samples[events[place].samples.count - 1].latency = max(last.latency, latency)
            return
        }
        events[place].samples.append(Sample(time: time, latency: latency))
        if events[place].samples.count > Self.mostSamples { events[place].samples.removeFirst() }
    }

    /// Forgets the events of these names, or all; how many those were.
    mutating func reset(_ names: [[UInt8]]) -> Int {
        let before = events.count
        events.removeAll { event in names.isEmpty || names.contains(Array(event.name.utf8)) }
        return before - events.count
    }
}

extension CacheEmulator {
    /// Does something that is no command, and notes it where it took long.
    @inline(__always) func monitored<Result>(_ event: StaticString, _ body: () -> Result) -> Result {
        guard latency.isOn else { return body() }
        let began = SlowLog.now
        let result = body()
        latency.note(event, microseconds: SlowLog.now - began, at: clock.now / 1000)
        return result
    }
}
