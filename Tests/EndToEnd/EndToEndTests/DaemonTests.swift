import BrokerClient
import Foundation
import Processes
import TestKit
import Testing

@Suite(.serialized) struct DaemonTests {
    @Test func `status and version never start the daemon`() async throws {
        try await Broker.use { broker in
            let status = try await broker.run("status")
            #expect(status.exitCode == 5)
            #expect(status.output.isEmpty)
            #expect(status.error.hasPrefix("error[E0501]: the daemon is not running\n"))
            #expect(status.error.contains("\n  fix: broker daemon start\n"))
            let json = try await broker.run("status", "--json")
            #expect(json.exitCode == 5)
            #expect(json.output.isEmpty)
            #expect(json.error.contains("\"code\":\"E0501\""))
            #expect(try await broker.succeed("version").contains("daemon not running"))
            #expect(!FileManager.default.fileExists(atPath: broker.home))
        }
    }

    @Test func `the fix of a status without a daemon works when it is pasted`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            #expect(try await broker.run("status").exitCode == 0)
            try await broker.succeed("daemon", "start")
            try await broker.succeed("daemon", "stop")
            #expect(try await broker.run("status").exitCode == 5)
            try await broker.succeed("daemon", "stop")
        }
    }

    @Test func `many command lines at once start one daemon, and all of them get their answer`() async throws {
        try await Broker.use { broker in
            let running = try (0..<8).map { try broker.start(["create", "cache\($0)", "--class", "redis"]) }
            for verb in running {
                let status = await verb.process.exit(within: .seconds(60))
                let error = try verb.error()
                #expect(status == .code(0), "\(error)")
            }
            let log = try String(contentsOfFile: broker.home + "/daemon.log", encoding: .utf8)
            #expect(log.split(separator: "\n").count { $0.contains("\"message\":\"started\"") } == 1)
            let started = try running.count { try $0.error().contains("started   the daemon") }
            #expect(started == 1)
            let resources = try await broker.run("status", "--json").json()["resources"] as? [Any]
            #expect(resources?.count == 8)
        }
    }

    @Test func `a second daemon on the same home is refused and names the first`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let second = try await broker.run("daemon", "run")
            #expect(second.exitCode == 4)
            #expect(second.error.contains("error[E0408]"))
            #expect(second.error.contains("(pid \(try #require(broker.daemon?.pid)))"))
            #expect(try await broker.run("status").exitCode == 0)
        }
    }

    @Test func `files and sockets are the user's own`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let socket = try #require(broker.daemon?.socket)
            #expect(mode(broker.home) == 0o700)
            #expect(mode(socket) == 0o600)
            #expect(mode(URL(filePath: socket).deletingLastPathComponent().path) == 0o700)
            for name in try FileManager.default.contentsOfDirectory(atPath: broker.home) {
                #expect(mode("\(broker.home)/\(name)") & 0o077 == 0, "\(name) is open to others")
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal ends it within five seconds, exit 0, and leaves no socket`(signal: Int32) async throws {
        try await Broker.use { broker in
            let daemon = try broker.start(["daemon", "run"])
            try await eventually("the daemon answers") { broker.daemon.map { SocketProbe.answers($0.socket) } ?? false }
            let socket = try #require(broker.daemon?.socket)
            let began = ContinuousClock.now
            daemon.process.signal(signal)
            #expect(await daemon.process.exit(within: .seconds(10)) == .code(0))
            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(!FileManager.default.fileExists(atPath: socket))
            #expect(broker.daemon == nil)
            for line in try daemon.output().split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["time"] != nil && object?["level"] != nil && object?["message"] != nil, "\(line)")
            }
        }
    }

    @Test func `after kill -9 the next verb starts it again, over the stale socket`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let former = try #require(broker.daemon)
            try await broker.killDaemon()
            #expect(FileManager.default.fileExists(atPath: former.socket))
            #expect(try await broker.run("status").exitCode == 5)
            #expect(try await broker.succeed("url", "cache", "--app", "web") == url)
            #expect(broker.daemon?.pid != former.pid)
        }
    }

    @Test func `a daemon whose socket was removed is still stopped, and nothing starts beside it`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let former = try #require(broker.daemon)
            let identity = try #require(ProcessIdentity(of: former.pid))
            try FileManager.default.removeItem(
                at: URL(filePath: former.socket).deletingLastPathComponent().deletingLastPathComponent())
            #expect(try await broker.run("status").exitCode == 5)
            try await broker.succeed("daemon", "stop")
            // The lock is free a moment before the process is gone.
            #expect(await identity.end(within: .seconds(2)))
            try await broker.succeed("url", "cache", "--app", "web")
        }
    }

    @Test func `a daemon whose home was removed ends, and leaves the next one's alone`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let former = try #require(broker.daemon)
            let identity = try #require(ProcessIdentity(of: former.pid))
            try FileManager.default.removeItem(atPath: broker.home)
            try await broker.succeed("attach", "cache", "--to", "web")
            let next = try #require(broker.daemon)
            #expect(next.pid != former.pid)
            #expect(await identity.end(within: .seconds(10)))
            #expect(try await broker.run("status").exitCode == 0)
            #expect(broker.daemon == next)
        }
    }

    @Test func `a daemon that cannot start is reported by its own error`() async throws {
        try await Broker.use { broker in
            let outcome = try await broker.run("create", "cache", adding: ["BROKER_PORTS": "nonsense"])
            #expect(outcome.exitCode == 2)
            #expect(outcome.error.hasPrefix("error[E0205]: cannot read BROKER_PORTS"))
        }
    }

    @Test func `a client with another runtime directory still finds the daemon of the home`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let other = try await broker.run("status", adding: ["XDG_RUNTIME_DIR": "/nowhere", "TMPDIR": "/tmp"])
            #expect(other.exitCode == 0)
        }
    }

    @Test func `the configuration shows value and source`() async throws {
        try await Broker.use { broker in
            let outcome = try await broker.run(
                "daemon", "run", "--print-config", "--log-level", "error", adding: ["BROKER_MASTER_KEY": "canary"])
            #expect(outcome.exitCode == 0)
            #expect(outcome.output.contains("flag"))
            #expect(outcome.output.contains("environment"))
            #expect(!outcome.output.contains("canary"))
            #expect(
                try await broker.run("daemon", "run", "--print-config", "--json").json()["schema"] as? String
                    == "broker.settings/1")
        }
    }

    private func mode(_ path: String) -> mode_t {
        var facts = stat()
        return lstat(path, &facts) == 0 ? facts.st_mode & 0o777 : 0
    }
}
