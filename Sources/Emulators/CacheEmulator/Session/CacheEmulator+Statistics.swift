import EventLoop
import RESPWire

/// Who counts what of the commands that run (`CommandStatistics`).
extension CacheEmulator {
    /// Whether what the client was sent behind its first `before` bytes is an error.
    @inline(__always) func isError(_ output: ByteOutput, at before: Int) -> Bool {
        output.count > before && output.readable[before] == UInt8(ascii: "-")
    }

    private var isCounting: Bool { counts == commandStatistics.counted }

    /// A command has answered with an error. One that a script hands on was counted where it came about.
    @inline(never)
    func noteFailure(_ row: UnsafePointer<Command>, _ output: ByteOutput, at before: Int) {
        counts[row.pointee.number].failed &+= 1
        guard isCounting else { return }
        let line = Self.line(output, at: before)
        if row.pointee.runsScript {
            let inner = commandStatistics.errorOfScript
            if !inner.isEmpty, line.starts(with: inner) { return }
        } else if scriptCall != nil {
            commandStatistics.errorOfScript = Array(line)
        }
        commandStatistics.noteError(line)
    }

    /// A command was refused with an error before it ran; nil for what is none.
    func noteRefusal(_ row: UnsafePointer<Command>?, _ output: ByteOutput, at before: Int) {
        if let row { counts[row.pointee.number].rejected &+= 1 }
        guard isCounting, isError(output, at: before) else { return }
        commandStatistics.noteError(Self.line(output, at: before))
    }

    /// A script has asked for a command and was refused with an error; nil for what is none.
    func noteRefusalInScript(_ row: UnsafePointer<Command>?, _ error: StaticString) {
        if let row { counts[row.pointee.number].rejected &+= 1 }
        guard isCounting else { return }
        let line = Bytes(error).raw
        commandStatistics.errorOfScript = Array(line)
        commandStatistics.noteError(line)
    }

    private static func line(_ output: ByteOutput, at before: Int) -> UnsafeRawBufferPointer {
        let bytes = UnsafeRawBufferPointer(rebasing: output.readable.dropFirst(before + 1))
        return UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != UInt8(ascii: "\r") })
    }

    /// Has the commands of a copy count for nobody.
    func countCommands(_ areCounted: Bool) {
        counts = areCounted ? commandStatistics.counted : commandStatistics.uncounted
    }

    /// CONFIG RESETSTAT
    func resetStatistics() {
        statistics = CacheStatistics(resetFrom: statistics)
        commandStatistics.reset()
        throughput = Throughput()
        replication.counts = Replication.Counts()
        sent.bytes = 0
        saving.count = 0
    }

    /// What was set of latencies.
    func configureLatency() {
        let wasTracking = commandStatistics.isTracking
        commandStatistics.configure(configuration)
        latency.configure(configuration)
        look()
        guard wasTracking != commandStatistics.isTracking else { return }
        for number in 0..<table.rows.count {
            let count = commandStatistics.counted[number]
            commandStatistics.counted[number].untracked = count.calls - count.untracked
        }
    }

    /// What is done once a batch.
    @inline(__always) func noteBatch() {
        commandStatistics.untilSample &-= 1
        if commandStatistics.untilSample == 0 { beginSample() }
        if loop.now >= throughput.next { throughput.note(amounts, at: loop.now) }
        if memory.used > peakMemory { peakMemory = memory.used }
    }

    var amounts: Throughput.Amounts {
        Throughput.Amounts(commands: statistics.commands, input: statistics.inputBytes, output: sent.bytes)
    }

    @inline(never)
    private func beginSample() {
        commandStatistics.beginSample()
        isSampling = true
    }
}

/// How much is done in a second, looked at ten times a second while commands run.
struct Throughput {
    /// What was done until some moment.
    struct Amounts {
        var commands = 0
        /// Bytes.
        var input = 0
        var output = 0
    }

    /// In the loop's nanoseconds.
    private(set) var next: UInt64 = 0
    private var points: [(at: UInt64, amounts: Amounts)] = []

    private static let interval: UInt64 = 100_000_000
    private static let mostPoints = 17

    mutating func note(_ amounts: Amounts, at now: UInt64) {
        next = now + Self.interval
        points.append((now, amounts))
        if points.count > Self.mostPoints { points.removeFirst() }
    }

    /// Of the last 1.6 seconds, or a little more.
    func perSecond(_ amount: KeyPath<Amounts, Int>, of amounts: Amounts, at now: UInt64) -> Double {
        let window = Self.interval * UInt64(Self.mostPoints - 1)
        let begin = points.last { now - $0.at >= window } ?? points.first
        guard let begin, now > begin.at else { return 0 }
        return Double(amounts[keyPath: amount] - begin.amounts[keyPath: amount]) * 1e9 / Double(now - begin.at)
    }
}
