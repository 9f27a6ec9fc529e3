import BrokerClient
import Foundation
import Processes
import Synchronization
import TestKit
import Testing

/// The built `broker` with a home, a runtime directory and ports of its own; its daemon is stopped however a test ends.
final class Broker: Sendable {
    let folder: TemporaryDirectory
    let environment: [String: String]

    /// Gives `body` a fresh broker.
    static func use(_ body: (Broker) async throws -> Void) async throws {
        let broker = try Broker()
        do {
            try await body(broker)
            try await broker.end()
        } catch {
            try await broker.end()
            throw error
        }
    }

    private init() throws {
        folder = try TemporaryDirectory()
        for name in ["run", "work"] { try PrivateFolder.make(folder.file(name)) }
        let ports = Self.ports.next()
        environment = [
            "BROKER_HOME": folder.file("home"), "XDG_RUNTIME_DIR": folder.file("run"), "HOME": folder.path,
            "BROKER_PORTS": "\(ports.lowerBound)-\(ports.upperBound)", "BROKER_LOG_LEVEL": "debug",
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "TMPDIR": folder.path,
        ]
    }

    /// Where the daemon keeps its state.
    var home: String { folder.file("home") }

    /// What a verb did.
    struct Outcome {
        let exitCode: Int32
        let output: String
        let error: String

        /// stdout as a JSON object.
        func json() throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(object as? [String: Any])
        }
    }

    /// A verb did not end within a minute.
    struct TookTooLong: Error {
        let verb: String
    }

    /// Runs a verb to its end.
    @discardableResult
    func run(
        _ arguments: String..., in directory: String = "work", adding variables: [String: String] = [:],
        input: String? = nil
    ) async throws -> Outcome {
        let running = try start(arguments, in: directory, adding: variables, input: input)
        guard let status = await running.process.exit(within: .seconds(60)) else {
            await running.process.terminate(grace: .seconds(1))
            throw TookTooLong(verb: arguments.joined(separator: " "))
        }
        return Outcome(exitCode: status.shellCode, output: try running.output(), error: try running.error())
    }

    /// Runs a verb that has to succeed; returns its stdout.
    @discardableResult
    func succeed(
        _ arguments: String..., in directory: String = "work", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let running = try start(arguments, in: directory)
        let status = await running.process.exit(within: .seconds(60))
        let words = arguments.joined(separator: " ")
        let error = try running.error()
        #expect(status == .code(0), "broker \(words): \(error)", sourceLocation: sourceLocation)
        return try running.output()
    }

    /// A verb that runs.
    struct Running {
        let process: ChildProcess
        let files: String

        func output() throws -> String { try String(contentsOfFile: files + ".out", encoding: .utf8) }
        func error() throws -> String { try String(contentsOfFile: files + ".err", encoding: .utf8) }
    }

    /// Starts a verb.
    func start(
        _ arguments: [String], in directory: String = "work", adding variables: [String: String] = [:],
        input: String? = nil
    ) throws -> Running {
        let files = folder.file("verb-\(Self.verbs.next())")
        var command = ProcessCommand(
            Self.binary, arguments, environment: environment.merging(variables) { $1 },
            workingDirectory: folder.file(directory))
        command.output = .append(path: files + ".out")
        command.error = .append(path: files + ".err")
        guard let input else { return Running(process: try ChildProcess.spawn(command), files: files) }
        try Data(input.utf8).write(to: URL(filePath: files + ".in"))
        let handle = try FileHandle(forReadingFrom: URL(filePath: files + ".in"))
        command.input = .descriptor(handle.fileDescriptor)
        return Running(process: try ChildProcess.spawn(command), files: files)
    }

    /// The daemon as it has announced itself; nil when none has.
    var daemon: Announcement? { Announcement.read(home + "/daemon.json") }

    /// The daemon's end without a warning.
    func killDaemon() async throws {
        let pid = try #require(daemon?.pid)
        let identity = ProcessIdentity(of: pid)
        kill(pid, SIGKILL)
        _ = await identity?.end(within: .seconds(10))
    }

    /// The last that the daemon has noted.
    var logTail: String {
        let log = (try? String(contentsOfFile: home + "/daemon.log", encoding: .utf8)) ?? "no log"
        return log.split(separator: "\n").suffix(40).joined(separator: "\n")
    }

    private func end() async throws {
        // Of a daemon that died by itself its log is all that is left.
        if let pid = daemon?.pid, kill(pid, 0) != 0 { print("the daemon \(pid) is gone; its log ends:\n\(logTail)") }
        let outcome = try await run("daemon", "stop")
        if outcome.exitCode != 0, let pid = daemon?.pid { kill(pid, SIGKILL) }
        #expect(outcome.exitCode == 0, "daemon stop: \(outcome.error)")
        folder.remove()
    }

    /// `BROKER_BINARY`, else what was built with these tests.
    static let binary = ProcessInfo.processInfo.environment["BROKER_BINARY"] ?? built("broker")

    /// A program that was built with these tests.
    static func built(_ name: String) -> String {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../.build/debug/\(name)")
            .standardizedFileURL.path
    }

    private static let verbs = Counter()
    private static let ports = PortRanges()
}

/// 1, 2, 3 …
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

/// A range of 20 ports for each test, outside those of a daemon that a person runs, of outgoing connections, and, in `make
/// test`, of `FreePort`.
final class PortRanges: Sendable {
    private let used = Counter()
    /// Two runs of the tests at once begin at different places.
    private let first = Int(getpid()) % PortRanges.count
    private static let count = 175

    func next() -> ClosedRange<Int> {
        let start = 25000 + (first + used.next()) % Self.count * 20
        return start...(start + 19)
    }
}
