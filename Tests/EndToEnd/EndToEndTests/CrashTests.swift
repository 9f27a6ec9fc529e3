import ControlPlane
import Foundation
import Processes
import TestKit
import Testing

/// kill -9 of the real daemon at every persisted step of an operation: the next daemon ends in one legal state, and the
/// same command line given again converges.
@Suite(.serialized) struct CrashTests {
    @Test(.requires(.redisServer), arguments: CrashPoint.allCases)
    func `a daemon that dies at a step comes back in one legal state, and the retry converges`(
        point: CrashPoint
    ) async throws {
        try await Broker.use { broker in
            let verb = String(point.rawValue.prefix { $0 != "." })
            try await broker.succeed("daemon", "start")
            if verb == "destroy" { try await broker.succeed("create", "cache") }
            var url: String?
            if ["detach", "swap"].contains(verb) {
                try await broker.succeed("attach", "cache", "--to", "web")
                url = try await broker.succeed("url", "cache", "--app", "web")
            }
            try await broker.succeed("daemon", "stop")
            let crash = try await broker.run("daemon", "start", adding: ["BROKER_TEST_CRASH_AT": point.rawValue])
            #expect(crash.exitCode == 0, "\(crash.error)")

            let arguments = Self.arguments(point)
            let cut = try broker.start(arguments)
            // The verb itself starts the next daemon, which settles the operation, and tells how it went.
            let isUndone = verb == "swap" && !Self.switched.contains(point)
            let end = await cut.process.exit(within: .seconds(60))
            let told = try cut.error()
            #expect(end == .code(isUndone ? 9 : 0), "\(told)")
            #expect(told.contains("starting  the daemon again: it had ended while it worked"))
            if isUndone { #expect(told.contains("the swap was undone: the daemon ended before the switch")) }
            try await eventually("the resources are ready") {
                try await broker.resources().allSatisfy { $0["state"] as? String == "ready" }
            }
            let first = try await broker.resources()
            switch verb {
            case "create": #expect(first.count == 1)
            case "attach":
                // Attached or not: never half.
                let names = try await broker.succeed("env", "web", "--names")
                #expect(names == "CACHE_URL\nREDIS_URL\n")
            case "detach": #expect(try await broker.run("url", "cache", "--app", "web").exitCode == 3)
            case "destroy": #expect(first.isEmpty)
            default:
                let isSwitched = Self.switched.contains(point)
                #expect(first.first?["provider"] as? String == (isSwitched ? "exec:redis-server" : "emulator"))
                #expect(try broker.servers().count == (isSwitched ? 1 : 0))
            }

            let retry = try broker.start(arguments)
            let status = await retry.process.exit(within: .seconds(60))
            let error = try retry.error()
            #expect(status == .code(Self.exitOfRetry(point)), "\(error)")
            let last = try await broker.resources()
            switch verb {
            case "create": #expect(last.count == 1)
            case "attach":
                let url = try await broker.succeed("url", "cache", "--app", "web")
                #expect(try await redis(url, "SET a 1") == "+OK\r\n")
            case "detach": #expect(try await redis(#require(url), "PING").hasPrefix("-WRONGPASS"))
            case "destroy": #expect(last.isEmpty)
            default:
                #expect(try await broker.succeed("url", "cache", "--app", "web") == url)
                #expect(try await redis(#require(url), "SET a 1") == "+OK\r\n")
                #expect(last.first?["provider"] as? String == "exec:redis-server")
                #expect(try broker.servers().count == 1)
            }
        }
    }

    private static let switched: [CrashPoint] = [.swapSwitched, .swapRemoved, .swapCommitted]

    /// What is gone is not found, and a swap that was finished is a conflict (docs/decisions/0004).
    private static func exitOfRetry(_ point: CrashPoint) -> Int32 {
        if ["detach.", "destroy."].contains(where: point.rawValue.hasPrefix) { return 3 }
        return switched.contains(point) ? 4 : 0
    }

    private static func arguments(_ point: CrashPoint) -> [String] {
        switch String(point.rawValue.prefix { $0 != "." }) {
        case "create": ["create", "cache"]
        case "attach": ["attach", "cache", "--to", "web"]
        case "detach": ["detach", "cache", "--from", "web"]
        case "destroy": ["destroy", "cache"]
        default:
            // The former provider of a live swap is kept: only a cold one removes it.
            ["swap", "cache", "--to", "exec:redis-server"]
                + (point == .swapRemoved ? ["--cold"] : ["--max-pause", "5s"])
        }
    }
}

extension Broker {
    /// The resources as `status --json` tells them.
    func resources() async throws -> [[String: Any]] {
        try #require(try await run("status", "--json").json()["resources"] as? [[String: Any]])
    }

    /// The pids of processes that work below the home: the resources' own servers.
    func servers() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return folder?.hasPrefix(home + "/resources/") == true
        }
    }
}
