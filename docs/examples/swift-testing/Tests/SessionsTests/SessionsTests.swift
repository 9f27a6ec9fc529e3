import BrokerTesting
import Sessions
import Testing

/// Every test has a cache of its own, whose time stands still until the test moves it.
@Suite(.broker("cache", frozen: true)) struct SessionsTests {
    private func sessions() throws -> Sessions {
        try Sessions(url: #require(BrokerLease.current).resource("cache").url)
    }

    @Test func `a session lasts half a minute`() async throws {
        let sessions = try sessions()
        try sessions.begin("1", user: "ada")
        let clock = try #require(BrokerLease.current).clock
        try await clock.advance(by: .seconds(29))
        #expect(try sessions.user(of: "1") == "ada")
        try await clock.advance(by: .seconds(1))
        #expect(try sessions.user(of: "1") == nil)
    }

    @Test func `nothing of another test is here`() throws {
        #expect(try sessions().user(of: "1") == nil)
    }

    @Test func `a cache that is being loaded is told as it is`() async throws {
        let sessions = try sessions()
        try await #require(BrokerLease.current).resource("cache").faults.add(
            Fault(.error("loading"), commands: ["get"], count: 1))
        #expect(throws: RedisFailure(text: "LOADING Redis is loading the dataset in memory")) {
            try sessions.user(of: "1")
        }
        #expect(try sessions.user(of: "1") == nil)
    }
}
