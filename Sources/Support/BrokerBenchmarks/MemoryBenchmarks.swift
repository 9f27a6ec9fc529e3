import Foundation
import Processes
import TestKit

/// What a key and an idle connection take of a process's memory, beside redis-server.
struct MemoryBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    func run(into report: inout Report) async throws {
        let (daemon, _) = try await broker.startDaemon()
        let ours = try await broker.cache("memory", of: daemon)
        let keys = options.isSmoke ? 10_000 : 1_000_000
        let connections = options.isSmoke ? 50 : 10_000
        try await besideServer { peer in
            let (own, other) = (try idle(ours, connections), try idle(peer, connections))
            report.add("memory", "an idle connection", "bytes", [own])
            report.add("memory", "an idle connection of redis-server", "bytes", [other])
        }
        // One of its own: keys would take what the connections have left.
        try await besideServer { peer in
            let (a, b) = (try perKey(ours, keys), try perKey(peer, keys))
            report.add("memory", "a key, 16 + 16 bytes", "bytes", [a])
            report.add("memory", "a key of redis-server", "bytes", [b])
            report.add("memory", "a key against redis-server", "ratio", [a / b], must: 0.70, ambitious: 0.50)
        }
        await daemon.terminate(grace: .seconds(5))
    }

    private func besideServer(_ body: (MeasuredCache) throws -> Void) async throws {
        try await RealServer.run(.redisServer, secret: "bench") { server in
            try body(MeasuredCache(pid: server.process.pid, address: server.address, secret: "bench"))
        }
    }

    private func perKey(_ cache: MeasuredCache, _ keys: Int) throws -> Double {
        let before = try cache.residentBytes()
        try cache.send(keys) { number in
            let digits = String(format: "%012d", number)
            return "SET key:\(digits) val:\(digits)"
        }
        // Without what only the sending took.
        try cache.ask("MEMORY PURGE")
        return (try cache.residentBytes() - before) / Double(keys)
    }

    private func idle(_ cache: MeasuredCache, _ connections: Int) throws -> Double {
        try cache.ask("CONFIG SET maxclients \(connections + 100)")
        let before = try cache.residentBytes()
        let clients = try (0..<connections).map { _ in try cache.connect() }
        defer { withExtendedLifetime(clients) {} }
        return (try cache.residentBytes() - before) / Double(connections)
    }
}
