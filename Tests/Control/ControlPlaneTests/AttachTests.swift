import BrokerModel
import EventLoop
import TestKit
import Testing

@testable import ControlPlane

@Suite struct AttachTests {
    @Test func `attach makes what is missing, and the URL works`() async throws {
        try await BrokerUnderTest.run { broker in
            let outcome = try await broker.attach("cache")
            #expect(outcome.created)
            #expect(outcome.attached)
            #expect(outcome.release == 1)
            #expect(outcome.resource.state == "ready")
            #expect(outcome.resource.port == Int(broker.ports.lowerBound))
            #expect(outcome.attachment.variables == ["CACHE_URL", "REDIS_URL"])
            let variables = try await broker.variables()
            #expect(Set(variables.keys) == ["CACHE_URL", "REDIS_URL"])
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("SET k v") == "+OK")
            #expect(try RedisClient(try await broker.variable("REDIS_URL")).ask("GET k") == "v")
        }
    }

    @Test func `the same attachment again changes nothing`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let before = try await broker.variables()
            let again = try await broker.attach("cache")
            #expect(!again.attached)
            #expect(!again.created)
            #expect(again.release == 1)
            #expect(try await broker.variables() == before)
        }
    }

    @Test func `a taken alias leaves nothing behind, and its fix works`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let error = await #expect(throws: BrokerError.self) {
                try await broker.attach("sessions", as: "CACHE", class: "redis")
            }
            #expect(error?.code == .aliasTaken)
            #expect(try await broker.status().resources.map(\.name) == ["cache"])
            #expect(FreePort.isFree(broker.ports.lowerBound + 1))
            try await broker.attach("sessions", as: "CACHE_2", class: "redis")
            let variables = try await broker.variables()
            #expect(Set(variables.keys) == ["CACHE_URL", "REDIS_URL", "CACHE_2_URL"])
            #expect(variables["REDIS_URL"] == variables["CACHE_URL"])
        }
    }

    @Test func `a name that suggests no class is refused with a fix, and nothing is made`() async throws {
        try await BrokerUnderTest.run { broker async throws in
            let error = await #expect(throws: BrokerError.self) { try await broker.attach("sessions") }
            #expect(error?.code == .classUnknown)
            #expect(error?.fix == "broker attach sessions --to web --class redis")
            #expect(try await broker.status().resources.isEmpty)
        }
    }

    @Test func `two apps share a resource with a credential each`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", to: "web")
            try await broker.attach("cache", to: "worker")
            let (web, worker) = (
                try await broker.variable("CACHE_URL"), try await broker.variable("CACHE_URL", of: "worker")
            )
            #expect(web != worker)
            #expect(web.hasPrefix("redis://web:"))
            #expect(worker.hasPrefix("redis://worker:"))
            try RedisClient(web).ask("SET k shared")
            #expect(try RedisClient(worker).ask("GET k") == "shared")
        }
    }

    @Test func `one app attaches a resource twice under two aliases`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let second = try await broker.attach("cache", as: "SECOND")
            #expect(second.release == 2)
            #expect(second.attachment.variables == ["SECOND_URL"])
            #expect(try await broker.variable("SECOND_URL").hasPrefix("redis://web-2:"))
        }
    }

    @Test func `every attachment of a queue has a port of its own`() async throws {
        try await BrokerUnderTest.run { broker in
            let web = try await broker.attach("queue")
            let worker = try await broker.attach("queue", to: "worker")
            #expect(web.resource.port == nil)
            #expect(web.attachment.port != worker.attachment.port)
            let url = try await broker.variable("BEANSTALK_URL", of: "worker")
            #expect(url == "beanstalk://127.0.0.1:\(worker.attachment.port ?? 0)")
            let producer = try SocketClient(to: .tcp(host: "127.0.0.1", port: UInt16(web.attachment.port ?? 0)))
            try producer.send("put 0 0 60 2\r\nhi\r\n")
            #expect(try producer.receive(until: "\r\n").starts(with: "INSERTED".utf8))
            let consumer = try SocketClient(to: .tcp(host: "127.0.0.1", port: UInt16(worker.attachment.port ?? 0)))
            try consumer.send("reserve-with-timeout 5\r\n")
            #expect(try consumer.receive(until: "hi\r\n").starts(with: "RESERVED".utf8))
        }
    }

    @Test func `a store is a file that is attached directly`() async throws {
        try await BrokerUnderTest.run { broker in
            let outcome = try await broker.attach("db")
            #expect(outcome.attachment.mode == "direct")
            #expect(outcome.resource.port == nil)
            let path = try #require(outcome.resource.path)
            #expect(try await broker.variable("DATABASE_URL") == "sqlite:///" + path)
            #expect(path.hasPrefix("/"))
            let again = try await broker.attach("db", direct: true)
            #expect(!again.attached)
        }
    }

    @Test func `direct is refused for an emulator of a networked class, with the reason`() async throws {
        try await BrokerUnderTest.run { broker async throws in
            let error = await #expect(throws: BrokerError.self) { try await broker.attach("cache", direct: true) }
            #expect(error?.code == .unsupported)
            #expect(error?.why.contains("emulator") == true)
            #expect(try await broker.status().resources.isEmpty)
        }
    }

    @Test func `a resource that is there and differs is not taken for the one that was asked for`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache")
            let classes = await #expect(throws: BrokerError.self) { try await broker.attach("cache", class: "sqlite") }
            #expect(classes?.code == .resourceExists)
            let providers = await #expect(throws: BrokerError.self) {
                try await broker.attach("cache", provider: "exec:redis-server")
            }
            #expect(providers?.code == .resourceExists)
            #expect(providers?.fix == "broker swap cache --to exec:redis-server")
        }
    }

    @Test(
        arguments: [("Cache", "web", nil), ("cache", "Web", nil), ("cache", "web", "lower")]
            as [(String, String, String?)])
    func `names are checked`(resource: String, app: String, alias: String?) async throws {
        try await BrokerUnderTest.run { broker in
            let error = await #expect(throws: BrokerError.self) {
                try await broker.attach(resource, to: app, as: alias)
            }
            #expect(error?.code == .invalidName)
        }
    }

    @Test func `when the ports are used up the error says so, and nothing is left behind`() async throws {
        try await BrokerUnderTest.run(ports: 1) { broker in
            try await broker.attach("cache")
            let error = await #expect(throws: BrokerError.self) { try await broker.attach("other", class: "redis") }
            #expect(error?.code == .portsExhausted)
            #expect(try await broker.status().resources.map(\.name) == ["cache"])
            try await broker.destroy("cache", force: true)
            try await broker.attach("other", class: "redis")
        }
    }
}
