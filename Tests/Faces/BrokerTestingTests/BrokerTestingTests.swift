import BrokerTesting
import Foundation
import TestKit
import Testing

/// The library as a user's tests meet it, with the built broker's daemon in a home of its own.
@Suite(.serialized, .enabled(if: BrokerHome.isUsable))
struct BrokerTestingTests {
    @Test(.broker("cache", "jobs")) func `a test finds its lease, and nobody else's`() async throws {
        let lease = try #require(BrokerLease.current)
        #expect(lease.resources.map(\.name) == ["cache", "jobs"])
        #expect(lease.variables["REDIS_URL"] == lease.variables["CACHE_URL"])
        let cache = try lease.resource("cache")
        #expect(try ask(cache.url, "GET", "left") == "$-1\r\n")
        #expect(try ask(cache.url, "SET", "left", "over") == "+OK\r\n")
        #expect(throws: BrokerError.self) { try lease.resource("db") }
    }

    @Test(.broker("cache"), arguments: 1...3) func `every case has its own`(number: Int) async throws {
        let cache = try #require(BrokerLease.current).resource("cache")
        #expect(try ask(cache.url, "INCR", "seen") == ":1\r\n")
    }

    @Test(.broker("cache", frozen: true)) func `time moves when the test says so`() async throws {
        let cache = try #require(BrokerLease.current).resource("cache")
        #expect(try ask(cache.url, "SET", "session", "x", "EX", "30") == "+OK\r\n")
        try await cache.clock.advance(by: .seconds(29))
        #expect(try ask(cache.url, "EXISTS", "session") == ":1\r\n")
        try await cache.clock.advance(by: .seconds(1))
        #expect(try ask(cache.url, "EXISTS", "session") == ":0\r\n")
        try await cache.clock.set(to: Date(timeIntervalSince1970: 1_900_000_000))
        #expect(try ask(cache.url, "TIME").contains("1900000000"))
        try await cache.clock.resume()
    }

    @Test(.broker("cache")) func `what is expected is waited for, or told`() async throws {
        let cache = try #require(BrokerLease.current).resource("cache")
        async let later: Void = cache.expect(key: "k", equals: "v", within: .seconds(10))
        #expect(try ask(cache.url, "SET", "k", "v") == "+OK\r\n")
        try await later
        let error = await #expect(throws: BrokerError.self) { try await cache.expect(key: "k", equals: "w") }
        #expect(error?.code == .expectationFailed)
        #expect(error?.why == "it is \"v\"")
    }

    @Test func `a lease that is ended is gone`() async throws {
        let lease = try await BrokerLease.take("cache")
        let url = try lease.resource("cache").url
        #expect(try ask(url, "PING") == "+PONG\r\n")
        try await lease.end()
        try await lease.end()
        #expect(throws: (any Error).self) { try ask(url, "PING") }
        let error = await #expect(throws: BrokerError.self) { try await BrokerLease.take("thing") }
        #expect(error?.code == .classUnknown)
    }
}

/// A home for the daemon that the tests of this process share; both are gone when the process ends.
enum BrokerHome {
    static let binary = ProcessInfo.processInfo.environment["BROKER_BINARY"]
    /// Asked before the first lease is taken, it also sees to the home.
    static var isUsable: Bool { binary != nil && folder != nil }

    private static let folder: TemporaryDirectory? = {
        guard let folder = try? TemporaryDirectory() else { return nil }
        setenv("BROKER_HOME", folder.file("home"), 1)
        setenv("XDG_RUNTIME_DIR", folder.path, 1)
        setenv("BROKER_WORKSPACE", "library", 1)
        atexit { BrokerHome.close() }
        return folder
    }()

    private static func close() {
        guard let binary, let folder else { return }
        let stop = Process()
        stop.executableURL = URL(filePath: binary)
        stop.arguments = ["daemon", "stop"]
        stop.standardOutput = FileHandle.nullDevice
        if (try? stop.run()) != nil { stop.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: folder.path)
    }
}
