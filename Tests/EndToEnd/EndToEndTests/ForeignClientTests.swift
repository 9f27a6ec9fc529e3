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

    /// Apps with an oracle beside every part, through the relay.
    private static let apps = ["redis_py_app", "celery_app", "rq_app", "huey_app", "dramatiq_app", "web_app"]

    @Test(arguments: apps, ["emulator", "exec:redis-server"])
    func `apps work with the cache`(app: String, provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            try await Self.run(broker, [Self.python, "\(Self.clients)/\(app).py"])
        }
    }

    /// The named exceptions: a watched transaction may be refused (redis_py_app tries again, as its users do), and a walk
    /// by SCAN may meet an element twice (it counts them once).
    @Test(arguments: apps.filter { $0 != "web_app" })
    func `apps notice nothing of a swap every second`(app: String) async throws {
        try await Broker.use { broker in
            // valkey is not to be had everywhere: a server of another name stands for another product.
            let other = broker.folder.file("other-server")
            let program = try #require(RealServer.Program.redisServer.path)
            try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: program)
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
            let running = try broker.start(
                ["run", "-q", "web", "--", Self.python, "\(Self.clients)/\(app).py"],
                adding: ["PYTHONDONTWRITEBYTECODE": "1", "REPEAT_SECONDS": "4"])
            var (swaps, next) = (0, ContinuousClock.now)
            while running.process.exitNow == nil, swaps < 60 {
                let target = swaps % 2 == 0 ? "exec:\(other)" : "exec:redis-server"
                let swapped = try await broker.run("swap", "cache", "--to", target, "--verify", "full", "--json")
                #expect(swapped.exitCode == 0, "\(swapped.output) \(swapped.error)")
                swaps += 1
                next += .seconds(1)
                _ = await running.process.exit(within: max(next - .now, .zero))
            }
            let status = await running.process.exit(within: .seconds(60))
            if status == nil { await running.process.terminate(grace: .seconds(5)) }
            let said = try running.error().suffix(3000)
            #expect(status == .code(0), "\(app): \(said)")
            #expect(swaps >= 3)
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
