import BrokerClient
import EventLoop
import Foundation
import Processes
import TestKit
import Testing

/// Hostile and unlucky clients of the built daemon: it stays up, its memory stays bounded, and another client is served
/// in time meanwhile.
@Suite(.serialized) struct FaultTests {
    @Test(.requires(.redisServer), arguments: ["emulator", "exec:redis-server"])
    func `a flood of nonsense costs no crash, no memory and no other client's time`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let place = try address(of: url)
            try await broker.isUnharmed(url) {
                // Whoever has not said who they are.
                for bytes in Self.garbage {
                    let client = try SocketClient(to: place)
                    try? client.send(bytes)
                    client.shutdownOutput()
                    _ = try? client.receiveToEnd()
                }
                // And whoever has: 200 connections that each promise 512 MB, and send a little of it.
                var promised: [SocketClient] = []
                for _ in 0..<200 {
                    let client = try redisClient(url)
                    try client.send(
                        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + String(repeating: "x", count: 4096))
                    promised.append(client)
                }
                for header in ["*2\r\n$536870913\r\n", "*2\r\n$-7\r\n", "*2147483648\r\n"] {
                    let client = try redisClient(url)
                    try client.send(header)
                    #expect(
                        String(decoding: try client.receiveToEnd(), as: UTF8.self).hasPrefix("-ERR Protocol error: "))
                }
                // As in Redis this one may still come true: it waits.
                try redisClient(url).send("*1000000000\r\n$3\r\nDEL\r\n")
                for client in promised { client.reset() }
            }
        }
    }

    @Test(.requires(.redisServer), arguments: ["emulator", "exec:redis-server"])
    func `a thousand idle connections and slow ones cost little and stop nobody`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            let url = try await broker.succeed("url", "cache", "--app", "web")
            var idle: [SocketClient] = []
            try await broker.isUnharmed(url) {
                for _ in 0..<1000 { idle.append(try redisClient(url)) }
                // Slow ones: one byte at a time, never a whole command.
                var slow: [SocketClient] = []
                for _ in 0..<50 { slow.append(try redisClient(url)) }
                for byte in "*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$100\r\nxxxxxxxx".utf8 {
                    for client in slow { try client.send([byte]) }
                }
            }
            for client in idle { try client.send("PING\r\n") }
            for client in idle { #expect(try client.receive(until: "\r\n") == Array("+PONG\r\n".utf8)) }
        }
    }

    @Test(.requires(.redisServer), arguments: ["emulator", "exec:redis-server"])
    func `clients that never read their replies are not read, and stop nobody`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let setter = try redisClient(url)
            try setter.send(
                "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$100000\r\n" + String(repeating: "v", count: 100_000) + "\r\n")
            #expect(try setter.receive(until: "\r\n") == Array("+OK\r\n".utf8))
            var greedy: [SocketClient] = []
            // 1 GB of replies each; a real server makes and keeps all that it was asked for, so it is asked for less.
            let count = provider == "emulator" ? 10_000 : 20
            let requests = Array(String(repeating: "GET v\r\n", count: count).utf8)
            // An emulator keeps 256 MB for all of them.
            try await broker.isUnharmed(url, within: provider == "emulator" ? 450 << 20 : 64 << 20) {
                for _ in 0..<20 {
                    let client = try redisClient(url)
                    _ = try client.sendSome(requests[...])
                    greedy.append(client)
                }
            }
            // They are served when they do read.
            let reply = try greedy[0].receive(exactly: 100_011 * 10)
            #expect(reply.suffix(3) == Array("v\r\n".utf8))
        }
    }

    @Test func `a queue meets nonsense and huge jobs likewise`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "queue", "--to", "web")
            try await broker.succeed("attach", "cache", "--to", "web")
            let queue = try address(of: try await broker.succeed("url", "queue", "--app", "web"))
            let url = try await broker.succeed("url", "cache", "--app", "web")
            try await broker.isUnharmed(url) {
                for bytes in Self.garbage + [
                    Array("put 0 0 1 4294967295\r\n".utf8), Array("put 0 0 1 65536\r\nxxx".utf8),
                ] {
                    let client = try SocketClient(to: queue)
                    try? client.send(bytes)
                    client.shutdownOutput()
                    _ = try? client.receiveToEnd()
                }
            }
            let client = try SocketClient(to: queue)
            try client.send("put 0 0 1 2\r\nab\r\nreserve\r\n")
            #expect(try client.receive(until: "ab\r\n").starts(with: "INSERTED 1\r\nRESERVED 1 2\r\n".utf8) == true)
        }
    }

    /// What comes to a port: other protocols, binary, endless lines.
    private static let garbage: [[UInt8]] = [
        Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array("POST / HTTP/1.1\r\n\r\n".utf8),
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03], [UInt8](repeating: 0, count: 100_000),
        [UInt8](repeating: 0xff, count: 100_000), [UInt8](repeating: 0x0a, count: 100_000),
        Array("*1000000000\r\n".utf8), Array("*1\r\n$536870912\r\n".utf8), Array("*-1\r\n*0\r\n*1\r\n$-1\r\n".utf8),
        Array(String(repeating: "*1\r\n", count: 10_000).utf8), [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20),
        Array("*99999999999999999999\r\n".utf8), Array("AUTH \"unbalanced\r\n".utf8), [],
    ]
}

extension Broker {
    /// Runs `body` while another client of `url` asks PING all the time: the daemon lives on, its memory grows by no more
    /// than `bound` bytes at any moment, and 99 of 100 PINGs are answered within 50 ms. The next PING is asked when the last
    /// one was answered, so that a long stall is one of many: that none is longer than a quarter of a second is asked, too.
    func isUnharmed(
        _ url: String, within bound: Int = 64 << 20, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async throws {
        let pid = try #require(daemon?.pid)
        let before = try residentMemory(of: pid)
        let watch = DaemonWatch(url, daemon: pid)
        do { try await body() } catch {
            _ = try await watch.end()
            throw error
        }
        let result = try await watch.end()
        #expect(result.failure == nil, sourceLocation: sourceLocation)
        #expect(daemon?.pid == pid, "the daemon has died", sourceLocation: sourceLocation)
        let grown = result.highest - before
        #expect(grown <= bound, "the daemon grew by \(grown >> 20) MiB", sourceLocation: sourceLocation)
        let sorted = result.times.sorted()
        let worst = try #require(sorted.isEmpty ? nil : sorted[sorted.count * 99 / 100])
        #expect(worst <= .milliseconds(50), "p99 of \(sorted.count) PINGs: \(worst)", sourceLocation: sourceLocation)
        let longest = try #require(sorted.last)
        #expect(longest <= .milliseconds(250), "the longest of them: \(longest)", sourceLocation: sourceLocation)
    }
}
