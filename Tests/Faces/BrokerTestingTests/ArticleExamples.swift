import BrokerTesting
import Foundation
import Testing

/// The code of the library's articles: ArchitectureTests looks whether they have it word for word.
@Suite(.serialized, .enabled(if: BrokerHome.isUsable)) struct ArticleExamples {
    // article: the landing page
    @Test(.broker("cache", "jobs")) func `a lease has what was asked for`() throws {
        let lease = try #require(BrokerLease.current)
        #expect(lease.variables["REDIS_URL"] == lease.variables["CACHE_URL"])
        #expect(try lease.resource("jobs").url.hasPrefix("beanstalk://"))
    }
    // end of article

    // article: a suite
    @Suite(.broker("cache")) struct CounterTests {
        @Test(arguments: 1...3) func `every case begins with nothing`(number: Int) async throws {
            let cache = try #require(BrokerLease.current).resource("cache")
            #expect(try ask(cache.url, "INCR", "seen") == ":1\r\n")
        }
    }
    // end of article

    @Test func `a lease without a trait`() async throws {
        // article: without a trait
        let lease = try await BrokerLease.take("cache", "sessions=redis")
        let sessions = try lease.resource("sessions")
        #expect(try ask(sessions.url, "PING") == "+PONG\r\n")
        try await lease.end()
        // end of article
    }

    @Test(.broker("cache")) func `what a resource holds`() async throws {
        // article: what a resource holds
        let cache = try #require(BrokerLease.current).resource("cache")
        _ = try await cache.commands(mark: true)
        #expect(try ask(cache.url, "SET", "greeting", "hello") == "+OK\r\n")
        try await cache.expect(key: "greeting", equals: "hello", within: .seconds(2))
        #expect(try await cache.commands().counts["set"] == 1)
        try await cache.reset()
        #expect(try ask(cache.url, "EXISTS", "greeting") == ":0\r\n")
        // end of article
    }

    // article: time
    @Test(.broker("cache", frozen: true)) func `a session lasts half a minute`() async throws {
        let cache = try #require(BrokerLease.current).resource("cache")
        #expect(try ask(cache.url, "SET", "session", "ada", "EX", "30") == "+OK\r\n")
        try await cache.clock.advance(by: .seconds(29))
        #expect(try ask(cache.url, "EXISTS", "session") == ":1\r\n")
        try await cache.clock.advance(by: .seconds(1))
        #expect(try ask(cache.url, "EXISTS", "session") == ":0\r\n")
    }
    // end of article

    // article: faults
    @Test(.broker("cache")) func `the third GET meets a server that is being started`() async throws {
        let cache = try #require(BrokerLease.current).resource("cache")
        try await cache.faults.add(Fault(.error("loading"), commands: ["get"], nth: 3))
        let replies = try (1...4).map { _ in try ask(cache.url, "GET", "greeting") }
        #expect(replies.map { $0.hasPrefix("-LOADING") } == [false, false, true, false])
        #expect(try await cache.faults.all.map(\.fired) == [1])
        try await cache.faults.removeAll()
    }
    // end of article
}
