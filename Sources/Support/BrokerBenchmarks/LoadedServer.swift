import Foundation
import Processes

/// A server while redis-benchmark drives it: whose processor time is counted, and where it is reached.
struct LoadedServer {
    var pid: Int32
    var port: UInt16
    var secret: String

    /// What a run of redis-benchmark has cost and brought.
    struct Load {
        /// Of processor time, of one operation.
        var nanoseconds: Double
        /// Operations.
        var perSecond: Double
        /// Milliseconds of half of the operations.
        var p50: Double
    }

    /// Runs one test, of which redis-benchmark knows all but XADD: `size` bytes a value, `depth` operations in a pipeline.
    func drive(
        _ test: String, operations: Int, depth: Int, clients: Int = 50, keys: Int = 100_000, size: Int = 16
    ) async throws -> Load {
        let before = try processorTime()
        let began = ContinuousClock.now
        let output = try await tool(
            "redis-benchmark",
            [
                "--csv", "-n", "\(operations)", "-r", "\(keys)", "-d", "\(size)", "-c", "\(clients)", "-P", "\(depth)",
            ]
                + (test == "xadd"
                    ? ["xadd", "stream", "*", "field", String(repeating: "x", count: size)] : ["-t", test]))
        let time = (ContinuousClock.now - began).milliseconds / 1000
        let used = try processorTime() - before
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",…
        let columns = output.split(separator: "\n").last?.split(separator: ",").map { $0.filter { $0 != "\"" } } ?? []
        guard columns.count > 4, let p50 = Double(columns[4]) else {
            throw BenchmarkFailure("redis-benchmark says: \(output.prefix(200))")
        }
        return Load(nanoseconds: used / Double(operations), perSecond: Double(operations) / time, p50: p50)
    }

    @discardableResult
    func tool(_ program: String, _ arguments: [String]) async throws -> String {
        var environment = ProcessInfo.processInfo.environment
        environment["REDISCLI_AUTH"] = secret
        // redis-benchmark reads no variable; the secret is one of this run alone.
        let words = program == "redis-benchmark" ? ["-a", secret] : []
        let output = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: output) }
        var command = ProcessCommand(program, ["-p", "\(port)"] + words + arguments, environment: environment)
        command.output = .append(path: output)
        command.error = .null
        let status = try await ChildProcess.spawn(command).exit
        guard status.isSuccess else { throw BenchmarkFailure("\(program) on port \(port): \(status)") }
        return (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    }

    /// Nanoseconds on a processor, of all threads.
    private func processorTime() throws -> Double {
        let folder = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, task in
            let text = (try? String(contentsOfFile: "\(folder)/\(task)/schedstat", encoding: .utf8)) ?? ""
            return sum + (text.split(separator: " ").first.flatMap { Double($0) } ?? 0)
        }
    }
}
