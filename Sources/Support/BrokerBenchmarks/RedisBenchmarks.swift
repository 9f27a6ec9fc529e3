import EventLoop
import Foundation
import Processes
import TestKit

/// The emulated cache against redis-server, driven by redis-benchmark in turn: processor time per operation.
///
/// Throughput is bound by the one client and shown beside it. Each pair runs ours and the peer right after each other;
/// the ratio is taken within the pair.
struct RedisBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    /// One test of redis-benchmark at one pipeline depth, and its gates (ratios).
    private struct Case {
        var test: String
        var depth: Int
        var must: Double?
        var ambitious: Double?
    }

    private static let cases = [
        Case(test: "get", depth: 1, must: 0.95, ambitious: 0.80),
        Case(test: "set", depth: 1, must: 0.95, ambitious: 0.80),
        Case(test: "incr", depth: 1, must: 1.05, ambitious: 0.90),
        Case(test: "lpush", depth: 1, must: 1.05, ambitious: 0.90),
        Case(test: "get", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "set", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "incr", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "lpush", depth: 16, must: 0.70, ambitious: 0.50),
        Case(test: "zadd", depth: 16, must: 0.60, ambitious: 0.45),
    ]

    /// A server while it is driven.
    private struct Peer {
        var pid: Int32
        var port: UInt16
        var secret: String
    }

    func run(into report: inout Report) async throws {
        let (daemon, _) = try await broker.startDaemon()
        try await broker.run("attach", "bench", "--class", "redis", "--to", "bench")
        let url = try await broker.run("url", "bench", "--app", "bench").output
        guard let parts = URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)),
            let port = parts.port, let secret = parts.password
        else { throw BenchmarkFailure("no URL of the resource: \(url)") }
        let ours = Peer(pid: daemon.pid, port: UInt16(port), secret: secret)
        try await RealServer.run(.redisServer, secret: "bench") { server in
            guard case .tcp(_, let port) = server.address else { return }
            let peer = Peer(pid: server.process.pid, port: port, secret: "bench")
            for test in Self.cases { try await compare(test, ours, peer, &report) }
        }
        await daemon.terminate(grace: .seconds(5))
    }

    private func compare(_ test: Case, _ ours: Peer, _ peer: Peer, _ report: inout Report) async throws {
        let operations = options.isSmoke ? 2000 : test.depth == 1 ? 100_000 : 400_000
        var ratios: [Double] = []
        var throughput: [Double] = []
        for _ in 0..<options.pairs {
            let a = try await drive(ours, test, operations)
            let b = try await drive(peer, test, operations)
            ratios.append(a.nanoseconds / b.nanoseconds)
            throughput.append(a.perSecond / b.perSecond)
        }
        let name = "\(test.test.uppercased()) P\(test.depth)"
        report.add("redis, CPU per operation", name, "ratio", ratios, must: test.must, ambitious: test.ambitious)
        report.add("redis, throughput", name, "ratio", throughput)
    }

    private func drive(_ peer: Peer, _ test: Case, _ operations: Int) async throws
        -> (nanoseconds: Double, perSecond: Double)
    {
        try await tool("redis-cli", peer, ["flushall"])
        if test.test == "get" {
            try await tool(
                "redis-benchmark", peer, ["-q", "-n", "100000", "-r", "100000", "-d", "16", "-P", "16", "-t", "set"])
        }
        let before = try processorTime(peer.pid)
        let began = ContinuousClock.now
        try await tool(
            "redis-benchmark", peer,
            [
                "-q", "-n", "\(operations)", "-r", "100000", "-d", "16", "-c", "50", "-P", "\(test.depth)", "-t",
                test.test,
            ])
        let time = (ContinuousClock.now - began).milliseconds / 1000
        let used = try processorTime(peer.pid) - before
        return (used / Double(operations), Double(operations) / time)
    }

    private func tool(_ program: String, _ peer: Peer, _ arguments: [String]) async throws {
        var environment = ProcessInfo.processInfo.environment
        environment["REDISCLI_AUTH"] = peer.secret
        // redis-benchmark reads no variable; the secret is one of this run alone.
        let words = program == "redis-benchmark" ? ["-a", peer.secret] : []
        var command = ProcessCommand(program, ["-p", "\(peer.port)"] + words + arguments, environment: environment)
        command.output = .null
        command.error = .null
        let status = try await ChildProcess.spawn(command).exit
        guard status.isSuccess else { throw BenchmarkFailure("\(program) on port \(peer.port): \(status)") }
    }

    /// Nanoseconds on a processor, of all threads.
    private func processorTime(_ pid: Int32) throws -> Double {
        let folder = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, task in
            let text = (try? String(contentsOfFile: "\(folder)/\(task)/schedstat", encoding: .utf8)) ?? ""
            return sum + (text.split(separator: " ").first.flatMap { Double($0) } ?? 0)
        }
    }
}
