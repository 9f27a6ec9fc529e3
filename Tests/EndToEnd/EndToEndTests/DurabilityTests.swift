import Foundation
import Processes
import Synchronization
import TestKit
import Testing

/// A cache by the plan `durable` after its daemon has ended, in order or by kill -9.
@Suite(.serialized) struct DurabilityTests {
    /// What a writer was told, and when.
    private final class Acknowledged: Sendable {
        private let seen = Mutex<[(value: Int, at: ContinuousClock.Instant)]>([])

        func note(_ value: Int) {
            seen.withLock { $0.append((value, .now)) }
        }

        var last: Int { seen.withLock { $0.last?.value ?? 0 } }

        /// The last one of a time.
        func last(before time: ContinuousClock.Instant) -> Int {
            seen.withLock { seen in seen.last { $0.at <= time }?.value ?? 0 }
        }
    }

    /// Counts up until the connection ends.
    private func count(_ url: String, _ acknowledged: Acknowledged) -> Task<Void, any Error> {
        onThread {
            let client = try redisClient(url)
            while true {
                do {
                    try client.send("MULTI\r\nINCR n\r\nINCR twin\r\nEXEC\r\n")
                    for _ in 0..<4 { _ = try client.receive(until: "\r\n") }
                    let first = String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
                    _ = try client.receive(until: "\r\n")
                    acknowledged.note(Int(first.dropFirst().prefix { $0.isNumber }) ?? 0)
                } catch is SocketClient.Failure {
                    return
                }
            }
        }
    }

    @Test(arguments: ["durable", "durable-always"])
    func `kill -9 loses no more than the plan says, and no half of a transaction`(plan: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("create", "cache", "--plan", plan)
            try await broker.succeed("attach", "cache", "--to", "web")
            var lost: [Int] = []
            for round in 0..<5 {
                let url = try await broker.succeed("url", "cache", "--app", "web")
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                let acknowledged = Acknowledged()
                let writer = count(url, acknowledged)
                let before = acknowledged.last
                try await eventually("it counts") { acknowledged.last > before + 200 + round * 300 }
                let killed = ContinuousClock.now
                try await broker.killDaemon()
                try await writer.value
                try await broker.succeed("daemon", "start")
                try await eventually("it is ready") {
                    try await broker.resources().allSatisfy { $0["state"] as? String == "ready" }
                }
                let client = try redisClient(url)
                try client.send("GET n\r\nGET twin\r\n")
                var values: [Int] = []
                for _ in 0..<2 {
                    _ = try client.receive(until: "\r\n")
                    let line = String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
                    values.append(Int(line.prefix { $0.isNumber }) ?? 0)
                }
                #expect(values[0] == values[1])
                let least = plan == "durable" ? acknowledged.last(before: killed - .seconds(1)) : acknowledged.last
                #expect(values[0] >= least)
                #expect(values[0] <= acknowledged.last + 1)
                lost.append(max(acknowledged.last - values[0], 0))
            }
            print("\(plan): transactions that were answered and lost by kill -9, of five kills:", lost)
        }
    }

    @Test func `files that take nothing any more are told by status, the log, and the stop that could not write`()
        async throws
    {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "stop")
            // No file becomes larger than a few megabytes.
            let limited = ProcessCommand(
                "/bin/sh", ["-c", "ulimit -f 4000 && exec \"$0\" daemon start", Broker.binary],
                environment: broker.environment)
            let start = try await ProgramOutput.collect(limited, within: .seconds(30))
            #expect(start.status.isSuccess, "\(start.text)")
            try await broker.succeed("create", "cache", "--plan", "durable")
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let value = String(repeating: "v", count: 100_000)
            var number = 0
            try await eventually("writes are refused") {
                number += 1
                return try await redis(url, "SET k\(number) \(value)").hasPrefix("-MISCONF")
            }
            try await eventually("status tells") {
                try await broker.resources().first?["state"] as? String == "failed"
            }
            #expect(try await broker.succeed("status").contains("its files take nothing: File too large"))
            #expect(broker.logTail.contains("a resource has failed"))
            let stopped = try await broker.run("daemon", "stop")
            #expect(stopped.exitCode != 0)
            #expect(stopped.error.contains("\"cache\" not in order: what was written last may be lost"))
            #expect(broker.daemon == nil)
            try await broker.succeed("daemon", "start")
        }
    }

    @Test func `what is there when the daemon is stopped is there again, and status says by which plan`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("create", "cache", "--plan", "durable")
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            for number in 0..<50 { #expect(try await redis(url, "RPUSH l \(number)") == ":\(number + 1)\r\n") }
            try await broker.succeed("daemon", "stop")
            try await broker.succeed("daemon", "start")
            try await eventually("it is ready") {
                try await broker.resources().allSatisfy { $0["state"] as? String == "ready" }
            }
            #expect(try await broker.resources().first?["plan"] as? String == "durable")
            #expect(try await redis(url, "LLEN l") == ":50\r\n")
            let folder = broker.home + "/resources"
            try await broker.succeed("destroy", "cache", "--force")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }
}
