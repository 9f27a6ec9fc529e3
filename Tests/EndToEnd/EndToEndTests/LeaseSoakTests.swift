import BrokerClient
import BrokerModel
import Foundation
import Processes
import TestKit
import Testing

/// Leases taken and lost for a while: nothing may be left of them. `make soak-leases` runs it for ten minutes.
@Suite(.serialized) struct LeaseSoakTests {
    /// What a daemon has, as the system sees it.
    private struct Holdings: CustomStringConvertible {
        /// Beside those of loops.
        let descriptors: Int
        /// A loop that more leases at once have needed stays, with its thread and two descriptors.
        let loops: Int
        let megabytes: Double
        let files: Int

        init(_ pid: Int32, home: String) throws {
            loops = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").count { thread in
                let name = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/comm", encoding: .utf8)
                return name == "endpoints\n"
            }
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count - 2 * loops
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            megabytes = (line?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
            files = ["resources", "leases"].reduce(0) {
                $0 + ((try? FileManager.default.contentsOfDirectory(atPath: "\(home)/\($1)").count) ?? 0)
            }
        }

        var description: String {
            "\(descriptors) descriptors, \(loops) loops, \(Int(megabytes)) MB, \(files) files"
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd")))
    func `leases whose holders are killed at random leave nothing`() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["LEASE_SOAK_SECONDS"].flatMap { Int($0) } ?? 5
        let seed = environment["LEASE_SOAK_SEED"].flatMap { UInt64($0) } ?? UInt64(Date().timeIntervalSince1970)
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let pid = try #require(broker.daemon?.pid)
            var random = SeededRandom(seed: seed)
            // What a daemon makes once, loops among it, is there before it is counted.
            for _ in 0..<40 { try await run(broker, kills: false, &random) }
            try await eventually("all have ended") { try await leases(broker).isEmpty }
            let before = try Holdings(pid, home: broker.home)
            let clock = ContinuousClock()
            let began = clock.now
            var (taken, killed) = (0, 0)
            while began.duration(to: clock.now) < .seconds(seconds) {
                let kills = random.below(4) == 0
                try await run(broker, kills: kills, &random)
                taken += 1
                if kills { killed += 1 }
            }
            try await eventually("all have ended") { try await leases(broker).isEmpty }
            try await eventually("no file is left") { try Holdings(pid, home: broker.home).files == 0 }
            try await eventually("no connection is left") {
                try Holdings(pid, home: broker.home).descriptors <= before.descriptors + 1
            }
            let after = try Holdings(pid, home: broker.home)
            print(
                "leases: seed \(seed), \(taken) runs in \(seconds) s, \(killed) killed; before: \(before); after: \(after)"
            )
            #expect(after.loops <= 32)
            #expect(after.megabytes < before.megabytes * 1.2 + 8)
        }
    }

    /// A run of `broker test`; killed, it is at some point between its start and its end.
    private func run(_ broker: Broker, kills: Bool, _ random: inout SeededRandom) async throws {
        let sets = [["cache"], ["cache", "queue"], ["db", "cache"], ["cache", "sessions=redis", "queue"]]
        let set = sets[random.below(sets.count)].flatMap { ["--set", $0] }
        let command = "test -z \"$CACHE_URL\" || redis-cli -u \"$CACHE_URL\" set a 1"
        let running = try broker.start(["test", "-q"] + set + ["--", "sh", "-c", command])
        if kills {
            _ = await running.process.exit(within: .milliseconds(random.below(60)))
            running.process.signal(SIGKILL)
        }
        let status = await running.process.exit(within: .seconds(30))
        if !kills { #expect(status == .code(0), "\(try? running.error())") }
        for ending in [".out", ".err"] { try? FileManager.default.removeItem(atPath: running.files + ending) }
    }

    private func leases(_ broker: Broker) async throws -> [LeaseDocument] {
        let client = BrokerClient(socket: try #require(broker.daemon).socket)
        let leases = try await client.leases(in: .default).leases
        await client.close()
        return leases
    }
}
