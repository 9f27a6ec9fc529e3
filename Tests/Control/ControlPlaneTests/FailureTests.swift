import BrokerModel
import TestKit
import Testing

@testable import ControlPlane
@testable import Ledger

/// What is left when a part below fails: nothing half-done, and a way on.
@Suite struct FailureTests {
    @Test(arguments: [FakeProvider.Verb.check, .provision, .bind])
    func `an attach whose provider fails leaves nothing behind`(verb: FakeProvider.Verb) async throws {
        try await BrokerUnderTest.run { broker in
            broker.fake.failing = [verb]
            let id = OperationID.random()
            let error = await #expect(throws: BrokerError.self) {
                try await broker.attach("cache", provider: "exec:fake", operation: id)
            }
            #expect(error?.code == .serverUnreachable)
            let status = try await broker.status()
            #expect(status.resources.isEmpty && status.apps.isEmpty)
            #expect(try await broker.ledger.read { try $0.ports() } == [])
            #expect(try await broker.ledger.read { try $0.backings() } == [])
            #expect(FreePort.isFree(broker.ports.lowerBound))

            broker.fake.failing = []
            // An id whose intent was committed keeps its outcome; one that never got so far is free.
            if verb != .check {
                let again = await #expect(throws: BrokerError.self) {
                    try await broker.attach("cache", provider: "exec:fake", operation: id)
                }
                #expect(again == error)
            }
            #expect(try await broker.attach("cache", provider: "exec:fake").release == 1)
        }
    }

    @Test func `a resource that is going is not taken for one that is there`() async throws {
        try await BrokerUnderTest.run { broker in
            broker.fake.failing = [.provision, .deprovision]
            await #expect(throws: BrokerError.self) { try await broker.create("cache", provider: "exec:fake") }
            #expect(try await broker.resource("cache") != nil)
            let error = await #expect(throws: BrokerError.self) {
                try await broker.create("cache", provider: "exec:fake")
            }
            #expect(error?.code != nil)
            broker.fake.failing = []
            try await broker.destroy("cache")
            #expect(try await broker.create("cache", provider: "exec:fake").created)
        }
    }

    @Test func `a second attachment that fails leaves the resource and the first one alone`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:fake")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            broker.fake.failing = [.bind]
            await #expect(throws: BrokerError.self) { try await broker.attach("cache", to: "worker") }
            #expect(try client.ask("PING") == "+PONG")
            #expect(try await broker.status().apps.map(\.name) == ["web"])
        }
    }

    @Test func `a swap whose target does not come up closes nobody`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            broker.fake.failing = [.provision]
            let error = await #expect(throws: BrokerError.self) { try await broker.swap("cache", to: "exec:fake") }
            #expect(error?.code == .serverUnreachable)
            #expect(try client.ask("GET k") == "v")
            #expect(broker.fake.calls == [.check, .provision, .deprovision])
            #expect(try await broker.resource("cache")?.provider == "emulator")
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
        }
    }

    @Test func `a former provider that cannot be removed is removed at the next start`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:fake")
            broker.fake.failing = [.deprovision]
            let outcome = try await broker.swap("cache", to: "emulator")
            #expect(outcome.releases == ["web": 2])
            #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("PING") == "+PONG")
            #expect(try await broker.ledger.read { try $0.backings() }.count == 2)
            try await broker.restart()
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
            #expect(broker.fake.calls.contains(.deprovision))
        }
    }

    @Test func `a resource that cannot be removed stays, and destroy goes on where it stopped`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.create("cache", provider: "exec:fake")
            broker.fake.failing = [.deprovision]
            await #expect(throws: BrokerError.self) { try await broker.destroy("cache") }
            #expect(try await broker.resource("cache")?.state == "failed")
            broker.fake.failing = []
            // The unfinished destroy is finished, and its outcome is this one's.
            #expect(try await broker.destroy("cache").resource == "cache")
            #expect(try await broker.status().resources.isEmpty)
        }
    }

    @Test func `a provider that fails at the start is tried again, with longer and longer pauses`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:fake")
            let url = try await broker.variable("CACHE_URL")
            broker.failsFromTheStart = [.provision]
            try await broker.restart()
            try await broker.isEventually("failed", "cache")
            #expect(try await broker.resource("cache")?.detail?.contains("the fake does not provision") == true)
            // The credential is still there, and clients are held rather than refused.
            #expect(try await broker.variable("CACHE_URL") == url)
            for _ in 0..<8 {
                await broker.clock.sleepers(atLeast: 1)
                broker.clock.advance(by: .seconds(1))
                await broker.clock.sleepers(atLeast: 1)
                for task in await broker.plane.bringing.values { await task.value }
            }
            // Turns 2 and 5: after waiting 1 and 2. The next would be 10.
            #expect(broker.fake.calls.count == 3)
            let told = try await broker.plane.logs(in: broker.workspace, source: "cache", last: nil, after: nil).entries
            // Once, however often it was tried.
            #expect(told.filter { $0.message.hasPrefix("failed: the fake does not provision") }.count == 1)
            broker.fake.failing = []
            for _ in 0..<4 {
                await broker.clock.sleepers(atLeast: 1)
                broker.clock.advance(by: .seconds(1))
            }
            try await broker.isEventually("ready", "cache")
            #expect(try RedisClient(url).ask("PING") == "+PONG")
        }
    }

    @Test func `an operation does not wait for ever for another one on its resource`() async throws {
        try await BrokerUnderTest.run { broker in
            broker.patience = .milliseconds(20)
            try await broker.restart()
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            broker.fake.wait(for: gate)
            let plane = broker.plane
            let request = CreateRequest(
                name: "cache", class: nil, provider: try ProviderDocument("exec:fake"), plan: nil)
            async let slow = plane.create(request, in: BrokerUnderTest.workspace, operation: .random())
            try await eventually("the intent is on disk") { try await broker.resource("cache") != nil }
            let error = await #expect(throws: BrokerError.self) { try await broker.destroy("cache") }
            #expect(error?.code == .operationRunning)
            open.finish()
            #expect(try await slow.created)
            try await broker.destroy("cache")
        }
    }

    @Test func `a full disk is an error, and nothing is changed`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let before = try await broker.status()
            try broker.ledger.limit(pages: 1)
            var failed: (alias: String, code: ErrorCode)?
            // What fits into pages that are there already still succeeds.
            for number in 0..<200 where failed == nil {
                do {
                    try await broker.attach("cache", as: "A\(number)")
                } catch let error as BrokerError {
                    failed = ("A\(number)", error.code)
                }
            }
            #expect(failed?.code == .diskFull)
            #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("PING") == "+PONG")
            try broker.ledger.limit(pages: 100_000)
            // What was reported as failed does not appear later.
            try await broker.attach("cache", as: "LAST")
            let aliases = try await broker.status().apps[0].attachments.map(\.alias)
            #expect(aliases.contains("LAST"))
            #expect(!aliases.contains(failed?.alias ?? ""))
            #expect(try await broker.status().resources == before.resources)
            #expect(try await broker.ledger.read { try $0.unfinishedOperations() } == [])
        }
    }
}
