import BrokerClient
import BrokerModel
import Foundation
import Processes
import TestKit
import Testing

/// Leases as tests meet them: by `broker test`, and by the API.
@Suite(.serialized) struct LeaseTests {
    @Test func `a suite gets fresh resources and its exit code is handed on`() async throws {
        try await Broker.use { broker in
            let script = #"echo "$CACHE_URL $REDIS_URL $QUEUE_URL $DB_URL"; redis-cli -u "$CACHE_URL" set a 1; exit 7"#
            var seen: Set<String> = []
            for _ in 0..<2 {
                let outcome = try await broker.run(
                    "test", "--set", "cache", "--set", "queue", "--set", "db=sqlite", "--", "sh", "-c", script)
                #expect(outcome.exitCode == 7)
                let lines = outcome.output.split(separator: "\n").map(String.init)
                #expect(lines.last == "OK")
                let urls = lines[0].split(separator: " ").map(String.init)
                #expect(urls.count == 4)
                #expect(urls[0] == urls[1])
                #expect(outcome.error.contains("1 lease, p99 "))
                #expect(outcome.error.contains(", 0 left open"))
                seen.formUnion(urls)
                // Nothing is left of it.
                let path = try #require(urls[3].firstRange(of: "sqlite:///").map { String(urls[3][$0.upperBound...]) })
                #expect(!FileManager.default.fileExists(atPath: path))
            }
            #expect(seen.count == 6)
            #expect(try await leases(broker).isEmpty)
            let status = try await broker.run("status", "--json").json()
            #expect((status["resources"] as? [Any])?.isEmpty == true)
        }
    }

    @Test func `what is set already is left alone, unless it is to be replaced`() async throws {
        try await Broker.use { broker in
            let variables = ["REDIS_URL": "redis://elsewhere/0"]
            let kept = try await broker.run(
                "test", "--set", "cache", "--", "sh", "-c", "echo $REDIS_URL", adding: variables)
            #expect(kept.output == "redis://elsewhere/0\n")
            #expect(kept.error.contains("warning: REDIS_URL is set already and left alone"))
            let replaced = try await broker.run(
                "test", "--set", "cache", "--override", "--", "sh", "-c", "echo $REDIS_URL", adding: variables)
            #expect(replaced.output.hasPrefix("redis://lease:"))
        }
    }

    @Test func `the file of the workspace names what is leased`() async throws {
        try await Broker.use { broker in
            try "version: 1\ntest:\n  # two\n  cache: redis\n  jobs:\n".write(
                toFile: broker.folder.file("work") + "/broker.yaml", atomically: true, encoding: .utf8)
            let outcome = try await broker.run("test", "--", "sh", "-c", "echo $BROKER_TEST_SET")
            #expect(outcome.output == "cache=redis,jobs=beanstalk\n")
            #expect(!outcome.error.contains("no effect"))
        }
    }

    @Test(
        arguments: [
            (["test", "--", "true"], "error[E0200]: there is nothing to lease"),
            (["test", "--set", "thing", "--", "true"], "error[E0206]"),
            (["test", "--set", "cache=mongo", "--", "true"], "error[E0202]"),
            (["test", "--set", "cache", "--set", "cache", "--", "true"], "error[E0205]"),
            (["test", "--set", "cache", "--port", "70000", "--", "true"], "error[E0200]"),
            (["test", "--set", "cache", "--provider", "exec:no-such-server", "--", "true"], "error[E0305]"),
            (["test", "--set", "cache"], "error[E0200]"),
            (["test", "--set", "cache", "--results", "x", "--", "true"], "error[E0200]"),
        ])
    func `what cannot be leased is refused, and nothing is left`(arguments: [String], words: String) async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let running = try broker.start(arguments)
            #expect(await running.process.exit(within: .seconds(60)) == .code(125))
            let error = try running.error()
            #expect(error.hasPrefix("broker: \(words)"), "\(error)")
            #expect(try await leases(broker).isEmpty)
        }
    }

    @Test(arguments: ["emulator", "exec:redis-server"])
    func `a lease ends with its holder, SIGKILL included, and with it what worked with it`(
        provider: String
    ) async throws {
        try await Broker.use { broker in
            let running = try broker.start(
                [
                    "test", "--set", "cache", "--provider", provider, "--", "sh", "-c",
                    "echo $CACHE_URL; echo $$; exec sleep 600",
                ])
            try await eventually("the suite runs") {
                try running.output().split(separator: "\n").count == 2
            }
            let lines = try running.output().split(separator: "\n").map(String.init)
            let child = try #require(Int32(lines[1]).flatMap(ProcessIdentity.init(of:)))
            #expect(try await redis(lines[0], "PING") == "+PONG\r\n")
            #expect(try await leases(broker).count == 1)
            running.process.signal(SIGKILL)
            _ = await running.process.exit
            let killed = ContinuousClock.now
            try await eventually("the lease has ended") { try await leases(broker).isEmpty }
            #expect(killed.duration(to: .now) < .seconds(1))
            #expect(await child.end(within: .seconds(5)))
            #expect(throws: (any Error).self) { try SocketClient(to: try address(of: lines[0])) }
            try await eventually("no server and no file is left") {
                let names = ["resources", "leases"].flatMap {
                    (try? FileManager.default.contentsOfDirectory(atPath: "\(broker.home)/\($0)")) ?? []
                }
                return names.isEmpty
            }
        }
    }

    @Test func `what leases of a killed daemon have left is removed by the next one`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let running = try broker.start(
                ["test", "--set", "cache", "--provider", "exec:redis-server", "--", "sleep", "600"])
            try await eventually("the suite runs") { try await leases(broker).count == 1 }
            let record = try #require(
                try FileManager.default.contentsOfDirectory(atPath: broker.home + "/leases").first)
            let text = try String(contentsOfFile: "\(broker.home)/leases/\(record)", encoding: .utf8)
            let facts = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let memory = try #require(facts["memory"] as? [String: String])
            let server = try #require(memory.values.compactMap(Int32.init).compactMap(ProcessIdentity.init(of:)).first)
            try await broker.killDaemon()
            #expect(server.isAlive)
            try await broker.succeed("daemon", "start")
            #expect(await server.end(within: .seconds(10)))
            try await eventually("nothing is left") {
                try FileManager.default.contentsOfDirectory(atPath: broker.home + "/leases").isEmpty
            }
            running.process.signal(SIGTERM)
            _ = await running.process.exit(within: .seconds(10))
        }
    }

    @Test func `a lease that is written to disk leaves nothing behind a killed daemon`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let running = try broker.start(
                ["test", "--set", "cache", "--plan", "durable", "--", "sleep", "600"])
            try await eventually("the suite runs") { try await leases(broker).count == 1 }
            #expect(try FileManager.default.contentsOfDirectory(atPath: broker.home + "/resources").count == 1)
            try await broker.killDaemon()
            try await broker.succeed("daemon", "start")
            try await eventually("nothing is left") {
                try ["leases", "resources"].allSatisfy {
                    try FileManager.default.contentsOfDirectory(atPath: "\(broker.home)/\($0)").isEmpty
                }
            }
            running.process.signal(SIGTERM)
            _ = await running.process.exit(within: .seconds(10))
        }
    }

    @Test func `a failing suite's resources are kept when that is asked for`() async throws {
        try await Broker.use { broker in
            let outcome = try await broker.run(
                "test", "--set", "cache", "--keep-on-failure", "--", "sh", "-c",
                #"redis-cli -u "$CACHE_URL" set a 42; false"#)
            #expect(outcome.exitCode == 1)
            let lease = try #require(try await leases(broker).first)
            #expect(lease["kept"] as? Bool == true)
            let id = try #require(lease["id"] as? String)
            #expect(outcome.error.contains("broker lease env \(id)"))
            #expect(!outcome.error.contains("redis://lease:" + String(repeating: "x", count: 1)))
            let shell = try await broker.succeed("lease", "env", id)
            let url = try #require(shell.split(separator: "\n").first { $0.hasPrefix("export CACHE_URL=") })
            #expect(try await redis(String(url.dropFirst("export CACHE_URL=".count)), "GET a") == "$2\r\n")
            try await broker.succeed("lease", "end", id)
            #expect(try await leases(broker).isEmpty)
        }
    }

    @Test func `a plan is for the caches of a lease`() async throws {
        try await Broker.use { broker in
            let script =
                #"redis-cli -u "$CACHE_URL" debug digest; redis-cli -u "$CACHE_URL" config get enable-debug-command"#
            let set = ["test", "-q", "--set", "cache", "--set", "queue"]
            let command = ["--", "sh", "-c", script]
            let debug = try broker.start(set + ["--plan", "debug"] + command)
            #expect(await debug.process.exit(within: .seconds(60)) == .code(0))
            #expect(try debug.output() == String(repeating: "0", count: 40) + "\nenable-debug-command\nyes\n")
            let usual = try broker.start(set + command)
            #expect(await usual.process.exit(within: .seconds(60)) == .code(0))
            #expect(try usual.output().contains("DEBUG command not allowed"))
            let wrong = try broker.start(set + ["--plan", "fast"] + command)
            #expect(await wrong.process.exit(within: .seconds(60)) == .code(125))
            #expect(try wrong.error().contains("the plans are ephemeral, durable, durable-always, debug"))
        }
    }

    @Test func `a suite that insists on a port and no password gets them`() async throws {
        try await Broker.use { broker in
            let port = try FreePort.find()
            let outcome = try await broker.run(
                "test", "--set", "cache", "--port", "\(port)", "--no-auth", "--", "sh", "-c",
                "echo $CACHE_URL; redis-cli -p \(port) set a 1; redis-cli -p \(port) -a x get a 2>&1; "
                    + "redis-cli -p \(port) reset; redis-cli -p \(port) get a")
            #expect(outcome.output.hasPrefix("redis://127.0.0.1:\(port)/0\nOK\n"))
            #expect(outcome.output.contains("without any password configured"))
            #expect(outcome.output.hasSuffix("RESET\n1\n"))
            // Somebody else has it.
            let taken = try await broker.run(
                "test", "--set", "cache", "--", "sh", "-c",
                #"P=${CACHE_URL##*:}; exec "$0" test --set cache --port ${P%/0} -- true"#, Broker.binary)
            #expect(taken.exitCode == 125)
            #expect(taken.error.contains("error[E0404]: port "))
        }
    }

    @Test func `two runs are compared test by test`() async throws {
        try await Broker.use { broker in
            let suite = #"""
                case "$(redis-cli -u "$CACHE_URL" info server)" in *executable:*redis-server*) b='<failure/>';; esac
                printf '<testsuite><testcase classname="s" name="a"/><testcase classname="s" name="b">%s</testcase>\
                </testsuite>' "$b" > out.xml
                """#
            let different = try await broker.run(
                "test", "--set", "cache", "--compare", "exec:redis-server", "--results", "out.xml", "--", "sh", "-c",
                suite)
            #expect(different.exitCode == 1, "\(different.error)")
            #expect(different.error.contains("s.b: passed, then failed"))
            let equal = try await broker.run(
                "test", "--set", "cache", "--compare", "exec:redis-server", "--", "sh", "-c",
                #"redis-cli -u "$CACHE_URL" set a 1"#)
            #expect(equal.exitCode == 0, "\(equal.error)")
            #expect(equal.error.contains("equal (exit codes only"))
        }
    }

    @Test func `reports say what the leases came to`() async throws {
        try await Broker.use { broker in
            let work = broker.folder.file("work")
            let command = ["--", "sh", "-c", #"redis-cli -u "$CACHE_URL" nosuchcommand"#]
            for format in ["json", "junit", "github"] {
                let running = try broker.start(
                    ["test", "--set", "cache", "--report", format] + command,
                    adding: ["GITHUB_STEP_SUMMARY": work + "/summary.md"])
                #expect(await running.process.exit(within: .seconds(60)) == .code(0))
            }
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: work + "/broker-test.json")))
            let run = try #require(((json as? [String: Any])?["runs"] as? [[String: Any]])?.first)
            #expect((run["leases"] as? [String: Any])?["unsupported"] as? [String: Int] == ["NOSUCHCOMMAND": 1])
            let junit = try String(contentsOfFile: work + "/broker-test.xml", encoding: .utf8)
            #expect(junit.contains("<skipped message=\"not known, asked for 1 times\"/>"))
            let summary = try String(contentsOfFile: work + "/summary.md", encoding: .utf8)
            #expect(summary.contains("| emulator | 0 |"))
            #expect(summary.contains("| NOSUCHCOMMAND |"))
        }
    }

    @Test func `leases under a lease end with it and are counted`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            try await withClient(broker) { client in
                let cache = [LeaseWish(name: "cache")]
                let root = try await client.lease(LeaseRequest(resources: []), in: .default)
                let given = try await client.lease(LeaseRequest(resources: cache, under: root.id), in: .default)
                let left = try await client.lease(LeaseRequest(resources: cache, under: root.id), in: .default)
                #expect(given.values["CACHE_URL"] != left.values["CACHE_URL"])
                #expect(try await redis(given.values["CACHE_URL"] ?? "", "SET a 1") == "+OK\r\n")
                #expect(try await redis(left.values["CACHE_URL"] ?? "", "GET a") == "$-1\r\n")
                #expect(try await client.endLease(given.id, in: .default).ended)
                #expect(try await !client.endLease(given.id, in: .default).ended)
                let end = try await client.endLease(root.id, in: .default)
                #expect(end.leases == 2)
                #expect(end.leftOpen == 1)
                #expect(try await client.leases(in: .default).leases.isEmpty)
                await #expect(throws: BrokerError.self) {
                    try await client.lease(LeaseRequest(resources: cache, under: root.id), in: .default)
                }
            }
        }
    }

    @Test func `a lease that nobody renews ends by its time`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            try await withClient(broker) { client in
                let wish = [LeaseWish(name: "cache")]
                let short = try await client.lease(LeaseRequest(resources: wish, ttl: 1), in: .default)
                let renewed = try await client.lease(LeaseRequest(resources: wish, ttl: 1), in: .default)
                #expect(try await client.renewLease(renewed.id, ttl: 60, in: .default).endsIn ?? 0 > 50)
                try await eventually("one is over") { try await client.leases(in: .default).leases.count == 1 }
                #expect(try await client.leases(in: .default).leases.map(\.id) == [renewed.id])
                #expect(throws: (any Error).self) {
                    try SocketClient(to: try address(of: short.values["CACHE_URL"] ?? ""))
                }
                for ttl in [0, -1, 86_401] {
                    await #expect(throws: BrokerError.self) {
                        try await client.lease(LeaseRequest(resources: wish, ttl: ttl), in: .default)
                    }
                }
            }
        }
    }

    @Test func `waits for keys, jobs and delays are over when the clock says so`() async throws {
        try await Broker.use { broker in
            let suite = #"""
                set -e
                B="$0"; R="redis-cli -u $CACHE_URL"
                "$B" clock freeze >/dev/null
                $R set session x ex 30 >/dev/null
                $R blpop nothing 30 > blocked & W=$!
                until $R client list | grep -q 'cmd=blpop'; do :; done
                "$B" clock advance 29s cache >/dev/null
                $R get session
                "$B" clock advance 1s cache >/dev/null
                $R get session
                wait $W; cat blocked
                "$B" clock show
                """#
            let began = ContinuousClock.now
            let outcome = try await broker.run(
                "test", "--set", "cache", "--set", "queue", "--", "sh", "-c", suite, Broker.binary)
            #expect(outcome.exitCode == 0, "\(outcome.error)")
            #expect(outcome.output.hasPrefix("x\n\n\nRESOURCE"), "\(outcome.output)")
            #expect(began.duration(to: .now) < .seconds(15))
            let server = try await broker.run(
                "test", "--set", "cache", "--provider", "exec:redis-server", "--", "sh", "-c",
                #"exec "$0" clock freeze cache"#, Broker.binary)
            #expect(server.exitCode == 7)
            #expect(server.error.contains("is a real server, which asks the system's clock"))
        }
    }

    private func leases(_ broker: Broker) async throws -> [[String: Any]] {
        try #require(try await broker.run("lease", "ls", "--json").json()["leases"] as? [[String: Any]])
    }

    private func withClient(_ broker: Broker, _ body: (BrokerClient) async throws -> Void) async throws {
        let client = BrokerClient(socket: try #require(broker.daemon).socket)
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
