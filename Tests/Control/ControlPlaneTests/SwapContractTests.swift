import BrokerModel
import EventLoop
import Synchronization
import TestKit
import Testing

@testable import ControlPlane

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The invariants of a swap by their numbers, as far as no other suite has them: `swift test --filter invariant` and
/// `--filter 'rule'` find all.
@Suite(.requires(.redisServer)) struct SwapContractTests {
    private func url(_ server: RealServer) -> String { "redis://127.0.0.1:\(server.port ?? 0)/0" }

    /// How often a server was asked for a value: the copy never asks so.
    private static func asked(_ url: String) -> Int {
        let line = (try? RedisClient(url).text("INFO commandstats"))?.split(separator: "\r\n")
            .first { $0.hasPrefix("cmdstat_get:calls=") }
        return line.flatMap { Int($0.dropFirst(18).prefix { $0 != "," }) } ?? 0
    }

    @Test func `invariant (i), (ii): until the switch the source alone is asked, behind it the target alone`()
        async throws
    {
        try await RealServer.run(.redisServer) { first in
            try await RealServer.run(.redisServer) { second in
                try await BrokerUnderTest.run { broker in
                    let (here, there) = (url(first), url(second))
                    try await broker.attach("cache", provider: here)
                    let text = try await broker.variable("CACHE_URL")
                    let seen = Mutex<[CrashPoint: (Int, Int)]>([:])
                    broker.reached = { point in
                        let counts = (Self.asked(here), Self.asked(there))
                        seen.withLock { $0[point] = counts }
                    }
                    try await broker.restart()
                    try await eventually("it serves again") { (try? RedisClient(text).ask("SET k v")) == "+OK" }
                    let stop = Flag()
                    let readers = (0..<3).map { _ in
                        onThread {
                            let client = try RedisClient(text)
                            while !stop.isSet { #expect(try client.ask("GET k") == "v") }
                        }
                    }
                    try await broker.swap("cache", to: there, cold: false, maxPause: 5000)
                    let behind = Self.asked(there)
                    try await eventually("the clients go on at the target") { Self.asked(there) > behind + 100 }
                    stop.set()
                    for reader in readers { try await reader.value }
                    let counts = seen.withLock { $0 }
                    #expect(counts[.swapCopied]?.0 ?? 0 > 0)
                    for point in [CrashPoint.swapCopying, .swapCopied, .swapHeld, .swapRestored] {
                        #expect(counts[point]?.1 == 0, "\(point)")
                    }
                    // From the pause on nothing more came to the source.
                    #expect(Self.asked(here) == counts[.swapHeld]?.0)
                }
            }
        }
    }

    @Test func `invariant (iii): no client waits longer than the pause may last`() async throws {
        let stalling = try await RealServer.start(.redisServer)
        try await BrokerUnderTest.run { broker in
            broker.reached = { point in if point == .swapHeld { kill(stalling.processID, SIGSTOP) } }
            try await broker.restart()
            try await broker.attach("cache")
            let text = try await broker.variable("CACHE_URL")
            let stop = Flag()
            let writer = onThread {
                let client = try RedisClient(text)
                var (count, last, longest) = (0, ContinuousClock.now, Duration.zero)
                while !stop.isSet {
                    count += 1
                    #expect(try client.ask("INCR n") == ":\(count)")
                    longest = max(longest, last.duration(to: .now))
                    last = .now
                }
                return longest
            }
            try await eventually("it writes") { (try? RedisClient(text).ask("EXISTS n")) == ":1" }
            await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: url(stalling), cold: false, maxPause: 300)
            }
            stop.set()
            let longest = try await writer.value
            // What the machine itself takes away comes on top.
            #expect(longest > .milliseconds(150) && longest < .milliseconds(600), "\(longest)")
        }
        kill(stalling.processID, SIGCONT)
        await stalling.stop()
    }

    @Test func `invariant (iv): who comes during the pause is held and served, above the cap told so`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let text = try await broker.variable("CACHE_URL")
            let secret = try ProviderURL(text).secret?.reveal { $0 } ?? ""
            guard case .tcp(let host, let port) = try ProviderURL(text).place else { return }
            let held = Mutex<[SocketClient]>([])
            broker.reached = { point in
                guard point == .swapHeld else { return }
                held.withLock { clients in
                    for _ in 0..<1030 {
                        guard let client = try? SocketClient(to: .tcp(host: host, port: port)) else { continue }
                        try? client.send("AUTH \(secret)\r\nGET k\r\n")
                        clients.append(client)
                    }
                }
            }
            try await broker.restart()
            try await eventually("it serves again") { (try? RedisClient(text).ask("SET k v")) == "+OK" }
            let outcome = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 20_000)
            #expect(outcome.held == 1024)
            let answers = try held.withLock { clients in
                try clients.map { String(decoding: try $0.receive(until: "\r\n"), as: UTF8.self) }
            }
            #expect(answers.count { $0 == "+OK\r\n" } == 1024)
            #expect(answers.count { $0.hasPrefix("-LOADING") } == 6)
        }
    }

    @Test func `invariant (vii): who cannot be moved is named, with address, reason and age`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            let text = try await broker.variable("CACHE_URL")
            let client = try RedisClient(text)
            try client.ask("SET k v")
            // It waits for replicas, of which there is one while it is copied, for ever.
            try client.socket.send("WAIT 5 0\r\n")
            let plan = try await broker.plane.planSwap(
                "cache", SwapRequest(to: try ProviderDocument("emulator")), in: broker.workspace)
            #expect(plan.clients == ["blocked": 1])
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "emulator", cold: false, maxPause: 200)
            }
            #expect(error?.code == .rolledBack)
            let words = try Regex(
                "127.0.0.1:\\d+ waits in WAIT, which cannot be asked again elsewhere, connected for \\d+ s")
            #expect(error?.why.contains(words) == true, "\(error?.why ?? "")")
            #expect(error?.fix == "end what the client does, or the client, and then: \(Self.command)")
        }
    }

    @Test func `a client that does not read its replies is named, and no longer pause is advised`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            #expect(try client.ask("SETRANGE k 1048575 v") == ":1048576")
            // More than the kernel and the daemon keep for it: the server waits for it.
            try client.socket.send(String(repeating: "GET k\r\n", count: 30))
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "emulator", cold: false, maxPause: 500)
            }
            #expect(error?.code == .rolledBack)
            #expect(error?.why.contains("does not read its replies, connected for") == true, "\(error?.why ?? "")")
            #expect(error?.fix == "end what the client does, or the client, and then: \(Self.command)")
        }
    }

    private static let command = "broker swap cache --to emulator"
}
