import BrokerClient
import BrokerModel
import Foundation
import Processes
import TestKit
import Testing

/// Leases of real servers: what runs ahead of need is fresh, is one lease's, and does not stay.
@Suite(.serialized, .requires(.redisServer)) struct WarmServerTests {
    private static let request = LeaseRequest(resources: [
        LeaseWish(name: "cache", provider: try? ProviderDocument("exec:redis-server"))
    ])

    @Test func `a lease takes a server that runs already, and no other gets it again`() async throws {
        try await withDaemon { broker, client in
            var seen: Set<Int32> = []
            for _ in 0..<2 { try await use(client, &seen) }
            for _ in 0..<4 {
                try await eventually("one is ready") { try await client.leases(in: .default).warm == [Self.name: 1] }
                let ready = try Self.servers(of: broker)
                #expect(ready.count == 1)
                let pid = try await use(client, &seen)
                #expect(ready.contains(pid), "it was not the one that was ready")
            }
            #expect(seen.count == 6, "a server was used twice")
            let list = try await broker.run("lease", "ls")
            #expect(list.error.contains("1 server of exec:redis-server kept ready"))
            let left = try Self.servers(of: broker).compactMap(ProcessIdentity.init(of:))
            try await broker.succeed("daemon", "stop")
            for server in left { #expect(!server.isAlive) }
            #expect(try Self.servers(of: broker).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: broker.home + "/leases").isEmpty)
        }
    }

    @Test func `a server that has ended while nobody had it is not handed out`() async throws {
        try await withDaemon { broker, client in
            var seen: Set<Int32> = []
            for _ in 0..<2 { try await use(client, &seen) }
            try await eventually("one is ready") { try await client.leases(in: .default).warm == [Self.name: 1] }
            let ready = try #require(try Self.servers(of: broker).first.flatMap(ProcessIdentity.init(of:)))
            ready.signal(SIGKILL)
            #expect(await ready.end(within: .seconds(5)))
            try await use(client, &seen)
            #expect(!seen.contains(ready.pid))
        }
    }

    @Test func `what was ready when the daemon was killed is removed by the next one`() async throws {
        try await withDaemon { broker, client in
            var seen: Set<Int32> = []
            for _ in 0..<2 { try await use(client, &seen) }
            try await eventually("one is ready") { try await client.leases(in: .default).warm == [Self.name: 1] }
            let ready = try #require(try Self.servers(of: broker).first.flatMap(ProcessIdentity.init(of:)))
            try await broker.killDaemon()
            #expect(ready.isAlive)
            try await broker.succeed("daemon", "start")
            #expect(await ready.end(within: .seconds(10)))
            try await eventually("nothing is left") {
                try FileManager.default.contentsOfDirectory(atPath: broker.home + "/leases").isEmpty
            }
        }
    }

    // MARK: parts

    private static let name = "exec:redis-server"

    private func withDaemon(_ body: (Broker, BrokerClient) async throws -> Void) async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let client = BrokerClient(socket: try #require(broker.daemon).socket)
            do {
                try await body(broker, client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    /// Takes a lease, finds it empty, writes to it and gives it back; returns its server's process.
    @discardableResult
    private func use(_ client: BrokerClient, _ seen: inout Set<Int32>) async throws -> Int32 {
        let lease = try await client.lease(Self.request, in: .default)
        let url = try #require(lease.variables.first?.value)
        #expect(try await redis(url, "DBSIZE") == ":0\r\n")
        #expect(try await redis(url, "SET left 1") == "+OK\r\n")
        let connection = try redisClient(url)
        try connection.send("INFO server\r\n")
        let text = String(decoding: try connection.receive(until: "config_file:"), as: UTF8.self)
        let pid = try #require(
            text.split(separator: "\r\n").first { $0.hasPrefix("process_id:") }.flatMap { Int32($0.dropFirst(11)) })
        seen.insert(pid)
        #expect(try await client.endLease(lease.id, in: .default).ended)
        return pid
    }

    /// The servers whose data is in the daemon's folder: pids, as their folders' records tell them.
    private static func servers(of broker: Broker) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: broker.home + "/leases").compactMap { name in
            guard let data = FileManager.default.contents(atPath: "\(broker.home)/leases/\(name)"),
                let facts = try JSONSerialization.jsonObject(with: data) as? [String: Any],
                let memory = facts["memory"] as? [String: String]
            else { return nil }
            return memory["pid"].flatMap { Int32($0) }
        }
    }
}
