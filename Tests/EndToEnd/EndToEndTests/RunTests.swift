import Foundation
import Processes
import TestKit
import Testing

@Suite(.serialized) struct RunTests {
    @Test func `run adds the app's variables and PORT, and hands the exit code through`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let outcome = try await broker.run(
                "run", "web", "--", "sh", "-c", "echo \"$CACHE_URL\"; echo \"$REDIS_URL\"; echo \"$PORT\"; exit 7")
            #expect(outcome.exitCode == 7)
            let lines = outcome.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines.prefix(2).allSatisfy { $0 + "\n" == url })
            #expect(Int(lines.last ?? "").map { (1024...65535).contains($0) } == true)
            #expect(outcome.error == "running   web v1   PORT=\(lines.last ?? "")\n")
        }
    }

    @Test(
        arguments: [
            (["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 255"], 255), (["sh", "-c", "kill -KILL $$"], 137),
            (["sh", "-c", "kill -INT $$"], 130), (["/etc/passwd"], 126), (["no-such-program"], 127),
            (["/no/such"], 127),
            (["/"], 126),
        ] as [([String], Int32)])
    func `the exit code is the child's, 128+n for a signal, 126 or 127 when it cannot be run`(
        command: [String], code: Int32
    ) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            for verb in ["run", "exec"] {
                let running = try broker.start([verb, "-q", "web", "--"] + command)
                let status = await running.process.exit(within: .seconds(60))
                #expect(status == .code(code))
                if code == 126 || code == 127 { #expect(try running.error().hasPrefix("broker: error[")) }
            }
        }
    }

    @Test func `the broker's own failure is 125 with a line of its own`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            for arguments in [["run", "nobody", "--", "true"], ["exec", "nobody", "true"], ["run"], ["run", "web"]] {
                let running = try broker.start(arguments)
                #expect(await running.process.exit(within: .seconds(60)) == .code(125))
                #expect(try running.error().hasPrefix("broker: error["))
            }
        }
    }

    @Test func `exec assigns no PORT, run leaves one that is set`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            #expect(try await broker.succeed("exec", "web", "--", "sh", "-c", "echo \"[$PORT]\"") == "[]\n")
            let set = try await broker.run("run", "web", "sh", "-c", "echo $PORT", adding: ["PORT": "4711"])
            #expect(set.output == "4711\n")
            #expect(set.error.isEmpty)
        }
    }

    @Test func `the attachment wins over the shell with a warning, --no-override turns it round`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let mine = ["CACHE_URL": "mine"]
            let wins = try await broker.run("exec", "web", "--", "sh", "-c", "echo $CACHE_URL", adding: mine)
            #expect(wins.output == url)
            #expect(wins.error.hasPrefix("warning: CACHE_URL of this shell is replaced"))
            let loses = try await broker.run(
                "exec", "web", "--no-override", "--", "sh", "-c", "echo $CACHE_URL", adding: mine)
            #expect(loses.output == "mine\n")
            #expect(!loses.error.contains("redis://"))
        }
    }

    @Test func `input, arguments and the working directory reach the command as they are`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let echo = try await broker.run("exec", "web", "--", "cat", input: "a\nb")
            #expect(echo.output == "a\nb")
            let words = try await broker.run("exec", "web", "--", "printf", "[%s]", "$HOME", "a b", "--json", "--", "")
            #expect(words.output == "[$HOME][a b][--json][--][]")
            #expect(try await broker.succeed("exec", "web", "pwd") == broker.folder.file("work") + "\n")
        }
    }

    @Test func `nothing is run while a stranger has the port`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let port = try #require(try await broker.resources().first?["port"] as? Int)
            try await broker.succeed("daemon", "stop")
            let stranger = try await RealServer.start(.redisServer, on: UInt16(port))
            let refused = try await broker.run("run", "web", "--", "echo", "it ran")
            #expect(refused.exitCode == 125)
            #expect(refused.output.isEmpty)
            #expect(refused.error.contains("port-taken"))
            await stranger.stop()
            #expect(try await broker.succeed("daemon", "stop").isEmpty)
            #expect(try await broker.succeed("exec", "web", "--", "echo", "it ran") == "it ran\n")
        }
    }

    @Test func `descriptors that the shell has opened reach the command, and none of broker's own`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let line = "exec 5<<<hello; '\(Broker.binary)' exec web -- sh -c 'cat <&5; ls /proc/self/fd'"
            let outcome = try await broker.shell("exec bash -c \"\(line)\"")
            // 3 is the folder that ls reads.
            #expect(outcome.output == "hello\n0\n1\n2\n3\n5\n")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
    func `a signal that a process sends is passed on, once`(signal: Int32) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let script = """
                for s in TERM INT HUP QUIT USR1 USR2; do trap "echo $s" $s; done
                trap "echo end; exit 3" WINCH
                echo ready; while :; do sleep 0.02; done
                """
            let running = try broker.start(["run", "-q", "web", "--", "bash", "-c", script])
            try await eventually("the child is ready") { try running.output() == "ready\n" }
            running.process.signal(signal)
            try await eventually("the child got it") { try running.output().split(separator: "\n").count == 2 }
            running.process.signal(SIGWINCH)
            #expect(await running.process.exit(within: .seconds(30)) == .code(3))
            let names = [
                SIGTERM: "TERM", SIGINT: "INT", SIGHUP: "HUP", SIGQUIT: "QUIT", SIGUSR1: "USR1", SIGUSR2: "USR2",
            ]
            #expect(try running.output() == "ready\n\(names[signal] ?? "?")\nend\n")
        }
    }
}
