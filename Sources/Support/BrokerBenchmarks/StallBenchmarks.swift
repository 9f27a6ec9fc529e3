import Foundation
import Processes
import TestKit

/// How long a client waits for PING while somebody else has the server do something large: the longest of its waits. The
/// system's own share is in it; the row "nothing" says what that is. On Linux each wait is also told without the time in
/// which the server or the client had no processor, and that is held against the gate.
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
            let kept = try await broker.cache("kept", of: daemon, plan: "durable")
            for (name, cache, kept) in [("", ours, kept), (" (redis-server)", peer, peer)] {
                try await measure(cache, saving: kept, name, runs, &report)
            }
        }
        try await besideABusyTenant(daemon, runs, &report)
        await daemon.terminate(grace: .seconds(5))
    }

    /// - Parameter kept: one that can save what it has.
    private func measure(
        _ cache: MeasuredCache, saving kept: MeasuredCache, _ of: String, _ runs: Int, _ report: inout Report
    ) async throws {
        var (longest, own): ([String: [Double]], [String: [Double]]) = ([:], [:])
        var order: [String] = []
        func note(
            _ what: String, at cache: MeasuredCache = cache, _ body: @escaping @Sendable () throws -> Void
        ) async throws {
            if longest[what] == nil { order.append(what) }
            let waits = try await wait(beside: cache, body)
            longest[what, default: []].append(waits.longest)
            if let longest = waits.longestOwn { own[what, default: []].append(longest) }
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
            try kept.send(count) { "SET key:\($0) value" }
            try await note("BGSAVE of a million keys", at: kept) { try Self.save(kept) }
            try kept.ask("FLUSHALL")
        }
        for what in order {
            let must: Double? = of.isEmpty ? 2 : nil
            report.add(
                "longest wait for PING", what + of, "ms", longest[what] ?? [], must: own[what] == nil ? must : nil)
            report.add("the same while it had a processor", what + of, "ms", own[what] ?? [], must: must)
        }
    }

    private static func save(_ cache: MeasuredCache) throws {
        let client = try cache.connect()
        try client.send("BGSAVE\r\n")
        _ = try client.receive(until: "\r\n")
        var answer = ""
        repeat {
            Thread.sleep(forTimeInterval: 0.02)
            try client.send("INFO persistence\r\n")
            answer = String(decoding: try client.receive(until: "\r\n\r\n"), as: UTF8.self)
        } while !answer.contains("rdb_bgsave_in_progress:0")
        guard answer.contains("rdb_last_bgsave_status:ok") else { throw BenchmarkFailure("BGSAVE has failed") }
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
    ) async throws -> Waits {
        let (isDone, isReady) = (Flag(), Flag())
        let work = onThread {
            defer { isDone.set() }
            while !isReady.isSet { Thread.sleep(forTimeInterval: 0.001) }
            try body()
        }
        let asking = onThread {
            defer { isReady.set() }
            let client = try cache.connect()
            func ask() throws {
                try client.send("PING\r\n")
                _ = try client.receive(until: "\r\n")
            }
            let queue = try RunQueueWait(ofServer: cache.pid) { for _ in 0..<1000 { try ask() } }
            defer { queue?.close() }
            isReady.set()
            var waits = Waits()
            while !isDone.isSet {
                let queued = queue?.sum() ?? 0
                let began = ContinuousClock.now
                try ask()
                let wait = (ContinuousClock.now - began).milliseconds
                waits.all.append(wait)
                if let queue { waits.longestOwn = max(waits.longestOwn ?? 0, wait - (queue.sum() - queued)) }
                // A client that asks without a pause takes a core of its own.
                Thread.sleep(forTimeInterval: 0.0002)
            }
            return waits
        }
        try await work.value
        let waits = try await asking.value
        guard !waits.all.isEmpty else { throw BenchmarkFailure("nobody asked") }
        return waits
    }

    /// In milliseconds.
    private struct Waits {
        var all: [Double] = []
        /// The longest without what was spent waiting for a processor.
        var longestOwn: Double?

        var longest: Double { all.max() ?? 0 }
        var p99: Double { all.sorted()[all.count * 99 / 100] }
    }
}
