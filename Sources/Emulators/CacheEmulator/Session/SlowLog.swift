import EventLoop
import RESPWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The commands that took longest, as SLOWLOG hands them out.
///
/// Every command is timed while `slowlog-log-slower-than` is less than a millisecond. Above that, those are not that take no
/// time by their nature (Redis's flag `fast`, and SET): two looks at the clock would cost them a tenth of theirs.
struct SlowLog {
    struct Entry {
        var id: Int
        /// In seconds since 1970.
        var time: Int64
        /// In microseconds.
        var duration: Int64
        var arguments: [[UInt8]]
        var address: String
        var clientName: [UInt8]
    }

    /// The newest last; more than are shown, so that the oldest need not be taken out one by one.
    private var kept: [Entry] = []

    /// The newest first.
    var entries: ReversedCollection<ArraySlice<Entry>> { kept.suffix(most).reversed() }
    private var nextID = 0
    /// In microseconds; negative for none.
    private(set) var threshold: Int64 = 10_000
    private var most = 128
    private(set) var timesQuick = false

    /// What an entry keeps of a command.
    private static let mostArguments = 32
    private static let mostBytes = 128

    mutating func configure(_ configuration: Configuration) {
        func value(_ name: StaticString) -> Int64? {
            configuration.index(of: Bytes(name)).flatMap { Int64(configuration.parameters[$0].value) }
        }
        threshold = value("slowlog-log-slower-than") ?? 10_000
        most = Int(value("slowlog-max-len") ?? 128)
        timesQuick = (0..<1000).contains(threshold)
        kept.removeFirst(max(kept.count - most, 0))
    }

    mutating func removeAll() {
        kept = []
    }

    mutating func note(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ duration: Int64, at time: Int64,
        _ client: CacheClient, hiding secrets: Set<Int>
    ) {
        guard most > 0 else { return }
        let entry = Entry(
            id: nextID, time: time, duration: duration,
            arguments: Self.shortened(arguments, count, hiding: secrets),
            address: client.connection.peerAddress, clientName: client.front.name(of: client))
        nextID += 1
        kept.append(entry)
        if kept.count > most + most / 4 + 16 { kept.removeFirst(kept.count - most) }
    }

    private static func shortened(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, hiding secrets: Set<Int>
    ) -> [[UInt8]] {
        let isCut = count > mostArguments
        var kept: [[UInt8]] = (0..<(isCut ? mostArguments - 1 : count)).map { index in
            let argument = arguments[index]
            if secrets.contains(index) { return Array("(redacted)".utf8) }
            guard argument.count > mostBytes else { return argument.array }
            return argument.slice(0, mostBytes).array + Array("... (\(argument.count - mostBytes) more bytes)".utf8)
        }
        if isCut { kept.append(Array("... (\(count - mostArguments + 1) more arguments)".utf8)) }
        return kept
    }

    /// Microseconds of a clock that only goes forward.
    static var now: Int64 { Int64(nanoseconds / 1000) }

    static var nanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }
}

extension CacheEmulator {
    @inline(__always) func times(_ command: Command) -> Bool {
        timesQuick || !command.isQuick && !command.flags.contains(.skipSlowlog)
    }

    /// Commands that are quick are timed as well.
    var timesQuick: Bool { slowLog.timesQuick || latency.isOn || isSampling }

    /// Runs a command, counts its time, and notes it if it took long.
    @inline(never)
    func callTimed(_ command: Command, _ call: borrowing Call) {
        let began = SlowLog.nanoseconds
        runBody(command, call)
        let time = SlowLog.nanoseconds - began
        // One that waits is looked at when it is served.
        guard !call.client.isWaiting else { return }
        if counts == commandStatistics.counted { commandStatistics.noteTime(time, ofRow: command.number) }
        let duration = Int64(time / 1000)
        if latency.isOn {
            let event: StaticString = command.flags.contains(.fast) ? "fast-command" : "command"
            latency.note(event, microseconds: duration, at: clock.now / 1000)
        }
        guard slowLog.threshold >= 0, duration >= slowLog.threshold,
            !command.flags.contains(.skipSlowlog), !command.isQuick || slowLog.timesQuick
        else { return }
        slowLog.note(
            call.arguments, call.count, duration, at: clock.now / 1000, call.client,
            hiding: SecretArguments.places(command, call.arguments, call.count))
    }

    /// A command that has waited was served in so many nanoseconds; that it waited is no time of it.
    func noteServed(_ waiter: Waiter, in time: Int) {
        if let row = waiter.client.lastCommand { commandStatistics.noteTime(time, ofRow: row.pointee.number) }
        let duration = Int64(time / 1000)
        guard slowLog.threshold >= 0, duration >= slowLog.threshold else { return }
        waiter.request.withArguments { arguments, count in
            slowLog.note(arguments, count, duration, at: clock.now / 1000, waiter.client, hiding: [])
        }
    }
}
