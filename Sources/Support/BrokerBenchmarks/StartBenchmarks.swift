import Foundation
import Processes

/// How long a person waits: the program's start, the daemon's start, an attach; and what an idle daemon weighs.
struct StartBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    func run(into report: inout Report) async throws {
        let runs = options.isSmoke ? 1 : options.pairs * 4
        var samples: [Double] = []
        for _ in 0..<runs {
            let (daemon, time) = try await broker.startDaemon()
            samples.append(time)
            await daemon.terminate(grace: .seconds(5))
        }
        report.add("start", "daemon: exec to first reply", "ms", samples, must: 100, ambitious: 30)

        let (daemon, _) = try await broker.startDaemon()
        try await measure(runs, "broker --version", must: 25, ambitious: 10, &report) { _ in
            try await broker.run("--version").milliseconds
        }
        try await measure(runs, "broker status", must: 60, ambitious: 25, &report) { _ in
            try await broker.run("status").milliseconds
        }
        try await measure(runs, "attach a new cache (one call)", must: 60, ambitious: 25, &report) { number in
            try await broker.run("attach", "cache\(number)", "--class", "redis", "--to", "web\(number)").milliseconds
        }
        for number in 0..<runs { _ = try await broker.run("destroy", "cache\(number)", "--force") }
        for name in ["cache", "queue", "db"] { try await broker.run("attach", name, "--to", "web") }
        // Idle it is when it has had nothing to do for a while.
        try await ContinuousClock().sleep(for: .seconds(options.isSmoke ? 0 : 12))
        report.add(
            "start", "idle daemon, 3 resources", "MB", [try residentMegabytes(daemon.pid)], must: 40, ambitious: 20)
        await daemon.terminate(grace: .seconds(5))
    }

    private func measure(
        _ runs: Int, _ name: String, must: Double, ambitious: Double, _ report: inout Report,
        _ body: (Int) async throws -> Double
    ) async throws {
        var samples: [Double] = []
        for number in 0..<runs { samples.append(try await body(number)) }
        report.add("start", name, "ms", samples, must: must, ambitious: ambitious)
    }

    private func residentMegabytes(_ pid: Int32) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
            throw BenchmarkFailure("/proc/\(pid)/status names no VmRSS")
        }
        return kilobytes / 1024
    }
}
