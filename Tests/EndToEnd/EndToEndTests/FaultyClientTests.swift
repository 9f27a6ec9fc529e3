import Foundation
import Processes
import TestKit
import Testing

/// Faults as an unmodified client library meets them, and commands as they are counted.
@Suite(.serialized) struct FaultyClientTests {
    @Test(arguments: ["emulator", "exec:redis-server"])
    func `redis-py sees every kind of fault as it would see the real one`(provider: String) async throws {
        try await Broker.use { broker in
            let python = ProcessInfo.processInfo.environment["BROKER_PYTHON"] ?? "python3"
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../Clients/faults.py").standardizedFileURL.path
            let running = try broker.start(
                ["test", "-q", "--set", "cache", "--provider", provider, "--", python, script],
                adding: ["PYTHONDONTWRITEBYTECODE": "1", "BROKER": Broker.binary])
            let status = await running.process.exit(within: .seconds(120))
            if status == nil { await running.process.terminate(grace: .seconds(5)) }
            let error = try running.error()
            #expect(status == .code(0), "\(error.suffix(3000))")
        }
    }

    @Test func `faults stay over a swap, and are listed with what has come of them`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            try await broker.succeed("fault", "add", "cache", "--command", "get", "--every", "2", "--error", "busy")
            #expect(try await redis(url, "GET a") == "$-1\r\n")
            #expect(try await redis(url, "GET a").hasPrefix("-BUSY "))
            try await broker.succeed("swap", "cache", "--to", "exec:redis-server")
            #expect(try await redis(url, "GET a") == "$-1\r\n")
            #expect(try await redis(url, "GET a").hasPrefix("-BUSY "))
            let list = try await broker.run("fault", "ls", "cache", "--json").json()
            let fault = try #require((list["faults"] as? [[String: Any]])?.first)
            #expect(fault["matched"] as? Int == 4)
            #expect(fault["fired"] as? Int == 2)
            let shown = try await broker.succeed("fault", "ls", "cache")
            #expect(shown.contains("get, every 2"))
            let id = try #require(fault["id"] as? String)
            try await broker.succeed("fault", "rm", "cache", id)
            #expect(try await broker.run("fault", "rm", "cache", id).exitCode == 3)
            for options in [
                ["--nth", "0", "--error", "x"], ["--latency", "10", "--command", "get"], [],
                ["--error", "x", "--drop"], ["--probability", "2", "--error", "x"],
                ["--down", "--jitter", "5"], ["--down", "--direction", "up"], ["--down", "--slicer-delay", "5"],
            ] {
                let running = try broker.start(["fault", "add", "cache"] + options)
                let status = await running.process.exit(within: .seconds(30))
                let error = try running.error()
                #expect(status == .code(2) || status == .code(7), "\(options): \(error)")
            }
        }
    }

    @Test(arguments: ["emulator", "exec:redis-server"])
    func `commands are counted from a mark on`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            let url = try await broker.succeed("url", "cache", "--app", "web")
            #expect(try await broker.run("commands", "cache", "--at-most", "5").exitCode == 2)
            try await broker.succeed("commands", "cache", "--mark")
            #expect(try await redis(url, "SET secret canary") == "+OK\r\n")
            #expect(try await redis(url, "GET secret") == "$6\r\n")
            let counted = try await broker.run("commands", "cache", "--json")
            let document = try counted.json()
            #expect((document["counts"] as? [String: Int])?["set"] == 1)
            #expect(!counted.output.contains("canary"))
            let last = try #require(document["last"] as? [[String: Any]])
            #expect(last.last?["keys"] as? [String] == ["secret"])
            #expect(try await broker.run("commands", "cache", "--at-most", "1").exitCode == 1)
            #expect(try await broker.run("commands", "cache", "--at-most", "20", "--mark").exitCode == 0)
            #expect(try await broker.run("commands", "cache", "--at-most", "0").exitCode == 0)
        }
    }
}
