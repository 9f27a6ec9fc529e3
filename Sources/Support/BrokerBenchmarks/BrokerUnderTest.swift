import EventLoop
import Foundation
import Processes
import TestKit

/// The built program with a home, ports and a runtime directory of its own.
final class BrokerUnderTest {
    let program: String
    private let directory: TemporaryDirectory
    let environment: [String: String]

    init() throws {
        var environment = ProcessInfo.processInfo.environment
        program = environment["BROKER_BINARY"] ?? ".build/release/broker"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw BenchmarkFailure("there is no program at \(program): swift build -c release --product broker")
        }
        directory = try TemporaryDirectory()
        let first = Int.random(in: 250...300) * 100
        environment["BROKER_HOME"] = directory.file("home")
        environment["XDG_RUNTIME_DIR"] = directory.file("run")
        environment["BROKER_PORTS"] = "\(first)-\(first + 99)"
        environment["BROKER_WORKSPACE"] = "bench"
        try FileManager.default.createDirectory(
            atPath: directory.file("run"), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        self.environment = environment
    }

    /// Runs the program to its end; returns what it printed, and the milliseconds it took.
    @discardableResult
    func run(_ arguments: String...) async throws -> (output: String, milliseconds: Double) {
        let output = directory.file("out")
        try? FileManager.default.removeItem(atPath: output)
        var command = ProcessCommand(program, arguments, environment: environment)
        command.output = .append(path: output)
        command.error = .append(path: directory.file("err"))
        let began = ContinuousClock.now
        let status = try await ChildProcess.spawn(command).exit
        let time = ContinuousClock.now - began
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard status.isSuccess else {
            let error = (try? String(contentsOfFile: directory.file("err"), encoding: .utf8)) ?? ""
            throw BenchmarkFailure("broker \(arguments.joined(separator: " ")): \(status)\n\(error)")
        }
        return (text, time.milliseconds)
    }

    /// Starts a daemon and waits until it has served its first command; returns the process and the milliseconds.
    func startDaemon() async throws -> (daemon: ChildProcess, milliseconds: Double) {
        var command = ProcessCommand(program, ["daemon", "run"], environment: environment)
        command.output = .append(path: directory.file("daemon.log"))
        command.error = .append(path: directory.file("daemon.log"))
        let began = ContinuousClock.now
        let daemon = try ChildProcess.spawn(command)
        let deadline = began + .seconds(20)
        while true {
            if try await answers() { return (daemon, (ContinuousClock.now - began).milliseconds) }
            guard daemon.exitNow == nil, ContinuousClock.now < deadline else {
                throw BenchmarkFailure("the daemon does not start; see \(directory.file("daemon.log"))")
            }
        }
    }

    /// Of the daemon that runs.
    func controlSocket() throws -> String {
        guard let socket = Self.sockets(below: directory.path).first else { throw BenchmarkFailure("no daemon runs") }
        return socket
    }

    /// Whether the control socket accepts and answers.
    private func answers() async throws -> Bool {
        guard let socket = Self.sockets(below: directory.path).first else {
            try await Task.sleep(for: .milliseconds(1))
            return false
        }
        guard let client = try? SocketClient(to: .unix(path: socket), timeout: .seconds(2)) else { return false }
        defer { client.close() }
        try client.send("GET /v1/version HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n")
        return try client.receive(until: "\r\n").starts(with: "HTTP/1.1 200".utf8)
    }

    private static func sockets(below path: String) -> [String] {
        guard let names = FileManager.default.enumerator(atPath: path) else { return [] }
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".sock") }.map { "\(path)/\($0)" }
    }

    func stop() async {
        _ = try? await run("daemon", "stop")
        directory.remove()
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
    }
}
