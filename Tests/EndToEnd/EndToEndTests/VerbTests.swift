import EventLoop
import Foundation
import Processes
import TestKit
import Testing

/// Every verb that changes or shows something, on real input.
@Suite(.serialized) struct VerbTests {
    @Test func `the four lines of the product: attach, run, swap, detach`() async throws {
        try await Broker.use { broker in
            let attach = try await broker.run("attach", "cache", "--to", "web")
            #expect(attach.exitCode == 0)
            #expect(attach.output.isEmpty)
            let lines = attach.error.split(separator: "\n").map(String.init)
            #expect(lines.first?.hasPrefix("started   the daemon") == true)
            #expect(
                lines.dropFirst().first?.hasPrefix("created   cache        redis   emulator   redis://127.0.0.1:")
                    == true)
            #expect(lines.last == "attached  cache → web  as CACHE_URL, REDIS_URL            release v1")

            let url = try await broker.succeed("run", "-q", "web", "--", "sh", "-c", "echo $CACHE_URL")
            #expect(try await redis(url, "SET a 1") == "+OK\r\n")
            #expect(try await redis(url, "GET a") == "$1\r\n")

            let swap = try await broker.run("swap", "cache", "--to", "exec:redis-server")
            #expect(swap.exitCode == 0, "\(swap.error)")
            #expect(swap.error.hasPrefix("cache: emulator → exec:redis-server"))
            #expect(swap.error.contains("verify    1/1 keys equal"))
            #expect(try await redis(url, "GET a") == "$1\r\n")
            #expect(swap.error.contains("swapped. web keeps its URL."))
            #expect(try await broker.succeed("url", "cache", "--app", "web") == url)
            #expect(try await redis(url, "SET b 2") == "+OK\r\n")
            let back = try await broker.run("rollback", "cache")
            #expect(back.exitCode == 0, "\(back.error)")
            #expect(try await redis(url, "EXISTS a b") == ":2\r\n")
            #expect(try await broker.run("rollback", "cache").exitCode == 7)
            try await broker.succeed("swap", "cache", "--to", "exec:redis-server", "--cold")
            #expect(try await redis(url, "EXISTS a b") == ":0\r\n")
            try await broker.succeed("swap", "cache", "--to", "emulator", "--cold")
            #expect(try await redis(url, "PING") == "+PONG\r\n")

            let detach = try await broker.run("detach", "cache", "--from", "web")
            #expect(detach.exitCode == 0, "\(detach.error)")
            #expect(detach.error.hasPrefix("detached  cache → web"))
            #expect(try await redis(url, "PING").hasPrefix("-WRONGPASS"))
            #expect(try await broker.run("url", "cache", "--app", "web").exitCode == 3)
        }
    }

    @Test func `status shows the contract's document and the same as tables`() async throws {
        try await Broker.use { broker in
            for (resource, app) in [("cache", "web"), ("queue", "web"), ("db", "web"), ("queue", "worker")] {
                try await broker.succeed("attach", resource, "--to", app)
            }
            let status = try await broker.run("status", "--json", "--workspace", "default").json()
            #expect(Set(status.keys) == ["schema", "workspace", "resources", "apps"])
            #expect(status["schema"] as? String == "broker.status/1")
            #expect(status["workspace"] as? String == "default")
            let resources = try #require(status["resources"] as? [[String: Any]])
            #expect(resources.compactMap { $0["name"] as? String }.sorted() == ["cache", "db", "queue"])
            for resource in resources {
                for key in [
                    "name", "class", "provider", "plan", "state", "host", "port", "connections", "unsupported",
                ] {
                    #expect(resource[key] != nil, "\(key)")
                }
                #expect(resource["state"] as? String == "ready")
            }
            let apps = try #require(status["apps"] as? [[String: Any]])
            #expect(apps.compactMap { $0["name"] as? String }.sorted() == ["web", "worker"])
            let attachment = try #require((apps.first?["attachments"] as? [[String: Any]])?.first)
            for key in ["alias", "resource", "mode"] { #expect(attachment[key] != nil, "\(key)") }
            let table = try await broker.succeed("status")
            #expect(table.contains("RESOURCE  CLASS"))
            #expect(table.contains("QUEUE_URL, BEANSTALK_URL"))
            #expect(!table.contains("\u{1B}"))
        }
    }

    @Test func `env masks, also in a pipe, unless a format is named`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let secret = try #require(url.split(separator: "@").first?.split(separator: ":").last.map(String.init))
            for masked in [
                ["env", "web"], ["env", "web", "--json"], ["env", "web", "--names"], ["status"], ["releases", "web"],
                ["logs"],
            ] {
                let running = try broker.start(masked)
                #expect(await running.process.exit(within: .seconds(60)) == .code(0))
                #expect(try !running.output().contains(secret), "\(masked)")
            }
            #expect(try await broker.succeed("env", "web", "--names") == "CACHE_URL\nREDIS_URL\n")
            let json = try await broker.run("env", "web", "--for", "json").json()
            #expect(
                json as? [String: String] == ["CACHE_URL": String(url.dropLast()), "REDIS_URL": String(url.dropLast())])
            let shell = try await broker.succeed("env", "web", "--for", "sh")
            #expect(shell == "export CACHE_URL=\(url)export REDIS_URL=\(url)")
            #expect(try await broker.succeed("env", "web", "--for", "dotenv") == "CACHE_URL=\(url)REDIS_URL=\(url)")
            #expect(try await broker.run("env", "web", "--for", "yaml").exitCode == 2)
        }
    }

    @Test func `create, destroy and releases tell what they did; destroy refuses while attached`() async throws {
        try await Broker.use { broker in
            let created = try await broker.run("create", "store", "--json").json()
            #expect(created["schema"] as? String == "broker.resource/1")
            #expect(created["created"] as? Bool == true)
            #expect(try await broker.run("create", "store", "--json").json()["created"] as? Bool == false)
            try await broker.succeed("attach", "store", "--to", "web", "--as", "ORDERS")
            let refused = try await broker.run("destroy", "store")
            #expect(refused.exitCode == 4)
            #expect(refused.error.contains("error[E0403]"))
            #expect(refused.error.contains("\n  fix: "))
            try await broker.succeed("destroy", "store", "--force")
            let releases = try await broker.run("releases", "web", "--json").json()
            #expect((releases["releases"] as? [[String: Any]])?.compactMap { $0["version"] as? Int } == [2, 1])
            #expect(try await broker.succeed("releases", "web").hasPrefix("RELEASE  CREATED"))
            #expect(try await broker.run("destroy", "store").exitCode == 3)
        }
    }

    @Test func `the exit codes are the product's`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let cases: [([String], Int32)] = [
                (["bogus"], 2), (["attach"], 2), (["attach", "Cache", "--to", "web"], 2), (["create", "thing"], 2),
                (["create", "thing", "--class", "mongo"], 2), (["swap", "cache", "--to", "nonsense"], 2),
                (["env", "nobody"], 3), (["detach", "none", "--from", "web"], 3),
                (["swap", "none", "--to", "emulator"], 3),
                (["create", "cache", "--class", "sqlite"], 4),
                (["attach", "cache2", "--class", "redis", "--to", "web", "--as", "CACHE"], 4),
                (["swap", "cache", "--to", "redis://127.0.0.1:1/0"], 5),
                (["swap", "cache", "--to", "postgres://h/db"], 7),
            ]
            for (arguments, code) in cases {
                let running = try broker.start(arguments)
                let status = await running.process.exit(within: .seconds(60))
                let error = try running.error()
                #expect(status == .code(code), "\(arguments): \(error)")
                #expect(error.hasPrefix("error[E"), "\(arguments): \(error)")
                #expect(try running.output().isEmpty)
            }
            // Nothing of all that has changed anything.
            let status = try await broker.run("status", "--json").json()
            #expect((status["resources"] as? [Any])?.count == 1)
        }
    }

    @Test func `a removed endpoint's port is not the next one's`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "queue", "--to", "web")
            let former = try await broker.succeed("url", "queue", "--app", "web")
            try await broker.succeed("detach", "queue", "--from", "web")
            try await broker.succeed("attach", "queue", "--to", "other")
            #expect(try await broker.succeed("url", "queue", "--app", "other") != former)
        }
    }

    @Test func `output that cannot be written is an error; a secret comes from a pipe, too`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let full = try await broker.shell("broker='\(Broker.binary)'; $broker env web --for json > /dev/full")
            #expect(full.exitCode == 10)
            #expect(full.output.contains("the output could not be written"))
            let piped = try await broker.shell(
                "echo secret | '\(Broker.binary)' create c --class redis --provider redis://127.0.0.1:1/0 --secret-file -"
            )
            #expect(piped.exitCode == 5, "\(piped.output)")
        }
    }

    @Test func `the fix of a taken alias is pasted as it is`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let taken = try await broker.run("attach", "other", "--class", "redis", "--to", "web", "--as", "CACHE")
            #expect(taken.exitCode == 4)
            let fix = try #require(taken.error.split(separator: "\n").first { $0.hasPrefix("  fix: ") }?.dropFirst(7))
            let pasted = try await broker.shell("broker() { '\(Broker.binary)' \"$@\"; }; \(fix)")
            #expect(pasted.exitCode == 0, "\(pasted.output)")
        }
    }

    @Test func `open starts the class's own shell, and says what is missing`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "db", "--to", "web")
            try await broker.succeed("attach", "cache", "--to", "web")
            let sqlite = try await broker.run("open", "db", input: "select 6*7;\n")
            #expect(sqlite.output == "42\n", "\(sqlite.error)")
            let redis = try await broker.run("open", "cache", "--app", "web", "--", "PING")
            #expect(redis.output == "PONG\n", "\(redis.error)")
            let missing = try await broker.run("open", "db", adding: ["PATH": "/nowhere"])
            #expect(missing.exitCode == 3)
            #expect(missing.error.contains("error[E0305]: \"sqlite3\" is not installed"))
            #expect(missing.error.contains("\n  fix: apt-get install sqlite3\n"))
        }
    }

    @Test func `logs show what happened, by source, and follow`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let all = try await broker.succeed("logs")
            #expect(!all.isEmpty)
            #expect(try await broker.succeed("logs", "-n", "1").split(separator: "\n").count == 1)
            let document = try await broker.run("logs", "--json").json()
            #expect(document["schema"] as? String == "broker.logs/1")
            let following = try broker.start(["logs", "-f", "-n", "1"])
            try await eventually("it follows") { try !following.output().isEmpty }
            try await broker.succeed("attach", "queue", "--to", "web")
            try await eventually("the new entries come") { try following.output().contains("queue") }
            following.process.signal(SIGINT)
            #expect(await following.process.exit(within: .seconds(20)) == .signal(SIGINT))
        }
    }

    @Test func `two checkouts of one name have their own names, ports and data`() async throws {
        try await Broker.use { broker in
            var urls: Set<String> = []
            for folder in ["work/a/shop", "work/b/shop"] {
                try FileManager.default.createDirectory(
                    atPath: broker.folder.file(folder + "/.git"), withIntermediateDirectories: true)
                try await broker.succeed("attach", "cache", "--to", "web", in: folder)
                let url = try await broker.succeed("url", "cache", "--app", "web", in: folder)
                #expect(try await redis(url, "GET a") == "$-1\r\n")
                #expect(try await redis(url, "SET a \(folder)") == "+OK\r\n")
                urls.insert(url)
            }
            #expect(urls.count == 2)
            let status = try await broker.run("status", "--json", in: "work").json()
            #expect((status["resources"] as? [Any])?.isEmpty == true)
        }
    }

    @Test func `no file, log, table or error has a secret`() async throws {
        try await Broker.use { broker in
            let canary = "canary-\(UUID().uuidString)"
            try Data("\(canary)\n".utf8).write(to: URL(filePath: broker.folder.file("work/secret")))
            let swap = try await broker.run(
                "create", "cache", "--provider", "redis://127.0.0.1:1/0", "--secret-file", "secret")
            #expect(swap.exitCode != 0)
            #expect(!(swap.output + swap.error).contains(canary))
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            let secret = try #require(url.split(separator: "@").first?.split(separator: ":").last.map(String.init))
            for folder in ["home", "run"] {
                let walk = try #require(FileManager.default.enumerator(atPath: broker.folder.file(folder)))
                for case let name as String in walk {
                    guard let data = FileManager.default.contents(atPath: broker.folder.file("\(folder)/\(name)"))
                    else {
                        continue
                    }
                    #expect(data.firstRange(of: Data(secret.utf8)) == nil, "\(name) has the secret")
                    #expect(data.firstRange(of: Data(canary.utf8)) == nil, "\(name) has the canary")
                }
            }
            for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(pid) != nil {
                guard let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { continue }
                #expect(words.firstRange(of: Data(secret.utf8)) == nil, "the arguments of \(pid) have the secret")
            }
        }
    }
}
