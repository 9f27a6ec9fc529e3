import BrokerClient
import Foundation
import Processes
import TestKit
import Testing

/// What a person does with an error: pastes its fix, and goes on.
@Suite(.serialized) struct FixTests {
    @Test func `the fix of an error works when it is pasted`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            try await broker.succeed("attach", "cache", "--to", "web", "--as", "SECOND")
            let cases: [(command: String, code: Int32)] = [
                ("broker url cache --app web", 4), ("broker open cache --app web", 4),
                ("broker url missing --app web", 3), ("broker env nobody", 3), ("broker env web --for yaml", 2),
                ("broker create thing", 2), ("broker create thing2 --class mongo", 2),
                ("broker attach thing3 --to web --as THREE", 2), ("broker attach thing4 --to web --class mongo", 2),
                ("broker create thing5 --class redis --plan gold", 2),
                ("broker create thing6 --class redis --provider nonsense", 2),
                ("broker create queue --provider exec:beanstalkd", 7),
                ("broker create cache --class sqlite", 4), ("broker logs noone", 3), ("broker destroy cache", 4),
                ("BROKER_PORTS=x broker daemon run", 2), ("broker create mine --workspace other", 2),
            ]
            for (command, code) in cases {
                let failed = try await paste(command, broker)
                #expect(failed.exitCode == code, "\(command): \(failed.output)")
                let fix = try #require(fixLine(of: failed.output), "\(command): \(failed.output)")
                let pasted = try await paste(fix, broker)
                #expect(pasted.exitCode == 0, "\(command): \(fix): \(pasted.output)")
            }
            #expect(try await broker.succeed("status", "--workspace", "other").contains("mine"))
        }
    }

    @Test func `a shell with a wrong setting is mended by the fix`() async throws {
        try await Broker.use { broker in
            for variable in ["BROKER_PORTS", "BROKER_LOG_LEVEL", "BROKER_LEDGER_URL", "BROKER_MASTER_KEY"] {
                let began = ContinuousClock.now
                let failed = try await paste("export \(variable)=nonsense; broker daemon start", broker)
                #expect(ContinuousClock.now - began < .seconds(10))
                #expect(failed.exitCode == (variable == "BROKER_MASTER_KEY" ? 10 : 2), "\(failed.output)")
                #expect(!failed.output.contains("E0502"), "\(failed.output)")
                let fix = try #require(fixLine(of: failed.output))
                let pasted = try await paste(
                    "export \(variable)=nonsense; \(fix); broker daemon start && broker daemon stop", broker)
                #expect(pasted.exitCode == 0, "\(fix): \(pasted.output)")
            }
        }
    }

    @Test func `no more free ports: the fix makes room`() async throws {
        try await Broker.use { broker in
            let first = try #require(broker.environment["BROKER_PORTS"]?.split(separator: "-").first)
            let few = "export BROKER_PORTS=\(first)-\(first);"
            #expect(try await paste("\(few) broker create cache", broker).exitCode == 0)
            let failed = try await paste("\(few) broker create more --class redis", broker)
            #expect(failed.exitCode == 4, "\(failed.output)")
            let fix = try #require(fixLine(of: failed.output))
            let pasted = try await paste("\(few) \(fix) && broker create more --class redis", broker)
            #expect(pasted.exitCode == 0, "\(fix): \(pasted.output)")
        }
    }

    @Test func `a daemon that hangs is noticed within seconds, and the fix gets out of it`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let pid = try #require(broker.daemon?.pid)
            #expect(kill(pid, SIGSTOP) == 0)
            for verb in ["env web", "attach cache --to other"] {
                let began = ContinuousClock.now
                let failed = try await paste("broker \(verb)", broker)
                #expect(ContinuousClock.now - began < .seconds(10), "\(verb)")
                #expect(failed.exitCode == 8, "\(verb): \(failed.output)")
                #expect(failed.output.contains("(pid \(pid))"), "\(failed.output)")
                #expect(fixLine(of: failed.output) == "kill -9 \(pid) && broker daemon start")
            }
            let fix = try #require(fixLine(of: try await paste("broker status", broker).output))
            #expect(try await paste(fix, broker).exitCode == 0)
            #expect(try await broker.run("status").exitCode == 0)
        }
    }

    #if os(Linux)  // of an emulator on another driver, nobody is served while a script runs
    @Test func `a script that runs for long hides no resource, and nobody is told to kill the daemon for it`()
        async throws
    {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let client = try redisClient(try await broker.succeed("url", "cache", "--app", "web"))
            try client.send("EVAL 'while true do end' 0\r\n")
            let other = try redisClient(try await broker.succeed("url", "cache", "--app", "web"))
            try await eventually("a script runs for long", within: .seconds(20)) {
                try other.send("PING\r\n")
                return String(decoding: try other.receive(until: "\r\n"), as: UTF8.self).hasPrefix("-BUSY")
            }
            let status = try await broker.run("status", "--json")
            #expect(status.exitCode == 0, "\(status.error)")
            let resources = try status.json()["resources"] as? [[String: Any]]
            #expect(resources?.first?["connections"] as? Int == 2)
            try await broker.succeed("attach", "jobs", "--to", "web")
            let failed = try await broker.run("expect", "cache", "--key", "a", "--equals", "1")
            #expect(failed.exitCode == 8, "\(failed.error)")
            #expect(failed.error.contains("may run for long") && !failed.error.contains("kill -9"), "\(failed.error)")
            try other.send("SCRIPT KILL\r\n")
            #expect(try other.receive(until: "\r\n") == Array("+OK\r\n".utf8))
        }
    }
    #endif

    @Test func `a daemon that nobody could find ends at once and says why`() async throws {
        try await Broker.use { broker in
            try PrivateFolder.make(broker.home + "/daemon.json/in-the-way")
            let began = ContinuousClock.now
            let failed = try await broker.run("daemon", "start")
            #expect(ContinuousClock.now - began < .seconds(10))
            #expect(failed.exitCode == 7, "\(failed.error)")
            #expect(failed.error.hasPrefix("error[E0704]: cannot write \"\(broker.home)/daemon.json\""))
            try FileManager.default.removeItem(atPath: broker.home + "/daemon.json")
        }
    }

    @Test func `a file as the home is said to be one, and the fix is another place`() async throws {
        try await Broker.use { broker in
            try Data().write(to: URL(filePath: broker.home))
            for verb in ["status", "create cache", "daemon start"] {
                let failed = try await paste("broker \(verb)", broker)
                #expect(failed.exitCode == 2, "\(verb): \(failed.output)")
                #expect(failed.output.contains("\"\(broker.home)\" is no folder"), "\(failed.output)")
            }
            let fix = try #require(fixLine(of: try await paste("broker status", broker).output))
            let pasted = try await paste("\(fix); broker daemon start && broker daemon stop", broker)
            #expect(pasted.exitCode == 0, "\(pasted.output)")
            try FileManager.default.removeItem(atPath: broker.home)
        }
    }

    @Test func `a broker.yaml that cannot be read is refused, and keys without effect are named`() async throws {
        try await Broker.use { broker in
            let file = URL(filePath: broker.folder.file("work/broker.yaml"))
            try Data("version: 1\nresources: {}\n".utf8).write(to: file)
            let ignored = try await broker.run("create", "cache")
            #expect(ignored.exitCode == 0)
            #expect(ignored.error.contains("broker.yaml: resources has no effect in this version"))
            try Data("- cache\n".utf8).write(to: file)
            let refused = try await paste("broker status", broker)
            #expect(refused.exitCode == 2)
            #expect(try await broker.run("version").exitCode == 0)
            #expect(try await paste(try #require(fixLine(of: refused.output)), broker).exitCode == 0)
            #expect(try await broker.run("status").exitCode == 0)
        }
    }

    @Test func `a home of odd characters gives a URL that apps can decode, and a file that open finds`() async throws {
        try await Broker.use { broker in
            let home = ["BROKER_HOME": broker.folder.file("my home 50%?#&ü")]
            #expect(try await broker.run("attach", "db", "--to", "web", adding: home).exitCode == 0)
            let script = """
                import os, sqlite3, urllib.parse
                url = urllib.parse.urlsplit(os.environ["DB_URL"])
                assert url.scheme == "sqlite" and not url.query and not url.fragment, url
                with sqlite3.connect(urllib.parse.unquote(url.path)[1:]) as connection:
                    connection.execute("CREATE TABLE answers AS SELECT 42 AS answer")
                """
            let app = try await broker.run("run", "-q", "web", "--", "python3", "-c", script, adding: home)
            #expect(app.exitCode == 0, "\(app.error)")
            let shell = try await broker.run("open", "db", adding: home, input: "SELECT answer FROM answers;\n")
            #expect(shell.output == "42\n", "\(shell.error)")
            #expect(try await broker.run("daemon", "stop", adding: home).exitCode == 0)
        }
    }

    @Test func `names are completed from the daemon that runs, and none is started for it`() async throws {
        try await Broker.use { broker in
            func offered(_ verb: String, _ what: String) async throws -> String {
                let outcome = try await broker.run("---completion", verb, "--", what, "0", "0", "broker", verb, "")
                #expect(outcome.exitCode == 0, "\(outcome.error)")
                return outcome.output
            }
            #expect(try await offered("swap", "positional@0").split(separator: "\n").isEmpty)
            #expect(!FileManager.default.fileExists(atPath: broker.home))
            try await broker.succeed("attach", "cache", "--to", "web")
            #expect(try await offered("swap", "positional@0") == "cache\n")
            #expect(try await offered("detach", "--from") == "web\n")
            let pid = try #require(broker.daemon?.pid)
            #expect(kill(pid, SIGSTOP) == 0)
            let began = ContinuousClock.now
            #expect(try await offered("swap", "positional@0").split(separator: "\n").isEmpty)
            #expect(ContinuousClock.now - began < .seconds(1))
            #expect(kill(pid, SIGCONT) == 0)
        }
    }

    /// The line after `fix: `.
    private func fixLine(of text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("  fix: ") }.map { String($0.dropFirst(7)) }
    }

    private func paste(_ line: String, _ broker: Broker) async throws -> Broker.Outcome {
        try await broker.shell("broker() { '\(Broker.binary)' \"$@\"; }; \(line)")
    }
}
