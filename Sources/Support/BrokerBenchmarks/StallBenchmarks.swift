import Foundation
import Processes
import TestKit

/// How long a client waits for PING while somebody else has the server do something large: the longest of its waits. The
/// system's own share is in it; the row "nothing" says what that is.
struct StallBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    private var count: Int { options.isSmoke ? 5000 : 1_000_000 }

    func run(into report: inout Report) async throws {
        let (daemon, _) = try await broker.startDaemon()
        let runs = options.isSmoke ? 1 : options.pairs
        try await RealServer.run(.redisServer, secret: "bench") { server in
            let peer = MeasuredCache(pid: server.process.pid, address: server.address, secret: "bench")
            let ours = try await broker.cache("stalls", of: daemon)
            for (name, cache) in [("", ours), (" (redis-server)", peer)] {
                try await measure(cache, name, runs, &report)
            }
        }
        try await besideABusyTenant(daemon, runs, &report)
        await daemon.terminate(grace: .seconds(5))
    }

    private func measure(_ cache: MeasuredCache, _ of: String, _ runs: Int, _ report: inout Report) async throws {
        var longest: [String: [Double]] = [:]
        var order: [String] = []
        func note(_ what: String, _ body: @escaping @Sendable () throws -> Void) async throws {
            if longest[what] == nil { order.append(what) }
            longest[what, default: []].append(try await wait(beside: cache, body).longest)
        }
        let count = count
        for _ in 0..<runs {
            try await note("nothing, for a second") { Thread.sleep(forTimeInterval: 1) }
            try await note("SET of a million keys, one after the other") {
                try cache.send(count) { "SET key:\($0) value PX 100000000" }
            }
            try cache.send(count / 1000) { part in
                "SADD large " + (0..<1000).map { "member:\(part * 1000 + $0)" }.joined(separator: " ")
            }
            try await note("DEL of a set of a million") {
                try cache.ask("DEL large")
                Thread.sleep(forTimeInterval: 0.5)
            }
            let due = Int(Date().timeIntervalSince1970 * 1000) + (options.isSmoke ? 500 : 8000)
            try cache.send(count) { "PEXPIREAT key:\($0) \(due)" }
            try await note("a million keys whose time ends at once") {
                Thread.sleep(until: Date(timeIntervalSince1970: Double(due) / 1000 + 2))
            }
            try cache.send(count) { "SET key:\($0) value" }
            try await note("FLUSHALL of a million keys") {
                try cache.ask("FLUSHALL")
                Thread.sleep(forTimeInterval: 0.5)
            }
        }
        for what in order {
            report.add("longest wait for PING", what + of, "ms", longest[what] ?? [], must: of.isEmpty ? 2 : nil)
        }
    }

    /// One tenant runs scripts that never end by themselves; another one's client asks.
    private func besideABusyTenant(_ daemon: ChildProcess, _ runs: Int, _ report: inout Report) async throws {
        let (busy, calm) = (try await broker.cache("busy", of: daemon), try await broker.cache("calm", of: daemon))
        let loop = options.isSmoke ? "1e6" : "3e8"
        var (p99, longest): ([Double], [Double]) = ([], [])
        for _ in 0..<runs {
            let waits = try await wait(beside: calm) {
                try busy.ask("EVAL \"for i = 1, \(loop) do end return 1\" 0")
            }
            p99.append(waits.p99)
            longest.append(waits.longest)
        }
        report.add("one tenant beside another one's script", "PING, p99", "ms", p99, must: 2)
        report.add("one tenant beside another one's script", "PING, longest", "ms", longest)
    }

    /// The waits of a client that asks all the time while `body` runs, in milliseconds.
    private func wait(
        beside cache: MeasuredCache, _ body: @escaping @Sendable () throws -> Void
    ) async throws -> (p99: Double, longest: Double) {
        let isDone = Flag()
        let work = onThread {
            defer { isDone.set() }
            try body()
        }
        let asking = onThread {
            let client = try cache.connect()
            var waits: [Double] = []
            while !isDone.isSet {
                let began = ContinuousClock.now
                try client.send("PING\r\n")
                _ = try client.receive(until: "\r\n")
                waits.append((ContinuousClock.now - began).milliseconds)
                // A client that asks without a pause takes a core of its own.
                Thread.sleep(forTimeInterval: 0.0002)
            }
            return waits.sorted()
        }
        try await work.value
        let waits = try await asking.value
        guard let longest = waits.last else { throw BenchmarkFailure("nobody asked") }
        return (waits[waits.count * 99 / 100], longest)
    }
}
