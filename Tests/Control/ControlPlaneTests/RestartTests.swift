import BrokerModel
import Foundation
import Ledger
import ProviderKit
import TestKit
import Testing

@testable import ControlPlane

@Suite struct RestartTests {
    @Test(arguments: [false, true])
    func `a restart brings everything back on the same ports with the same credentials`(afterKill: Bool) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            try await broker.attach("queue")
            try await broker.attach("db")
            let before = try await broker.variables()
            let resources = try await broker.status().resources
            try RedisClient(try await broker.variable("CACHE_URL")).ask("SET k v")
            try await broker.restart(afterKill: afterKill)
            #expect(try await broker.variables() == before)
            #expect(try await broker.status().resources == resources)
            // In this version an emulator's data does not survive.
            #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("GET k") == "$-1")
        }
    }

    @Test func `a port that somebody else took is named with its owner, and comes back when it is free`() async throws {
        try await BrokerUnderTest.run { broker in
            let port = UInt16(try await broker.attach("cache").resource.port ?? 0)
            await broker.stop()
            let stranger = try Stranger(port: port)
            try await broker.restart(afterKill: true)
            let taken = try #require(try await broker.resource("cache"))
            #expect(taken.state == "port-taken")
            #expect(taken.port == Int(port))
            #if os(Linux)
            #expect(taken.detail?.contains("pid \(ownPid)") == true)
            #endif
            // Nobody moves: a new resource gets another port.
            let other = try await broker.create("other", class: "redis")
            #expect(other.resource.port != Int(port))

            await broker.clock.sleepers(atLeast: 1)
            broker.clock.advance(by: .seconds(1))
            await broker.clock.sleepers(atLeast: 1)
            #expect(try await broker.resource("cache")?.state == "port-taken")
            let told = try await broker.plane.logs(in: broker.workspace, source: "cache", last: nil, after: nil).entries
            // Once, however often it was tried.
            #expect(told.filter { $0.message.hasPrefix("port-taken: port \(port)") }.count == 1)
            stranger.close()
            // What is being tried now has to be over: a resource is tried once at a time.
            await broker.clock.sleepers(atLeast: 1)
            for task in await broker.plane.bringing.values { await task.value }
            broker.clock.advance(by: .seconds(1))
            try await broker.isEventually("ready", "cache")
            #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("PING") == "+PONG")
        }
    }

    @Test func `a resource whose server is slow to come back can be destroyed meanwhile`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache", provider: "exec:fake")
            let (gate, opening) = AsyncStream.makeStream(of: Void.self)
            broker.gateFromTheStart = gate
            try await broker.restart(afterKill: true)
            try await broker.destroy("cache")
            #expect(try await broker.status().resources.isEmpty)
            opening.finish()
        }
    }

    @Test func `a server that its provider brings back is not started a second time`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:fake")
            let calls = broker.fake.calls.count
            let backing = try #require(try await broker.ledger.read { try $0.backings() }.first)
            broker.fake.reports.yield(HealthReport(backing: backing.id, health: .failed("it loads")))
            try await broker.isEventually("failed", "cache")
            for _ in 0..<60 {
                await broker.clock.sleepers(atLeast: 1)
                broker.clock.advance(by: .seconds(1))
            }
            #expect(broker.fake.calls.count == calls)
            broker.fake.reports.yield(HealthReport(backing: backing.id, health: .ready))
            try await broker.isEventually("ready", "cache")
        }
    }

    @Test func `after a stop the control plane takes no more operations`() async throws {
        try await BrokerUnderTest.run { broker in
            await broker.plane.stop()
            let error = await #expect(throws: BrokerError.self) { try await broker.attach("cache") }
            #expect(error?.code == .daemonNotRunning)
        }
    }

    @Test(.requires(.redisServer), arguments: [false, true])
    func `a durable cache is durable again behind a server that has served it`(cold: Bool) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache", plan: "durable")
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            // The way back goes with the daemon.
            try await broker.restart(afterKill: true)
            try await broker.isEventually("ready", "cache")
            try await broker.swap("cache", to: "emulator", cold: cold, maxPause: 5000)
            #expect(try await broker.resource("cache")?.plan == "durable")
            #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("SET l v") == "+OK")
            try await broker.restart()
            let again = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try again.ask("GET l") == "v")
            #expect(try again.ask("GET k") == (cold ? "$-1" : "v"))
        }
    }

    @Test func `a durable cache whose files are damaged says so at once, by its name, and what to do`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache", plan: "durable")
            try await broker.attach("cache")
            let url = try await broker.variable("CACHE_URL")
            try RedisClient(url).ask("SET k v")
            let folder = try #require(broker.names(in: "resources").first.map { broker.folder.file("resources/\($0)") })
            await broker.stop()
            try Data("nonsense\n".utf8).write(to: URL(filePath: folder + "/appendonly.aof.manifest"))
            try await broker.restart(afterKill: true)
            try await broker.isEventually("failed", "cache")
            let began = ContinuousClock.now
            let refused = #expect(throws: RedisClient.Refused.self) { try RedisClient(url) }
            #expect(refused?.answer.hasPrefix("-LOADING") == true)
            #expect(ContinuousClock.now - began < .seconds(5))

            let errors = [
                await #expect(throws: BrokerError.self) {
                    try await broker.plane.reset("cache", in: broker.workspace)
                },
                await #expect(throws: BrokerError.self) {
                    try await broker.plane.moveClock(
                        ClockRequest(resources: ["cache"], action: .freeze), in: broker.workspace)
                },
            ]
            for error in errors {
                #expect(error?.what == "\"cache\" does not serve")
                #expect(error?.why.contains("is damaged") == true)
                #expect(error?.fix?.hasPrefix("ls -la \(folder)   # ") == true)
            }
            try FileManager.default.removeItem(atPath: folder)
            try await eventually("it serves again") {
                broker.clock.advance(by: .seconds(1))
                return try await broker.resource("cache")?.state == "ready"
            }
            #expect(try RedisClient(url).ask("DBSIZE") == ":0")
        }
    }
}
