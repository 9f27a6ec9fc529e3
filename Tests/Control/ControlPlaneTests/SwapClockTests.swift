import BrokerModel
import EventLoop
import TestKit
import Testing

@testable import ControlPlane

/// Keys live as long at a real server as they would have at an emulator whose clock was moved, and the other way round.
@Suite(.requires(.redisServer)) struct SwapClockTests {
    private static let hour: Int64 = 3_600_000

    private func move(
        _ broker: BrokerUnderTest, _ action: ClockRequest.Action, to: Int64? = nil, by: Int64? = nil
    ) async throws {
        _ = try await broker.plane.moveClock(
            ClockRequest(resources: ["cache"], action: action, to: to, by: by), in: broker.workspace)
    }

    private func life(_ client: RedisClient, _ key: String) throws -> Int {
        try #require(Int(try client.ask("TTL \(key)").dropFirst()))
    }

    private static func isAbout(_ seconds: Int, _ life: Int) -> Bool { (seconds - 60...seconds).contains(life) }

    @Test(arguments: [hour, -hour])
    func `keys take their remaining life along from a clock that was moved, and back`(by: Int64) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET early v EX 5000")
            try await move(broker, .advance, by: by)
            for command in ["SET e v EX 100", "SETEX f 200 v", "RPUSH list a", "EXPIRE list 300"] {
                #expect(!(try client.ask(command)).hasPrefix("-"))
            }
            let there = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(there.copy?.verified ?? 0 >= 4)
            #expect(Self.isAbout(5000 - Int(by / 1000), try life(client, "early")))
            for (key, seconds) in [("e", 100), ("f", 200), ("list", 300)] {
                #expect(Self.isAbout(seconds, try life(client, key)), "\(key)")
            }
            // Written at the server, and at both.
            for command in ["SET n v EX 200", "SET m v PX 400000", "EXPIRE e 150", "PERSIST f"] {
                #expect(!(try client.ask(command)).hasPrefix("-"))
            }
            try await broker.rollback("cache")
            for (key, seconds) in [("n", 200), ("m", 400), ("e", 150), ("list", 300)] {
                #expect(Self.isAbout(seconds, try life(client, key)), "\(key)")
            }
            #expect(try life(client, "f") == -1)
        }
    }

    @Test func `a clock that stands still does not at the server, and stands again behind the way back`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try await move(broker, .freeze)
            try await move(broker, .advance, by: -Self.hour)
            try client.ask("SET e v EX 100")
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(Self.isAbout(100, try life(client, "e")))
            try client.ask("SET short v PX 1")
            try await eventually("it is over there") { try client.ask("EXISTS short") == ":0" }
            try client.ask("SET n v EX 200")
            let before = try #require(Int(try client.ask("PTTL n").dropFirst()))
            try await broker.rollback("cache")
            let after = try #require(Int(try client.ask("PTTL n").dropFirst()))
            #expect((before - 60_000...before).contains(after))
            let clock = try await broker.plane.moveClock(
                ClockRequest(resources: ["cache"], action: .show), in: broker.workspace)
            #expect(clock.resources.map(\.frozen) == [true])
            #expect(try client.ask("PTTL n") == ":\(after)")
        }
    }

    @Test func `a clock that is moved since a swap is told before a rollback, and another swap carries it`()
        async throws
    {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try await broker.swap("cache", to: "emulator", cold: false, maxPause: 5000)
            try await move(broker, .advance, by: -6 * Self.hour)
            try client.ask("SET sess v EX 3600")
            let error = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
            #expect(error?.why.contains("its clock was moved") == true)
            #expect(error?.fix == "broker swap cache --to exec:redis-server")
            #expect(try await broker.resource("cache")?.provider == "emulator")
            #expect(Self.isAbout(3600, try life(client, "sess")))
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(Self.isAbout(3600, try life(client, "sess")))
        }
    }

    @Test func `a key whose time is over at the target alone is told by its cause, and the fix works`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try await move(broker, .freeze)
            // The copy takes longer than it lives.
            for number in 0..<3000 { try client.ask("SET filler:\(number) v") }
            try client.ask("SET short v PX 1")
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            }
            #expect(error?.why.contains("the clock of \"cache\" stands still") == true)
            #expect(error?.fix == "broker clock resume cache && broker swap cache --to exec:redis-server")
            #expect(try client.ask("GET short") == "v")
            try await move(broker, .resume)
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
        }
    }
}
