import Foundation
import Processes
import TestKit
import Testing

/// Client libraries and tools of other projects, unmodified, through the endpoints of the built program. The scripts in
/// `Tests/EndToEnd/Clients` know their environment and nothing of broker.
@Suite(.serialized, .requires(.redisServer)) struct ForeignClientTests {
    private static let clients = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Clients").standardizedFileURL.path
    /// A Python with the libraries of `requirements.txt`.
    private static let python =
        ProcessInfo.processInfo.environment["BROKER_PYTHON"]
        ?? clients + "/../../../.venv/bin/python"

    @Test(arguments: ["emulator", "exec:redis-server"])
    func `redis-py, Celery, redis-cli, redis-benchmark and hiredis work with the cache`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            for script in ["redis_py", "redis_py_blocking", "celery_app"] {
                try await Self.run(broker, [Self.python, "\(Self.clients)/\(script).py"])
            }
            for script in ["redis_cli", "redis_benchmark"] {
                try await Self.run(broker, ["\(Self.clients)/\(script).sh"])
            }
            let program = broker.folder.file("hiredis")
            let compiled = try await broker.shell(
                "cc -std=c11 -Wall -Wextra -Werror -o '\(program)' '\(Self.clients)/hiredis.c' -lhiredis")
            #expect(compiled.exitCode == 0, "\(compiled.output)")
            try await Self.run(broker, [program])
        }
    }

    @Test func `greenstalk works with the queue`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "queue", "--to", "web")
            try await Self.run(broker, [Self.python, Self.clients + "/greenstalk_client.py"])
        }
    }

    private static func run(
        _ broker: Broker, _ command: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let running = try broker.start(
            ["run", "-q", "web", "--"] + command, adding: ["PYTHONDONTWRITEBYTECODE": "1"])
        let status = await running.process.exit(within: .seconds(120))
        if status == nil { await running.process.terminate(grace: .seconds(5)) }
        let error = try running.error()
        #expect(status == .code(0), "\(command): \(error.suffix(2000))", sourceLocation: sourceLocation)
    }
}
