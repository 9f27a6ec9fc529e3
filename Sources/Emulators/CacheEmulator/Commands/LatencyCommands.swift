import RESPWire

/// What took long, and how long commands take.
let latencyCommands: [Command] = [
    Command(
        "latency", -2, [],
        subcommands: [
            Command("doctor", 2, [.admin, .noscript, .loading, .stale], body: Latency.doctor),
            Command("graph", 3, [.admin, .noscript, .loading, .stale], body: Latency.graph),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.latency) }),
            Command("histogram", -2, [.admin, .noscript, .loading, .stale], body: Latency.histogram),
            Command("history", 3, [.admin, .noscript, .loading, .stale], body: Latency.history),
            Command("latest", 2, [.admin, .noscript, .loading, .stale], body: Latency.latest),
            Command("reset", -2, [.admin, .noscript, .loading, .stale], body: Latency.reset),
        ], body: { _ in })
]

private enum Latency {
    static let latest: CommandBody = { call in
        let events = call.emulator.latency.events
        call.reply.array(events.count)
        for event in events {
            call.reply.array(4)
            call.reply.bulk(event.name)
            call.reply.integer(event.samples.last?.time ?? 0)
            call.reply.integer(event.samples.last?.latency ?? 0)
            call.reply.integer(event.longest)
        }
    }

    static let history: CommandBody = { call in
        let samples = call.emulator.latency.event(call[2])?.samples ?? []
        call.reply.array(samples.count)
        for sample in samples {
            call.reply.array(2)
            call.reply.integer(sample.time)
            call.reply.integer(sample.latency)
        }
    }

    static let reset: CommandBody = { call in
        let names = (2..<call.count).map { call[$0].array }
        call.reply.integer(call.emulator.latency.reset(names))
    }

    static let graph: CommandBody = { call in
        guard let event = call.emulator.latency.event(call[2]) else {
            return call.reply.error(ErrorText.noSamples(call[2]))
        }
        call.reply.verbatim(LatencyPicture.draw(event, at: call.now / 1000))
    }

    /// Of all commands that were timed, or of some; a container stands for its subcommands.
    static let histogram: CommandBody = { call in
        let emulator = call.emulator
        let statistics = emulator.commandStatistics
        var rows: [UnsafePointer<Command>] = []
        if call.count == 2 {
            rows = emulator.table.rows
        } else {
            for index in 2..<call.count { rows += emulator.table.rows(named: call[index]) }
        }
        let shown = rows.filter { statistics.histograms[$0.pointee.number] != nil }

        call.reply.map(shown.count)
        for row in shown {
            guard let histogram = statistics.histograms[row.pointee.number] else { continue }
            let calls = max(statistics.trackedCalls(row.pointee.number), histogram.total)
            let steps = histogram.steps
            call.reply.bulk(row.pointee.fullName)
            call.reply.map(2)
            call.reply.bulk("calls")
            call.reply.integer(calls)
            call.reply.bulk("histogram_usec")
            call.reply.map(steps.count)
            for step in steps {
                call.reply.integer(step.microseconds)
                // Samples stand for all calls.
                let share = Double(step.count) / Double(histogram.total)
                call.reply.integer(Int((share * Double(calls)).rounded()))
            }
        }
    }

    static let doctor: CommandBody = { call in
        call.reply.verbatim(LatencyPicture.report(call.emulator.latency, call.emulator.slowLog))
    }
}

extension CommandTable {
    /// The row of a name, `get` or `config|get`; of a container those of its subcommands.
    func rows(named name: Bytes) -> [UnsafePointer<Command>] {
        if let index = index(of: name) {
            let row = row(index)
            return row.pointee.subcommands.isEmpty
                ? [row] : row.pointee.subcommands.map { rows[$0.number] }
        }
        let folded = String(decoding: name.array.map { Bytes.folded($0) }, as: UTF8.self)
        return rows.filter { $0.pointee.container != nil && $0.pointee.fullName == folded }
    }
}

/// What LATENCY tells people.
private enum LatencyPicture {
    private static let columns = 80
    private static let rows = 4

    /// The samples as columns, the newest at the right, and below each how long ago it was.
    static func draw(_ event: LatencyMonitor.Event, at now: Int64) -> String {
        let samples = event.samples.suffix(columns)
        let high = samples.map(\.latency).max() ?? 0
        let low = samples.map(\.latency).min() ?? 0
        var lines = [
            "\(event.name) - high \(high) ms, low \(low) ms (all time high \(event.longest) ms)",
            String(repeating: "-", count: columns),
        ]
        let steps = samples.map { sample in
            high == low ? 0 : Int(sample.latency - low) * (rows * 3 - 1) / Int(high - low)
        }
        for row in (0..<rows).reversed() {
            lines.append(
                String(
                    steps.map { step -> Character in
                        switch step - row * 3 {
                        case ..<0: " "
                        case 0: "_"
                        case 1: "o"
                        case 2: "#"
                        default: "|"
                        }
                    }))
        }
        let ages = samples.map { Array(age(max(now - $0.time, 0))) }
        lines.append("")
        for place in 0..<(ages.map(\.count).max() ?? 0) {
            lines.append(String(ages.map { place < $0.count ? $0[place] : " " }))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func age(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86400: "\(seconds / 3600)h"
        default: "\(seconds / 86400)d"
        }
    }

    static func report(_ latency: LatencyMonitor, _ slowLog: SlowLog) -> String {
        guard latency.isOn || !latency.events.isEmpty else {
            return """
                Nothing is watched: CONFIG SET latency-monitor-threshold <milliseconds> has events noted that take at \
                least that long.

                """
        }
        guard !latency.events.isEmpty else {
            return "Nothing has taken \(latency.threshold) ms or more since this cache was made or LATENCY RESET.\n"
        }
        var lines = ["What took \(latency.threshold) ms or more:", ""]
        for (number, event) in latency.events.enumerated() {
            let values = event.samples.map(\.latency)
            let mean = values.reduce(0, +) / Int64(max(values.count, 1))
            let deviation = values.map { abs($0 - mean) }.reduce(0, +) / Int64(max(values.count, 1))
            let first = event.samples.first?.time ?? 0
            let span = (event.samples.last?.time ?? 0) - first
            lines.append(
                """
                \(number + 1). \(event.name): \(values.count) seconds with such an event within \(span) s (average \
                \(mean) ms, mean deviation \(deviation) ms), the longest of all \(event.longest) ms
                """)
            lines.append("   " + advice(event.name, latency.threshold, slowLog))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func advice(_ event: String, _ threshold: Int64, _ slowLog: SlowLog) -> String {
        switch event {
        case "expire-cycle": "Many keys end at the same time: spread their expiries, or store smaller values."
        case "eviction-cycle", "eviction-del": "Keys are evicted to keep maxmemory: raise it, or store less."
        default:
            slowLog.threshold < 0 || slowLog.threshold > threshold * 1000
                ? "SLOWLOG does not note them: CONFIG SET slowlog-log-slower-than \(threshold * 1000) has it do so."
                : "SLOWLOG GET names the commands."
        }
    }
}
