public import EventLoop
import Foundation
package import Processes

/// A real server to compare with, as a child in a folder of its own.
///
/// `RealServer.run` stops it however the test ends.
public final class RealServer: Sendable {
    /// What can be run.
    public enum Program: String, Sendable {
        case redisServer = "redis-server"
        case beanstalkd = "beanstalkd"

        /// Where it is; nil when it is not installed.
        public var path: String? {
            try? ProgramPath.resolve(rawValue, path: ProcessInfo.processInfo.environment["PATH"])
        }
    }

    /// Where it listens.
    public enum Place: Sendable {
        /// A port of 127.0.0.1 that was free.
        case port
        /// A socket in the server's folder. Not for beanstalkd.
        case unixSocket
    }

    public let address: SocketAddress
    public let directory: TemporaryDirectory
    package let process: ChildProcess

    /// Runs `body` with a server that answers; stops it when `body` returns or throws.
    public static func run<Value>(
        _ program: Program, at place: Place = .port, arguments: [String] = [], secret: String? = nil,
        environment: [String: String] = [:], _ body: (RealServer) async throws -> Value
    ) async throws -> Value {
        let server = try await start(
            program, at: place, arguments: arguments, secret: secret, environment: environment)
        do {
            let value = try await body(server)
            await server.stop()
            return value
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Starts a server and returns when it answers; whoever calls it stops it.
    ///
    /// `port` is one that a former server has had; else a free one is taken. `environment` is added to this process's.
    public static func start(
        _ program: Program, at place: Place = .port, on port: UInt16? = nil, arguments: [String] = [],
        secret: String? = nil, environment: [String: String] = [:]
    ) async throws -> RealServer {
        let directory = try TemporaryDirectory()
        // Somebody else may take the port between the look and the start: another one is tried then.
        for _ in 0..<5 {
            let address: SocketAddress =
                switch place {
                case .port: .tcp(host: "127.0.0.1", port: try port ?? FreePort.find())
                case .unixSocket: .unix(path: directory.file("s.sock"))
                }
            var command = ProcessCommand(
                program.rawValue, try words(program, address, secret) + arguments,
                environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
                workingDirectory: directory.path)
            command.output = .append(path: directory.file("log"))
            command.error = .append(path: directory.file("log"))
            let server = RealServer(address: address, directory: directory, process: try ChildProcess.spawn(command))
            if try await server.answers(program, secret) { return server }
        }
        throw Failure(description: "\(program.rawValue) does not start:\n\(log(in: directory))")
    }

    public var processID: Int32 { process.identity.pid }

    /// Nil for a unix socket.
    public var port: UInt16? {
        guard case .tcp(_, let port) = address else { return nil }
        return port
    }

    /// Ends it and waits until it is gone.
    public func stop() async {
        await process.terminate(grace: .seconds(5))
        directory.remove()
    }

    /// A server that cannot be used for a test.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private init(address: SocketAddress, directory: TemporaryDirectory, process: ChildProcess) {
        self.address = address
        self.directory = directory
        self.process = process
    }

    private static func words(_ program: Program, _ address: SocketAddress, _ secret: String?) throws -> [String] {
        switch (program, address) {
        case (.redisServer, .tcp(let host, let port)):
            ["--port", "\(port)", "--bind", host, "--save", ""] + (secret.map { ["--requirepass", $0] } ?? [])
        case (.redisServer, .unix(let path)):
            ["--port", "0", "--unixsocket", path, "--save", ""] + (secret.map { ["--requirepass", $0] } ?? [])
        case (.beanstalkd, .tcp(let host, let port)): ["-l", host, "-p", "\(port)"]
        case (.beanstalkd, .unix): throw Failure(description: "beanstalkd has no unix socket")
        }
    }

    /// Waits until the protocol is spoken; false when the process has ended instead.
    private func answers(_ program: Program, _ secret: String?) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if process.exitNow != nil { return false }
            if let client = try? SocketClient(to: address, timeout: .seconds(5)) {
                let (question, expected) = Self.handshake(program, secret)
                try? client.send(question)
                if let answer = try? client.receive(until: "\r\n"), answer.starts(with: expected.utf8) { return true }
            }
            try await ContinuousClock().sleep(for: .milliseconds(2))
        }
        await stop()
        throw Failure(description: "\(program.rawValue) does not answer within 20 s")
    }

    private static func handshake(_ program: Program, _ secret: String?) -> (question: String, answer: String) {
        switch program {
        case .redisServer: secret.map { ("AUTH \($0)\r\n", "+OK") } ?? ("PING\r\n", "+PONG")
        case .beanstalkd: ("list-tube-used\r\n", "USING default")
        }
    }

    private static func log(in directory: TemporaryDirectory) -> String {
        (try? String(contentsOfFile: directory.file("log"), encoding: .utf8)) ?? ""
    }
}
