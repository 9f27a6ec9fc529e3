import Foundation

/// `make bench`: measures the built program against its gates, the emulated cache against redis-server (processor time,
/// stalls, memory), and the relay against haproxy.
///
///     BrokerBenchmarks [--smoke] [--pairs N] [--only start|redis|relay|stalls|memory|leases] [--json FILE]
///
/// `--smoke` runs everything once and shortly: it finds breakage and says nothing about speed.
@main
struct BrokerBenchmarks {
    static func main() async {
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            var report = Report()
            let broker = try BrokerUnderTest()
            do {
                if options.measures("start") {
                    try await StartBenchmarks(broker: broker, options: options).run(into: &report)
                }
                if options.measures("redis") {
                    try await RedisBenchmarks(broker: broker, options: options).run(into: &report)
                }
                if options.measures("stalls") {
                    try await StallBenchmarks(broker: broker, options: options).run(into: &report)
                }
                if options.measures("memory") {
                    try await MemoryBenchmarks(broker: broker, options: options).run(into: &report)
                }
                if options.measures("leases") {
                    try await LeaseBenchmarks(broker: broker, options: options).run(into: &report)
                }
                if options.measures("relay") {
                    try await RelayBenchmarks(broker: broker, options: options).run(into: &report)
                }
            } catch {
                await broker.stop()
                throw error
            }
            await broker.stop()
            report.show()
            if let path = options.json { try report.write(to: path) }
        } catch {
            FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
            exit(1)
        }
    }
}

/// What the command line asks for.
struct Options {
    var isSmoke = false
    var pairs = 5
    var json: String?
    private var only: String?

    func measures(_ part: String) -> Bool { only == nil || only == part }

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let word = rest.popFirst() {
            switch word {
            case "--smoke": isSmoke = true
            case "--pairs":
                guard let text = rest.popFirst(), let number = Int(text), number > 0 else {
                    throw BenchmarkFailure("--pairs is followed by a number")
                }
                pairs = number
            case "--json": json = rest.popFirst()
            case "--only":
                let parts = ["start", "redis", "stalls", "memory", "leases", "relay"]
                guard let part = rest.popFirst(), parts.contains(part) else {
                    throw BenchmarkFailure("--only is followed by one of \(parts.joined(separator: ", "))")
                }
                only = part
            default:
                throw BenchmarkFailure("unknown option \(word); there are --smoke, --pairs N, --only PART, --json FILE")
            }
        }
        if isSmoke { pairs = 1 }
    }
}

/// Why nothing could be measured.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
