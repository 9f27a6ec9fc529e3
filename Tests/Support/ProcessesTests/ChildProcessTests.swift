import Processes
import TestKit
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

@Suite struct ChildProcessTests {
    static let environment = ["PATH": "/usr/bin:/bin"]

    @Test(arguments: [0, 1, 7, 255] as [Int32])
    func `the exit code is handed on`(code: Int32) async throws {
        let child = try ChildProcess.spawn(shell("exit \(code)"))
        #expect(await child.exit == .code(code))
        #expect(await child.exit.shellCode == code)
    }

    @Test func `an end by a signal is 128 and the signal`() async throws {
        let child = try ChildProcess.spawn(shell("kill -USR1 $$; exit 0"))
        #expect(await child.exit == .signal(SIGUSR1))
        #expect(await child.exit.shellCode == 128 + SIGUSR1)
    }

    @Test func `any number of tasks may wait for the end`() async throws {
        let child = try ChildProcess.spawn(ProcessCommand("sleep", ["60"], environment: Self.environment))
        let statuses = await withTaskGroup(of: ExitStatus.self) { group in
            for _ in 0..<20 { group.addTask { await child.exit } }
            child.signal(SIGKILL)
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: .signal(SIGKILL), count: 20))
    }

    @Test func `waiting for a bounded time ends without the process`() async throws {
        let child = try ChildProcess.spawn(ProcessCommand("sleep", ["60"], environment: Self.environment))
        #expect(await child.exit(within: .milliseconds(20)) == nil)
        #expect(child.exitNow == nil)
        #expect(await child.terminate(grace: .seconds(10)) == .signal(SIGTERM))
    }

    @Test func `who ignores SIGTERM is killed after the grace time`() async throws {
        let folder = try TemporaryDirectory()
        let child = try ChildProcess.spawn(
            shell("trap '' TERM; touch ready; while :; do sleep 1; done", folder: folder.path))
        try await eventually { access(folder.file("ready"), F_OK) == 0 }
        #expect(await child.terminate(grace: .milliseconds(50)) == .signal(SIGKILL))
    }

    @Test func `no signal is sent to a process that has ended`() async throws {
        let child = try ChildProcess.spawn(shell("exit 0"))
        _ = await child.exit
        #expect(!child.signal(SIGTERM))
    }

    @Test func `the child gets the arguments, the environment and the folder, and nothing else`() async throws {
        let folder = try TemporaryDirectory()
        var command = ProcessCommand(
            "/bin/sh",
            [
                "-c", "echo \"$#:$1:$2\"; echo \"$NAME\"; pwd; env | sort | grep -v -e ^_= -e ^SHLVL= -e ^PWD=", "sh",
                "a b", "",
            ],
            environment: Self.environment.merging(["NAME": "va lue"]) { $1 }, workingDirectory: folder.path)
        command.output = .append(path: folder.file("out"))
        let child = try ChildProcess.spawn(command)
        #expect(await child.exit == .code(0))
        #expect(try text(folder.file("out")) == "2:a b:\nva lue\n\(folder.path)\nNAME=va lue\nPATH=/usr/bin:/bin\n")
    }

    @Test func `the child inherits no descriptor but the three`() async throws {
        let folder = try TemporaryDirectory()
        let leak = open("/dev/null", O_RDONLY)
        #expect(leak >= 3)
        defer { close(leak) }
        var command = shell("ls /proc/self/fd || echo 0 1 2 3", folder: folder.path)
        command.output = .append(path: folder.file("out"))
        #expect(try await ChildProcess.spawn(command).exit == .code(0))
        let numbers = try text(folder.file("out")).split(whereSeparator: \.isWhitespace)
        #expect(numbers == ["0", "1", "2", "3"])  // 3 is what ls reads the folder with
    }

    @Test func `a child in a session of its own leads it`() async throws {
        var command = ProcessCommand("sleep", ["60"], environment: Self.environment)
        command.newSession = true
        let leader = try ChildProcess.spawn(command)
        command.newSession = false
        let member = try ChildProcess.spawn(command)
        #expect(getsid(leader.pid) == leader.pid)
        #expect(getsid(member.pid) == getsid(0))
        await leader.terminate(grace: .seconds(5))
        await member.terminate(grace: .seconds(5))
    }

    @Test func `a program that is not there, and one that cannot be run, are told apart`() throws {
        let folder = try TemporaryDirectory()
        let plain = folder.file("plain")
        close(open(plain, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: SpawnError.notFound(program: "no-such-program-4711")) {
            try ChildProcess.spawn(ProcessCommand("no-such-program-4711", environment: Self.environment))
        }
        #expect(throws: SpawnError.notFound(program: "/no/such")) {
            try ChildProcess.spawn(ProcessCommand("/no/such", environment: Self.environment))
        }
        #expect(throws: SpawnError.notExecutable(program: plain, errno: EACCES)) {
            try ChildProcess.spawn(ProcessCommand(plain, environment: Self.environment))
        }
        #expect(throws: SpawnError.notExecutable(program: folder.path, errno: EISDIR)) {
            try ChildProcess.spawn(ProcessCommand(folder.path, environment: Self.environment))
        }
        #expect(SpawnError.notFound(program: "x").exitCode == 127)
        #expect(SpawnError.notExecutable(program: "x", errno: EACCES).exitCode == 126)
        #expect(SpawnError.failed(call: "enter", subject: "x", errno: ENOENT).exitCode == 125)
    }

    @Test func `a folder that is not there is not taken for a missing program`() throws {
        #expect(throws: SpawnError.failed(call: "enter", subject: "/no/such", errno: ENOENT)) {
            try ChildProcess.spawn(
                ProcessCommand("true", environment: Self.environment, workingDirectory: "/no/such"))
        }
    }

    @Test func `a script without an interpreter line is run by the shell`() async throws {
        let folder = try TemporaryDirectory()
        let script = folder.file("script")
        let descriptor = open(script, O_CREAT | O_WRONLY, 0o700)
        _ = "exit $1".utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count - 1) }
        close(descriptor)
        let child = try ChildProcess.spawn(ProcessCommand(script, ["9"], environment: Self.environment))
        #expect(await child.exit == .code(9))
    }

    @Test func `what a program prints is collected, also when something that it started holds its output open`()
        async throws
    {
        let output = try await ProgramOutput.collect(shell("sleep 30 & echo $!"), within: .milliseconds(500))
        #expect(output.status == .code(0))
        kill(try #require(Int32(output.text.dropLast())), SIGKILL)
        let hanging = try await ProgramOutput.collect(shell("echo begun; exec sleep 30"), within: .milliseconds(200))
        #expect(hanging.status == .signal(SIGTERM) || hanging.status == .signal(SIGKILL))
        #expect(hanging.text == "begun\n")
    }

    @Test func `the program is looked up on the PATH of the child`() throws {
        #expect(throws: SpawnError.notFound(program: "sh")) {
            try ChildProcess.spawn(ProcessCommand("sh", environment: ["PATH": "/no/such"]))
        }
    }

    private func shell(_ script: String, folder: String? = nil) -> ProcessCommand {
        var command = ProcessCommand(
            "/bin/sh", ["-c", script], environment: Self.environment, workingDirectory: folder)
        command.error = .null
        return command
    }

    private func text(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
