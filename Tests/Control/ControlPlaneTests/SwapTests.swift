import BrokerModel
import Gateway
import Ledger
import Processes
import ProviderKit
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

@Suite struct SwapTests {
    @Test(.requires(.redisServer))
    func `invariant (viii): a swap to a server that runs keeps URL, alias and credential, and copies nothing`()
        async throws
    {
        try await RealServer.run(.redisServer, secret: "pr0vider") { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let before = try await broker.variables()
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k emulated")

                let outcome = try await broker.swap("cache", to: "redis://:pr0vider@127.0.0.1:\(server.port ?? 0)/0")
                #expect(outcome.cold)
                #expect(outcome.closed == 1)
                #expect(outcome.from == "emulator")
                #expect(outcome.to == "redis://127.0.0.1:\(server.port ?? 0)/0")
                #expect(outcome.server?.hasPrefix("redis ") == true)
                #expect(outcome.releases == ["web": 2])
                #expect(outcome.pause > 0)
                #expect(outcome.undo == "broker swap cache --to emulator")
                #expect(client.isClosed)

                #expect(try await broker.variables() == before)
                let again = try RedisClient(try await broker.variable("CACHE_URL"))
                #expect(try again.ask("GET k") == "$-1")
                try again.ask("SET k real")
                #expect(try await broker.resource("cache")?.provider == outcome.to)
                #expect(try await broker.resource("cache")?.plan == "durable")

                // Back again: the server's data is left alone.
                let back = try await broker.swap("cache", to: "emulator")
                #expect(back.undo == "broker swap cache --to \(outcome.to) --secret-file -")
                #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("GET k") == "$-1")
                let direct = try RedisClient("redis://:pr0vider@127.0.0.1:\(server.port ?? 0)/0")
                #expect(try direct.ask("GET k") == "real")
                #expect(broker.files(containing: "pr0vider") == [])
            }
        }
    }

    @Test(.requires(.redisServer))
    func `a server that has moved is followed, and one that has not keeps its clients`() async throws {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await BrokerUnderTest.run { broker in
                    try await broker.attach("cache")
                    let there = Upstream.RedisServer(address: first.address, user: nil, secret: nil, database: 0)
                    broker.fake.server = there
                    try await broker.swap("cache", to: "exec:fake")
                    let client = try RedisClient(try await broker.variable("CACHE_URL"))
                    try client.ask("SET place first")

                    let backing = try #require(
                        try await broker.ledger.read { reader in try reader.backings().map(\.id).first })
                    let moved = HealthReport(backing: backing, health: .moved(to: "elsewhere"))
                    broker.fake.reports.yield(moved)
                    try await eventually("it was looked at again") {
                        broker.fake.calls.filter { $0 == .provision }.count == 2
                    }
                    #expect(try client.ask("GET place") == "first")

                    broker.fake.server?.address = second.address
                    broker.fake.reports.yield(moved)
                    try await eventually("the client is closed") { client.isClosed }
                    let again = try RedisClient(try await broker.variable("CACHE_URL"))
                    #expect(try again.ask("GET place") == "$-1")
                    let events = try await broker.plane.logs(
                        in: broker.workspace, source: "cache", last: nil, after: nil
                    ).entries
                    #expect(events.contains { $0.message == "its server is at elsewhere now" })
                }
            }
        }
    }

    @Test(.requires(.redisServer))
    func `a swap to a server process and back leaves no process and no folder`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let outcome = try await broker.swap("cache", to: "exec:redis-server")
            #expect(outcome.server?.hasPrefix("redis ") == true)
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("SET k v") == "+OK")
            let process = try #require(await broker.exec.servers.values.first?.process.identity)
            #expect(process.isAlive)
            try await broker.swap("cache", to: "emulator")
            #expect(!process.isAlive)
            #expect(broker.names(in: "resources").isEmpty)
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
        }
    }

    @Test func `a target that cannot be reached changes nothing`() async throws {
        let port = try FreePort.find()
        let silent = try Stranger(port: port, listens: false)
        defer { silent.close() }
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "redis://127.0.0.1:\(port)")
            }
            #expect(error?.code == .serverUnreachable)
            #expect(try client.ask("GET k") == "v")
            #expect(try await broker.status().apps.first?.release == 1)
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
        }
    }

    @Test(.requires(.redisServer))
    func `wrong credentials change nothing`() async throws {
        try await RealServer.run(.redisServer, secret: "right") { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: "redis://:wr0ng@127.0.0.1:\(server.port ?? 0)")
                }
                #expect(error?.code == .credentialsRefused)
                #expect(error?.description.contains("wr0ng") == false)
                #expect(try await broker.resource("cache")?.provider == "emulator")
            }
        }
    }

    @Test(.requires(.beanstalkd))
    func `a server of another class changes nothing`() async throws {
        try await RealServer.run(.beanstalkd) { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: "redis://127.0.0.1:\(server.port ?? 0)")
                }
                #expect(error?.code == .wrongServer)
            }
        }
    }

    @Test(arguments: [("exec:no-such-server-4711", ErrorCode.programNotFound), ("exec:true", .wrongServer)])
    func `a program that is missing or is no redis server changes nothing`(
        provider: String, code: ErrorCode
    ) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let error = await #expect(throws: BrokerError.self) { try await broker.swap("cache", to: provider) }
            #expect(error?.code == code)
            #expect(try await broker.resource("cache")?.provider == "emulator")
        }
    }

    @Test func `across classes is refused with a fix`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("db")
            let error = await #expect(throws: BrokerError.self) { try await broker.swap("db", to: "exec:redis-server") }
            #expect(error?.code == .acrossClasses)
            #expect(error?.code.exitCode == 7)
            #expect(error?.what == "cannot swap across classes: db is sqlite, target is redis")
            #expect(
                error?.fix
                    == "broker create db2 --class redis --provider exec:redis-server && broker attach db2 --to web --as DB_2"
            )
        }
    }

    @Test(arguments: [
        ("queue", "exec:beanstalkd", ErrorCode.unsupported), ("cache", "exec:beanstalkd", .acrossClasses),
        ("queue", "exec:redis-server", .acrossClasses), ("queue", "redis://h", .acrossClasses),
    ])
    func `a program of a class that it cannot serve here is told from one of another class`(
        resource: String, provider: String, code: ErrorCode
    ) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create(resource)
            let error = await #expect(throws: BrokerError.self) { try await broker.swap(resource, to: provider) }
            #expect(error?.code == code)
            #expect(error?.fix?.isEmpty == false)
            if code == .unsupported {
                #expect(error?.why.contains("class beanstalk is served by the emulator") == true)
            }
        }
    }

    @Test func `the same provider is no swap`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache")
            let error = await #expect(throws: BrokerError.self) { try await broker.swap("cache", to: "emulator") }
            #expect(error?.code == .providerUnchanged)
        }
    }

    @Test(.requires(.redisServer))
    func `rule 2: a direct attachment is named and keeps the swap from happening`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server", direct: true)
            let client = try RedisClient(try await broker.variable("CACHE_URL").replacing("?db=0", with: ""))
            #expect(try client.ask("SET k direct") == "+OK")
            let error = await #expect(throws: BrokerError.self) { try await broker.swap("cache", to: "emulator") }
            #expect(error?.code == .unsafe)
            #expect(
                error?.fix == "broker detach cache --from web --as CACHE && broker swap cache --to emulator")
        }
    }
}
