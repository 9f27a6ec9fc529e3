import BrokerClient
import Foundation
import Processes
import TestKit
import Testing

/// What only a terminal shows; Python's `pty` makes one.
@Suite(.serialized) struct TerminalTests {
    @Test func `a key of the terminal reaches the child once, though broker and child are in one group`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let script = """
                import os, pty, select, sys, time
                pid, terminal = pty.fork()
                if pid == 0:
                    os.execv(sys.argv[1], sys.argv[1:])
                seen = b""
                def until(text):
                    global seen
                    end = time.time() + 20
                    while text not in seen and time.time() < end:
                        if select.select([terminal], [], [], 0.1)[0]:
                            seen += os.read(terminal, 1000)
                until(b"ready")
                os.write(terminal, b"\\x03")
                until(b"INT")
                os.write(terminal, b"\\x1c")
                try:
                    while True:
                        seen += os.read(terminal, 1000)
                except OSError:
                    pass
                code = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
                print("INT", seen.count(b"INT"), "QUIT", seen.count(b"QUIT"), "exit", code)
                """
            let child = "trap 'echo INT' INT; trap 'echo QUIT; exit 4' QUIT; echo ready; while :; do sleep 0.02; done"
            let files = broker.folder.file("pty")
            var command = ProcessCommand(
                "python3", ["-c", script, Broker.binary, "run", "-q", "web", "--", "bash", "-c", child],
                environment: broker.environment, workingDirectory: broker.folder.file("work"))
            command.output = .append(path: files + ".out")
            command.error = .append(path: files + ".err")
            let status = try await ChildProcess.spawn(command).exit(within: .seconds(60))
            let error = try String(contentsOfFile: files + ".err", encoding: .utf8)
            #expect(status == .code(0), "\(error)")
            #expect(try String(contentsOfFile: files + ".out", encoding: .utf8) == "INT 1 QUIT 1 exit 4\n")
        }
    }

    @Test func `tables have colour on a terminal, and none with NO_COLOR`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("create", "cache")
            let script = "import pty, sys; pty.spawn(sys.argv[1:])"
            for (variables, isColoured) in [([:], true), (["NO_COLOR": "1"], false)] {
                let files = broker.folder.file("colour-\(isColoured)")
                var command = ProcessCommand(
                    "python3", ["-c", script, Broker.binary, "status"],
                    environment: broker.environment.merging(["TERM": "xterm"]) { $1 }.merging(variables) { $1 },
                    workingDirectory: broker.folder.file("work"))
                command.output = .append(path: files)
                #expect(try await ChildProcess.spawn(command).exit(within: .seconds(60)) == .code(0))
                let text = try String(contentsOfFile: files, encoding: .utf8)
                #expect(text.contains("cache"))
                #expect(text.contains("\u{1B}[32mready") == isColoured)
            }
        }
    }

    @Test func `who waits is told what for, and a secret that is typed is not shown`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            // A terminal in which the answer is typed when the question has come.
            let script = """
                import os, pty, sys
                pid, terminal = pty.fork()
                if pid == 0:
                    os.execv(sys.argv[2], sys.argv[2:])
                seen = b""
                try:
                    while True:
                        seen += os.read(terminal, 1000)
                        if sys.argv[1] and sys.argv[1].encode() in seen:
                            os.write(terminal, b"canary\\n")
                            sys.argv[1] = ""
                except OSError:
                    pass
                sys.stdout.buffer.write(seen)
                sys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
                """
            func show(_ question: String, _ arguments: String...) async throws -> (Processes.ExitStatus?, String) {
                let files = broker.folder.file("pty-\(UUID().uuidString)")
                var command = ProcessCommand(
                    "python3", ["-c", script, question, Broker.binary] + arguments, environment: broker.environment,
                    workingDirectory: broker.folder.file("work"))
                command.output = .append(path: files)
                let child = try ChildProcess.spawn(command)
                let status = await child.exit(within: .seconds(60))
                // One that is left would keep the test's own output open.
                if status == nil { await child.terminate(grace: .seconds(1)) }
                return (status, try String(contentsOfFile: files, encoding: .utf8))
            }
            let (asked, question) = try await show(
                "secret of redis://127.0.0.1:1/0: ", "create", "c", "--class", "redis", "--provider",
                "redis://127.0.0.1:1/0", "--secret-file", "-")
            #expect(asked == .code(5), "\(question)")
            #expect(!question.contains("canary"))

            let pid = try #require(broker.daemon?.pid)
            #expect(kill(pid, SIGSTOP) == 0)
            let (waited, notice) = try await show("", "status")
            #expect(kill(pid, SIGCONT) == 0)
            #expect(waited == .code(8), "\(notice)")
            #expect(notice.contains("waiting   for the daemon's answer"), "\(notice)")
        }
    }
}
