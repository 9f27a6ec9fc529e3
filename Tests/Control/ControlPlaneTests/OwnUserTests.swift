import BrokerModel
import TestKit
import Testing

@testable import ControlPlane

/// Users that the broker makes at a server elsewhere: one for each attachment, where it may.
@Suite(.requires(.redisServer)) struct OwnUserTests {
    private func users(_ owner: RedisClient) throws -> [String] {
        try owner.lines("ACL USERS").filter { $0.hasPrefix("broker-") }.sorted()
    }

    @Test func `each attachment has a user of its own, which goes with it`() async throws {
        try await RealServer.run(.redisServer, secret: "pw") { server in
            let url = "redis://:pw@127.0.0.1:\(server.port ?? 0)/2"
            let owner = try RedisClient(url)
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: url)
                try await broker.attach("cache", to: "worker")
                let web = try RedisClient(try await broker.variable("CACHE_URL"))
                let worker = try RedisClient(try await broker.variable("CACHE_URL", of: "worker"))
                #expect(try web.ask("SET k v") == "+OK")
                #expect(try worker.ask("GET k") == "v")
                #expect(try users(owner).count == 2)
                #expect(try owner.ask("SELECT 2") == "+OK")
                #expect(try owner.ask("GET k") == "v")
                #expect(try await broker.resource("cache")?.access == "own-users")

                // No script of an app's leaves its database, stops the server, or makes users.
                for command in [
                    "'SELECT','0'", "'FLUSHALL'", "'SWAPDB','0','2'", "'ACL','USERS'", "'CONFIG','SET','a','b'",
                ] {
                    let answer = try web.ask("EVAL \"return redis.call(\(command))\" 0")
                    #expect(answer.hasPrefix("-"), "\(command): \(answer)")
                    #expect(
                        ["permission", "not allowed", "can't run"].contains { answer.contains($0) },
                        "\(command): \(answer)")
                }
                #expect(try web.ask("FLUSHALL") == "+OK")
                #expect(try worker.ask("DBSIZE") == ":0")

                // Somebody else on the same connection is somebody else there.
                let secret = try ProviderURL(try await broker.variable("CACHE_URL", of: "worker")).secret?.reveal { $0 }
                #expect(try web.ask("AUTH \(secret ?? "")") == "+OK")
                #expect(try web.ask("SET k2 v") == "+OK")

                try await broker.detach("cache", from: "worker")
                #expect(try users(owner).count == 1)
                try await broker.destroy("cache", force: true)
                #expect(try users(owner).isEmpty)
            }
        }
    }

    @Test func `rule 11: a user that the server has forgotten is made again`() async throws {
        try await RealServer.run(.redisServer, secret: "pw") { server in
            let url = "redis://:pw@127.0.0.1:\(server.port ?? 0)/0"
            let owner = try RedisClient(url)
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: url)
                let text = try await broker.variable("CACHE_URL")
                #expect(try RedisClient(text).ask("SET k v") == "+OK")
                let made = try users(owner)
                #expect(made.count == 1)
                // As a restart does without an aclfile.
                #expect(try owner.ask("ACL DELUSER \(made[0])") == ":1")
                #expect(try RedisClient(text).ask("GET k") == "v")
                #expect(try users(owner) == made)
                // One that has another secret by now, too.
                #expect(try owner.ask("ACL SETUSER \(made[0]) resetpass >other") == "+OK")
                #expect(try RedisClient(text).ask("GET k") == "v")
            }
        }
    }

    @Test func `where none can be made the gateway alone guards access, and status says so`() async throws {
        try await RealServer.run(.redisServer) { server in
            let owner = try RedisClient("redis://127.0.0.1:\(server.port ?? 0)")
            #expect(try owner.ask("ACL SETUSER app on >pw allkeys allchannels +@all -acl") == "+OK")
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: "redis://app:pw@127.0.0.1:\(server.port ?? 0)/0")
                let web = try RedisClient(try await broker.variable("CACHE_URL"))
                #expect(try web.ask("SET k v") == "+OK")
                #expect(try users(owner).isEmpty)
                #expect(try await broker.resource("cache")?.access == "gateway")
            }
        }
    }

    @Test func `a swap makes them at the target, and takes them away at the source`() async throws {
        try await RealServer.run(.redisServer, secret: "one") { first in
            try await RealServer.run(.redisServer, secret: "two") { second in
                try await BrokerUnderTest.run { broker in
                    let (here, there) = (
                        "redis://:one@127.0.0.1:\(first.port ?? 0)/0", "redis://:two@127.0.0.1:\(second.port ?? 0)/0"
                    )
                    let (owner, other) = (try RedisClient(here), try RedisClient(there))
                    try await broker.attach("cache", provider: here)
                    let web = try RedisClient(try await broker.variable("CACHE_URL"))
                    let subscriber = try RedisClient(try await broker.variable("CACHE_URL"))
                    try subscriber.socket.send("SUBSCRIBE news\r\n")
                    _ = try subscriber.socket.receive(until: ":1\r\n")
                    try web.ask("SET k v")
                    #expect(try users(owner).count == 1)
                    try await broker.swap("cache", to: there, cold: false, maxPause: 5000, undoWindow: 0)
                    #expect(try web.ask("GET k") == "v")
                    #expect(try web.ask("PUBLISH news it") == ":1")
                    _ = try subscriber.socket.receive(until: "it\r\n")
                    #expect(try users(owner).isEmpty)
                    #expect(try users(other).count == 1)
                }
            }
        }
    }
}
