#if os(Linux)
import BrokerModel
import Foundation
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// Servers whose clocks differ: a key lives as long at the target as it would have at the source.
@Suite(.requires(.redisServer)) struct ClockTests {
    @Test(arguments: [(7200, 0), (0, -3600), (-3600, 7200)])
    func `keys end when they would have ended at the source`(from: Int, to: Int) async throws {
        try await run(ahead: from) { source in
            try await run(ahead: to) { target in
                try source.ask("SET", "before", "v", "PX", "600000")
                try source.ask("SET", "for ever", "v")
                let reading = try await RedisSource.open(CopyServer(source), .everything)
                let writing = try await RedisTarget.open(CopyServer(target))
                try await carry(reading, to: writing)
                try source.ask("SET", "behind", "v", "EX", "600")
                try source.ask("RPUSH", "list", "v")
                try source.ask("PEXPIRE", "list", "600000")
                try source.ask("SET", "kept", "v")
                try source.ask("GETEX", "kept", "EX", "600")
                try source.ask("EVAL", "redis.call('SETEX', 'by a script', 600, 'v')", "0")
                try source.ask("SET", "short", "v", "PX", "20")
                try await carry(reading, to: writing)
                for key in ["before", "behind", "list", "kept", "by a script"] {
                    guard case .integer(let left) = try target.ask("PTTL", key) else {
                        Issue.record("no PTTL of \(key)")
                        continue
                    }
                    #expect(left > 550_000 && left <= 600_100, "\(key) ends in \(left) ms")
                }
                #expect(try target.ask("PTTL", "for ever") == .integer(-1))
                try await expectEqual(reading, writing)
                try await eventually("what is over is over on both sides") {
                    try await (reading.counts(), writing.counts()) == ([0: 6], [0: 6])
                }
                await reading.close()
                await writing.close()
            }
        }
    }

    private func run(ahead seconds: Int, _ body: (RealServer) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        let environment = try await ShiftedClock.environment(ahead: seconds, in: folder)
        try await RealServer.run(.redisServer, environment: environment) { server in
            guard case .array(let parts) = try server.ask("TIME"), let theirs = RedisConnection.milliseconds(parts)
            else {
                throw NeverHappened("TIME is not answered")
            }
            #expect(abs(Date.now.timeIntervalSince1970 + Double(seconds) - Double(theirs) / 1000) < 5)
            try await body(server)
        }
        folder.remove()
    }
}
#endif
