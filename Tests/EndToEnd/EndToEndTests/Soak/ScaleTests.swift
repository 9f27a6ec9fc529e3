import Foundation
import Processes
import TestKit
import Testing

/// Swaps of large resources: many connections that wait and listen, many keys, a writer with a steady rate, a target over
/// TLS. `make soak` runs them large; SOAK_CONNECTIONS, SOAK_KEYS and SOAK_RATE say how large.
///
/// What a client sees is measured by probes that ask now and then, beside a control of the same length without a swap.
@Suite(.requires(.redisServer), .serialized) struct ScaleTests {
    private static func setting(_ name: String, _ small: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? small
    }

    private static let connections = setting("SOAK_CONNECTIONS", 250)
    private static let keys = setting("SOAK_KEYS", 20_000)
    /// Writes per second.
    private static let rate = setting("SOAK_RATE", 2000)
    private static let probes = 50

    @Test(arguments: [false, true])
    func `many connections, many keys and a steady writer are swapped, to a server over TLS too`(
        isTLS: Bool
    ) async throws {
        let (files, port) = (try await TLSFiles(), try FreePort.find())
        let arguments = isTLS ? files.arguments(port: port) : []
        try await RealServer.run(.redisServer, arguments: arguments) { server in
            let there =
                isTLS
                ? "rediss://127.0.0.1:\(port)/0?ssl_ca_certs=\(files.authority)"
                : "redis://127.0.0.1:\(server.port ?? 0)/0"
            try await Broker.use { broker in
                try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
                let url = try await broker.succeed("url", "cache", "--app", "web")
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                let crowd = try Crowd(url, connections: Self.connections, keys: Self.keys)
                let waiting = try Waiting(crowd, connections: Self.connections)
                let began = ContinuousClock.now
                let moved = try await probing(url, crowd) { try await swap(broker, to: there) }
                let length = began.duration(to: .now)
                let still = try await probing(url, crowd) { try? await ContinuousClock().sleep(for: length) }
                try waiting.check()
                print(
                    "scale: \(isTLS ? "TLS" : "plain"): \(Self.connections) connections, \(Self.keys) keys,",
                    "\(moved.rate) writes/s; longest gap of a probe p50/p99/max \(moved.gaps) ms;",
                    "without a swap \(still.gaps) ms at \(still.rate) writes/s")
            }
        }
    }

    private func swap(_ broker: Broker, to target: String) async throws {
        let verb = try broker.start(["swap", "cache", "--to", target, "--max-pause", "2s", "--json"])
        let status = await verb.process.exit(within: .seconds(300))
        guard status == .code(0) else { throw LoadClient.Unexpected(description: "swap: \(try verb.error())") }
        let receipt = try JSONSerialization.jsonObject(with: Data(try verb.output().utf8)) as? [String: Any]
        let (copy, stall) = (receipt?["copy"] as? [String: Any], receipt?["stall"] as? [String: Any])
        #expect(receipt?["closed"] as? Int == 0)
        #expect(copy?["keys"] as? Int ?? 0 >= Self.keys)
        print(
            "scale: \(receipt?["moved"] ?? 0) moved,", copy?["keys"] ?? 0, "keys and", copy?["changes"] ?? 0,
            "changes,", copy?["verified"] ?? 0, "compared, phases", receipt?["phases"] ?? [:], "pause",
            receipt?["pause"] ?? 0, "ms, stall p50/p99/max", stall?["p50"] ?? 0, stall?["p99"] ?? 0, stall?["max"] ?? 0)
    }

    private struct Seen {
        var gaps: String
        var rate: Int
    }

    /// Runs `body` under the writer, the publisher and the probes.
    private func probing(_ url: String, _ crowd: Crowd, _ body: () async throws -> Void) async throws -> Seen {
        let (stop, run) = (Flag(), UUID().uuidString)
        let began = ContinuousClock.now
        let writer = onThread { try crowd.write(rate: Self.rate, until: stop) }
        let publisher = onThread { try crowd.publish(until: stop) }
        let probes = (0..<Self.probes).map { number in
            onThread {
                let client = try LoadClient(url, mayBreak: false, until: stop)
                var count = 0
                while !stop.isSet {
                    count += 1
                    try client.expect(.integer(count), "INCR", "probe:\(run):\(number)")
                    usleep(UInt32(5000 + number * 300))
                }
                return client.longest
            }
        }
        do {
            try await body()
        } catch {
            stop.set()
            throw error
        }
        stop.set()
        var gaps: [Duration] = []
        for probe in probes { gaps.append(try await probe.value) }
        let written = try await writer.value
        try await publisher.value
        let seconds = began.duration(to: .now) / .seconds(1)
        let figures = [50, 99, 100].map { String(format: "%.1f", gaps.percentile($0)) }.joined(separator: "/")
        return Seen(gaps: figures, rate: Int(Double(written) / seconds))
    }
}

/// What writes and publishes at a large resource.
private final class Crowd: Sendable {
    let url: String
    let subscribers: Int
    let published = TestKit.Counter()
    private let keys: Int

    init(_ url: String, connections: Int, keys: Int) throws {
        (self.url, self.keys, subscribers) = (url, keys, connections / 5)
        let filler = try LoadClient(url, mayBreak: false, until: Flag())
        let script = "for i = ARGV[1], ARGV[2] do redis.call('SET', 'key:' .. i, 'sixteen bytes ..') end"
        for first in stride(from: 0, to: keys, by: 20_000) {
            try filler.expect(.null, "EVAL", script, "0", "\(first)", "\(min(first + 20_000, keys) - 1)")
        }
    }

    /// SETs of random keys in batches, so many a second; returns how many were answered.
    func write(rate: Int, until stop: Flag) throws -> Int {
        let client = try LoadClient(url, mayBreak: false, until: stop)
        let batch = max(rate / 100, 1)
        var (written, next) = (0, ContinuousClock.now)
        while !stop.isSet {
            let replies = try client.ask(
                (0..<batch).map { _ in ["SET", "key:\(Int.random(in: 0..<keys))", "\(written)"] })
            guard replies.allSatisfy({ $0 == .text("OK") }) else {
                throw LoadClient.Unexpected(description: "SET: \(replies)")
            }
            written += batch
            next += .milliseconds(10)
            let pause = (next - .now) / .microseconds(1)
            if pause > 0 { usleep(UInt32(pause)) }
        }
        return written
    }

    func publish(until stop: Flag) throws {
        let client = try LoadClient(url, mayBreak: false, until: stop)
        while !stop.isSet {
            try client.expect(.integer(subscribers), "PUBLISH", "news", "\(published.count)")
            published.add()
            usleep(100_000)
        }
    }
}

/// The connections that wait: a fifth subscribed, a twentieth blocked, the rest idle.
private struct Waiting {
    private let crowd: Crowd
    private var subscribers: [SocketClient] = []
    private var blocked: [SocketClient] = []
    private var idle: [SocketClient] = []

    init(_ crowd: Crowd, connections: Int) throws {
        self.crowd = crowd
        for _ in 0..<crowd.subscribers { subscribers.append(try client("SUBSCRIBE news", answer: ":1\r\n")) }
        for number in 0..<connections / 20 { blocked.append(try client("BLPOP wait:\(number) 0")) }
        for _ in 0..<connections - subscribers.count - blocked.count {
            idle.append(try client("PING", answer: "+PONG\r\n"))
        }
    }

    private func client(_ command: String, answer: String? = nil) throws -> SocketClient {
        let client = try redisClient(crowd.url)
        try client.send(command + "\r\n")
        if let answer { _ = try client.receive(until: answer) }
        return client
    }

    /// Everybody is where he was: every message came once and in order, every waiter gets what is his.
    func check() throws {
        for subscriber in subscribers {
            for number in 0..<crowd.published.count {
                let text = "\(number)"
                let expected = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$\(text.utf8.count)\r\n\(text)\r\n"
                let message = String(decoding: try subscriber.receive(exactly: expected.utf8.count), as: UTF8.self)
                guard message == expected else {
                    throw LoadClient.Unexpected(description: "message \(number) is \(message)")
                }
            }
        }
        let pusher = try LoadClient(crowd.url, mayBreak: false, until: Flag())
        for (number, client) in blocked.enumerated() {
            try pusher.expect(.integer(1), "RPUSH", "wait:\(number)", "\(number)")
            let reply = String(decoding: try client.receive(until: "\r\n\(number)\r\n"), as: UTF8.self)
            #expect(reply.hasPrefix("*2\r\n"))
        }
        for client in idle {
            try client.send("EXISTS key:0\r\n")
            #expect(try client.receive(until: "\r\n") == Array(":1\r\n".utf8))
        }
    }
}
