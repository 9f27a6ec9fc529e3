import Foundation
import TestKit
import Testing

/// What one resource is busy with holds up nobody else.
@Suite(.serialized) struct IsolationTests {
    private func busyUntilAnswered(
        _ url: String, _ command: String, among other: String
    ) async throws -> (served: Int, longest: Duration) {
        let (isAsked, isDone) = (Flag(), Flag())
        let answer = onThread {
            defer { isDone.set() }
            let busy = try redisClient(url)
            try busy.send(command + "\r\n")
            isAsked.set()
            _ = try busy.receive(until: "\r\n")
        }
        let client = try redisClient(other)
        try await eventually("the busy one is asked") { isAsked.isSet || isDone.isSet }
        var served = 0
        var longest = Duration.zero
        while !isDone.isSet {
            let began = ContinuousClock.now
            try client.send("PING\r\n")
            #expect(try client.receive(until: "\r\n") == Array("+PONG\r\n".utf8))
            longest = max(longest, ContinuousClock.now - began)
            served += 1
        }
        try await answer.value
        return (served, longest)
    }

    @Test func `a script and a large KEYS of one resource do not hold up another, emulated or relayed`() async throws {
        try await Broker.use { broker in
            for (name, provider) in [("busy", "emulator"), ("calm", "emulator"), ("real", "exec:redis-server")] {
                try await broker.succeed("attach", name, "--class", "redis", "--provider", provider, "--to", "web")
            }
            func url(_ name: String) async throws -> String {
                try await broker.succeed("url", name, "--app", "web").trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let busy = try await url("busy")
            let script = "EVAL \"local n = 0 for i = 1, 2e8 do n = n + 1 end return n\" 0"
            let fill = "EVAL \"for i = 1, 300000 do redis.call('SET', 'key:' .. i, i) end\" 0"
            for other in ["calm", "real"] {
                let (served, longest) = try await busyUntilAnswered(busy, script, among: try await url(other))
                // While a script runs for a second, the other one is served all the time.
                #expect(served > 1000, "\(served) round trips beside \(other)'s, the longest \(longest)")
            }
            #expect(try await redis(busy, fill).hasPrefix("$-1"))
            let (served, _) = try await busyUntilAnswered(
                busy, "EVAL \"return #redis.call('KEYS', 'key:*7*')\" 0", among: try await url("calm"))
            #expect(served > 10)
        }
    }
}
