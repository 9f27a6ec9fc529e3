import EventLoop
import Foundation
import Processes
import TestKit

/// What a test waits for: a lease of a fresh cache by the HTTP API, alone and beside 63 others, a reset, a branch; beside a
/// redis-server of its own.
struct LeaseBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    func run(into report: inout Report) async throws {
        let (daemon, _) = try await broker.startDaemon()
        let socket = try broker.controlSocket()
        let rounds = options.isSmoke ? 10 : 2000
        let alone = try await Self.leases(socket, clients: 1, each: rounds)
        report.add("leases", "lease of a cache, p50", "ms", [Self.at(0.5, alone)], must: 5, ambitious: 0.5)
        report.add("leases", "lease of a cache, p99", "ms", [Self.at(0.99, alone)])
        let crowd = try await Self.leases(socket, clients: 64, each: max(1, rounds / 20))
        report.add("leases", "the same, 64 at once, p50", "ms", [Self.at(0.5, crowd)])
        report.add("leases", "the same, 64 at once, p99", "ms", [Self.at(0.99, crowd)], must: 20, ambitious: 20)
        let workers = try await Self.leases(socket, clients: 64, each: max(1, rounds / 40), holding: 50_000)
        report.add("leases", "64 workers, each holding it for 50 ms, p50", "ms", [Self.at(0.5, workers)], must: 5)
        report.add(
            "leases", "the same, p99", "ms", [Self.at(0.99, workers)], must: 20, ambitious: 20)
        try await state(socket, &report)
        let real = try servers(socket)
        report.add("leases", "lease of a redis-server that ran already, p50", "ms", [Self.at(0.5, real)])
        report.add("leases", "the same, p99", "ms", [Self.at(0.99, real)])
        var servers: [Double] = []
        for _ in 0..<(options.isSmoke ? 1 : 20) {
            let began = ContinuousClock.now
            let server = try await RealServer.start(.redisServer)
            servers.append(began.duration(to: .now).milliseconds)
            await server.stop()
        }
        report.add("leases", "a redis-server instead", "ms", servers)
        await daemon.terminate(grace: .seconds(5))
    }

    /// Milliseconds that each lease of `exec:` took; a test of 50 ms works with it.
    private func servers(_ socket: String) throws -> [Double] {
        let api = try ControlConnection(socket)
        var times: [Double] = []
        for _ in 0..<(options.isSmoke ? 3 : 100) {
            let began = ContinuousClock.now
            let lease = try api.lease(provider: "exec:redis-server")
            times.append(began.duration(to: .now).milliseconds)
            usleep(50_000)
            try api.end(lease.id)
        }
        // From the second on one is kept ready.
        return Array(times.dropFirst(2))
    }

    /// Reset of 10,000 keys, snapshot and branch of 100 MB.
    private func state(_ socket: String, _ report: inout Report) async throws {
        let api = try ControlConnection(socket)
        let lease = try api.lease()
        let client = try SocketClient(to: .tcp(host: "127.0.0.1", port: lease.port), timeout: .seconds(60))
        try client.send("AUTH lease \(lease.secret)\r\n")
        _ = try client.receive(until: "\r\n")
        var resets: [Double] = []
        for _ in 0..<(options.isSmoke ? 1 : 20) {
            try fill(client, keys: 10_000, bytes: 16)
            let began = ContinuousClock.now
            try api.post("/v1/workspaces/bench/resources/\(lease.id).cache/reset", "{}")
            resets.append(began.duration(to: .now).milliseconds)
        }
        report.add("leases", "reset of 10,000 keys", "ms", resets, must: 5, ambitious: 0.5)
        try fill(client, keys: options.isSmoke ? 1000 : 100_000, bytes: 1000)
        var (snapshots, branches): ([Double], [Double]) = ([], [])
        for _ in 0..<(options.isSmoke ? 1 : 20) {
            var began = ContinuousClock.now
            try api.post(
                "/v1/workspaces/bench/snapshots", #"{"name":"full","resources":["\#(lease.id).cache"]}"#)
            snapshots.append(began.duration(to: .now).milliseconds)
            began = .now
            let branch = try api.lease(from: "full")
            branches.append(began.duration(to: .now).milliseconds)
            try api.end(branch.id)
        }
        report.add("leases", "snapshot of 100 MB", "ms", snapshots)
        report.add("leases", "branch of 100 MB", "ms", branches, must: 20, ambitious: 20)
        try api.end(lease.id)
    }

    private func fill(_ client: SocketClient, keys: Int, bytes: Int) throws {
        let value = String(repeating: "v", count: bytes)
        var sent = 0
        while sent < keys {
            let part = min(1000, keys - sent)
            let commands = (0..<part).map { number in
                let key = "key:\(sent + number)"
                return "*3\r\n$3\r\nSET\r\n$\(key.utf8.count)\r\n\(key)\r\n$\(bytes)\r\n\(value)\r\n"
            }
            try client.send(commands.joined())
            _ = try client.receive(exactly: 5 * part)
            sent += part
        }
    }

    /// Milliseconds that each lease took, of so many clients with a connection each; it is given back after so many
    /// microseconds.
    private static func leases(
        _ socket: String, clients: Int, each: Int, holding: UInt32 = 0
    ) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for _ in 0..<clients {
                group.addTask { @Sendable in
                    try await Self.onThread { () throws -> [Double] in
                        let api = try ControlConnection(socket)
                        var times: [Double] = []
                        for _ in 0..<each {
                            let began = ContinuousClock.now
                            let lease = try api.lease()
                            times.append(began.duration(to: .now).milliseconds)
                            if holding > 0 { usleep(holding) }
                            try api.end(lease.id)
                        }
                        return times
                    }
                }
            }
            var all: [Double] = []
            for try await times in group { all += times }
            return all
        }
    }

    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            DetachedThread.run { continuation.resume(with: Result { try body() }) }
        }
    }

    private static func at(_ share: Double, _ samples: [Double]) -> Double {
        let sorted = samples.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// A connection to the daemon that stays open, as a plugin's is.
private final class ControlConnection {
    struct Lease {
        let id: String
        let port: UInt16
        let secret: String
    }

    private let client: SocketClient

    init(_ socket: String) throws {
        client = try SocketClient(to: .unix(path: socket), timeout: .seconds(60))
    }

    func lease(from snapshot: String? = nil, provider: String? = nil) throws -> Lease {
        let from = snapshot.map { #","from":"\#($0)""# } ?? ""
        let made = provider.map { #","provider":{"reference":"\#($0)"}"# } ?? ""
        let text = try post("/v1/workspaces/bench/leases", #"{"resources":[{"name":"cache"\#(from)\#(made)}]}"#)
        // Not as a document: the load shares the processors with what is measured.
        guard let id = Self.text(in: text, between: #""id":""#, and: "\""),
            let url = Self.text(in: text, between: #""value":""#, and: "\""),
            let secret = Self.text(in: url, between: "lease:", and: "@"),
            let port = Self.text(in: url + "/", between: "@127.0.0.1:", and: "/").flatMap({ UInt16($0) })
        else { throw BenchmarkFailure("no lease: \(text)") }
        return Lease(id: id, port: port, secret: secret)
    }

    private static func text(in text: String, between first: String, and end: String) -> String? {
        guard let start = text.range(of: first)?.upperBound,
            let stop = text.range(of: end, range: start..<text.endIndex)?.lowerBound
        else { return nil }
        return String(text[start..<stop])
    }

    func end(_ id: String) throws {
        _ = try ask("DELETE", "/v1/workspaces/bench/leases/\(id)", "")
    }

    @discardableResult
    func post(_ path: String, _ body: String) throws -> String { try ask("POST", path, body) }

    private func ask(_ method: String, _ path: String, _ body: String) throws -> String {
        try client.send(
            "\(method) \(path) HTTP/1.1\r\nHost: broker\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        let head = String(decoding: try client.receive(until: "\r\n\r\n"), as: UTF8.self).lowercased()
        let length = head.split(separator: "content-length: ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        let text = String(decoding: try client.receive(exactly: length), as: UTF8.self)
        guard head.hasPrefix("http/1.1 200") else { throw BenchmarkFailure("\(method) \(path): \(text)") }
        return text
    }
}
