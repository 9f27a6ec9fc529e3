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
        ?? URL(filePath: clients).appending(path: "../../../.venv/bin/python").standardizedFileURL.path

    @Test(arguments: ["emulator", "exec:redis-server"])
    func `redis-py, redis-cli, redis-benchmark and hiredis work with the cache`(provider: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", provider)
            try await Self.run(broker, [Self.python, Self.clients + "/redis_py.py"])
            try await Self.run(broker, [Self.clients + "/redis_tools.sh"])
            let program = broker.folder.file("hiredis_client")
            let compiled = try await broker.shell(
                "cc -Wall -Werror -o '\(program)' '\(Self.clients)/hiredis_client.c' -lhiredis")
            #expect(compiled.exitCode == 0, "\(compiled.output)")
            try await Self.run(broker, [program])
            // They meet nothing that is not there but what they ask for on purpose.
            let resource = try #require(try await broker.resources().first)
            let unsupported = try #require(resource["unsupported"] as? [String: Int])
            #expect(Set(unsupported.keys).isSubset(of: ["NOSUCH"]), "\(unsupported)")
        }
    }

    @Test func `greenstalk works with the queue`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "queue", "--to", "web")
            try await Self.run(broker, [Self.python, Self.clients + "/greenstalk_client.py"])
        }
    }

    @Test func `Celery works with a real server, and meets what the emulator lacks as a clean error`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
            try await Self.run(broker, [Self.python, Self.clients + "/celery_app.py"])
            try await broker.succeed("swap", "cache", "--to", "emulator")
            let lacking = try broker.start(
                ["exec", "-q", "web", "--", Self.python, Self.clients + "/blocking_pop.py"])
            #expect(await lacking.process.exit(within: .seconds(60)) == .code(0))
            let unsupported = try await broker.resources().first?["unsupported"] as? [String: Int]
            #expect(unsupported?.keys.sorted() == ["BRPOP", "EVALSHA"])
        }
    }

    private static func run(
        _ broker: Broker, _ command: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let running = try broker.start(["run", "-q", "web", "--"] + command)
        let status = await running.process.exit(within: .seconds(60))
        if status == nil { await running.process.terminate(grace: .seconds(5)) }
        let error = try running.error()
        #expect(status == .code(0), "\(command): \(error.suffix(2000))", sourceLocation: sourceLocation)
        #expect(try running.output().hasSuffix(": ok\n"), sourceLocation: sourceLocation)
    }
}
