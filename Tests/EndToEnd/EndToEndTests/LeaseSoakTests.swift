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
            var (killed, times): (Int, [Duration]) = (0, [])
            while began.duration(to: clock.now) < .seconds(seconds) {
                let kills = random.below(4) == 0
                let start = clock.now
                try await run(broker, kills: kills, &random)
                if kills { killed += 1 } else { times.append(start.duration(to: clock.now)) }
            }
            try await eventually("all have ended") { try await leases(broker).isEmpty }
            try await eventually("no file is left") { try Holdings(pid, home: broker.home).files == 0 }
            try await eventually("no connection is left") {
                try Holdings(pid, home: broker.home).descriptors <= before.descriptors + 1
            }
            let after = try Holdings(pid, home: broker.home)
            print(
                "leases: seed \(seed), \(killed + times.count) runs in \(seconds) s, \(killed) killed, a whole run",
                Self.percentiles(times) + "; before: \(before); after: \(after)")
            #expect(after.loops <= 32)
            #expect(after.megabytes < before.megabytes * 1.2 + 8)
        }
    }

    /// The same loop with what suites start instead, to compare: a holder starts a server, uses it and ends it. Nobody ends
    /// the server of one that is killed.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["LEASE_SOAK_PEERS"] != nil),
        .requires(.redisServer), arguments: ["redis-server", "fakeredis over TCP"])
    func `what suites start instead`(peer: String) async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["LEASE_SOAK_PEERS"].flatMap { Int($0) } ?? 5
        let seed = environment["LEASE_SOAK_SEED"].flatMap { UInt64($0) } ?? 1
        let folder = try TemporaryDirectory()
        var random = SeededRandom(seed: seed)
        var (killed, left, times): (Int, Int, [Duration]) = (0, 0, [])
        let clock = ContinuousClock()
        let began = clock.now
        while began.duration(to: clock.now) < .seconds(seconds) {
            let kills = random.below(4) == 0
            let start = clock.now
            var command = ProcessCommand(
                peer == "redis-server" ? "sh" : environment["BROKER_PYTHON"] ?? "python3",
                ["-c", peer == "redis-server" ? Self.realServer : Self.fakeServer], environment: environment,
                workingDirectory: folder.path)
            command.output = .null
            command.error = .null
            let holder = try ChildProcess.spawn(command)
            if kills {
                _ = await holder.exit(within: .milliseconds(random.below(60)))
                holder.signal(SIGKILL)
                killed += 1
            }
            let status = await holder.exit
            if !kills {
                #expect(status == .code(0))
                times.append(start.duration(to: clock.now))
            }
            left += try await endServer(in: folder.path)
        }
        print(
            "\(peer): seed \(seed), \(killed + times.count) runs in \(seconds) s, \(killed) killed, a whole run",
            Self.percentiles(times) + "; \(left) servers left running")
    }

    private static let realServer = #"""
        redis-server --port 0 --unixsocket r.sock --save "" & server=$!
        echo $server > pid
        until redis-cli -s r.sock set a 1; do sleep 0.002; done
        kill $server; wait $server
        """#

    private static let fakeServer = """
        import threading, redis, fakeredis
        server = fakeredis.TcpFakeServer(("127.0.0.1", 0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        redis.Redis(port=server.server_address[1]).set("a", 1)
        """

    /// 1 where a holder has left its server running; it is ended.
    private func endServer(in folder: String) async throws -> Int {
        let text = try? String(contentsOfFile: folder + "/pid", encoding: .utf8)
        try? FileManager.default.removeItem(atPath: folder + "/pid")
        guard let pid = text.flatMap({ Int32($0.trimmingCharacters(in: .newlines)) }),
            let server = ProcessIdentity(of: pid)
        else { return 0 }
        await server.terminate(grace: .seconds(1))
        return 1
    }

    private static func percentiles(_ times: [Duration]) -> String {
        let sorted = times.sorted()
        guard let last = sorted.last else { return "none ended" }
        let (half, most) = (sorted[sorted.count / 2], sorted[min(sorted.count - 1, sorted.count * 99 / 100)])
        return "p50 \(half.inMilliseconds), p99 \(most.inMilliseconds), at most \(last.inMilliseconds) ms"
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

extension Duration {
    fileprivate var inMilliseconds: Int { Int(self / .milliseconds(1)) }
}
