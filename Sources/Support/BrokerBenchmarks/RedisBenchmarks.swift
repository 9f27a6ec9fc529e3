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
        /// Bytes of a value.
        var size = 16

        var name: String { "\(test.uppercased()) P\(depth)" + (size == 16 ? "" : ", \(size) B") }
        /// Of the server's time: what one command takes differs by a factor of twenty.
        var operations: Int { depth == 1 ? 100_000 : test == "mset" ? 100_000 : 400_000 }
    }

    private static let cases = [
        Case(test: "get", depth: 1, must: 0.95, ambitious: 0.80),
        Case(test: "set", depth: 1, must: 0.95, ambitious: 0.80),
        Case(test: "incr", depth: 1, must: 1.05, ambitious: 0.90),
        Case(test: "lpush", depth: 1, must: 1.05, ambitious: 0.90),
        Case(test: "lpop", depth: 1, must: 1.05),
        Case(test: "sadd", depth: 1, must: 1.05),
        Case(test: "hset", depth: 1, must: 1.05),
        Case(test: "zadd", depth: 1, must: 1.05),
        Case(test: "mset", depth: 1, must: 1.05),
        Case(test: "xadd", depth: 1, must: 1.05),
        Case(test: "get", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "set", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "incr", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "lpush", depth: 16, must: 0.70, ambitious: 0.50),
        Case(test: "zadd", depth: 16, must: 0.60, ambitious: 0.45),
        Case(test: "lpop", depth: 16, must: 0.70),
        Case(test: "sadd", depth: 16, must: 0.70),
        Case(test: "hset", depth: 16, must: 0.70),
        Case(test: "mset", depth: 16, must: 0.70),
        Case(test: "xadd", depth: 16, must: 0.70),
        Case(test: "get", depth: 1, size: 1024),
        Case(test: "set", depth: 1, size: 1024),
        Case(test: "get", depth: 16, size: 1024),
        Case(test: "set", depth: 16, size: 1024),
    ]

    func run(into report: inout Report) async throws {
        let (daemon, _) = try await broker.startDaemon()
        try await broker.run("attach", "bench", "--class", "redis", "--to", "bench")
        let url = try await broker.run("url", "bench", "--app", "bench").output
        guard let parts = URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)),
            let port = parts.port, let secret = parts.password
        else { throw BenchmarkFailure("no URL of the resource: \(url)") }
        let ours = LoadedServer(pid: daemon.pid, port: UInt16(port), secret: secret)
        try await RealServer.run(.redisServer, secret: "bench") { server in
            guard case .tcp(_, let port) = server.address else { return }
            let peer = LoadedServer(pid: server.process.pid, port: port, secret: "bench")
            for test in Self.cases { try await compare(test, ours, peer, &report) }
        }
        await daemon.terminate(grace: .seconds(5))
    }

    private func compare(_ test: Case, _ ours: LoadedServer, _ peer: LoadedServer, _ report: inout Report) async throws
    {
        let operations = options.isSmoke ? 2000 : test.operations
        var ratios: [Double] = []
        var throughput: [Double] = []
        for _ in 0..<options.pairs {
            let a = try await drive(ours, test, operations)
            let b = try await drive(peer, test, operations)
            ratios.append(a.nanoseconds / b.nanoseconds)
            throughput.append(a.perSecond / b.perSecond)
        }
        report.add("redis, CPU per operation", test.name, "ratio", ratios, must: test.must, ambitious: test.ambitious)
        report.add("redis, throughput", test.name, "ratio", throughput)
    }

    private func drive(_ peer: LoadedServer, _ test: Case, _ operations: Int) async throws -> LoadedServer.Load {
        try await peer.tool("redis-cli", ["flushall"])
        if test.test == "get" { _ = try await peer.drive("set", operations: 100_000, depth: 16, size: test.size) }
        if test.test == "lpop" { _ = try await peer.drive("lpush", operations: operations, depth: 16) }
        return try await peer.drive(test.test, operations: operations, depth: test.depth, size: test.size)
    }
}
