#if os(Linux)
import BrokerClient
import Foundation
import TestKit
import Testing

/// What the daemon's process takes of the system's memory.
@Suite(.serialized)
struct MemoryTests {
    @Test func `what values took is given back to the system when they are gone`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("create", "cache")
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let pid = try #require(broker.daemon?.pid)
            let client = try redisClient(url)
            let large = String(repeating: "v", count: 48 << 20)
            func ask(_ request: String, _ answer: String) throws {
                try client.send(request)
                #expect(try client.receive(until: "\r\n") == Array(answer.utf8))
            }

            try ask("PING\r\n", "+PONG\r\n")
            let before = try residentMemory(of: pid)
            for _ in 0..<2 {
                try ask("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$\(large.utf8.count)\r\n\(large)\r\n", "+OK\r\n")
                #expect(try residentMemory(of: pid) > before + 40 << 20)
                try ask("DEL k\r\n", ":1\r\n")
                try await eventually("one large value is given back", within: .seconds(60)) {
                    try residentMemory(of: pid) < before + 32 << 20
                }
            }
            func eval(_ body: String) throws {
                let script = "local v = string.rep('v', 2000) for i = 1, 30000 do redis.call(\(body)) end"
                try ask("*3\r\n$4\r\nEVAL\r\n$\(script.utf8.count)\r\n\(script)\r\n$1\r\n0\r\n", "$-1\r\n")
            }
            try eval("'SET', 'key:' .. i, v")
            #expect(try residentMemory(of: pid) > before + 16 << 20)
            try eval("'DEL', 'key:' .. i")
            try await eventually("what many small ones took is given back", within: .seconds(60)) {
                try residentMemory(of: pid) < before + 32 << 20
            }
        }
    }
}
#endif
