import BrokerClient
import EventLoop
import Foundation
import Processes
import TestKit
import Testing

/// Toxiproxy's API, as its clients and as plain HTTP meet it.
@Suite(.serialized, .requires(.redisServer)) struct ToxiproxyTests {
    /// A broker whose daemon serves the API, with a resource `cache` in the default workspace.
    private struct Served {
        let broker: Broker
        let port: UInt16

        struct Answer {
            let status: Int
            let json: Any

            subscript(_ key: String) -> Any? { (json as? [String: Any])?[key] }
            var error: String { self["error"] as? String ?? "" }
            var toxics: [[String: Any]] { self["toxics"] as? [[String: Any]] ?? [] }
        }

        @discardableResult
        func ask(
            _ method: String, _ path: String, _ body: String = "", host: String? = "127.0.0.1", headers: String = "",
            at place: SocketAddress? = nil
        ) throws -> Answer {
            let client = try SocketClient(to: place ?? .tcp(host: "127.0.0.1", port: port))
            try client.send(
                "\(method) \(path) HTTP/1.1\r\n" + (host.map { "Host: \($0)\r\n" } ?? "")
                    + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
            let text = String(decoding: try client.receiveToEnd(), as: UTF8.self)
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
            let status = try #require(parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
            let json = try JSONSerialization.jsonObject(with: Data((parts.count > 1 ? parts[1] : "{}").utf8))
            return Answer(status: status, json: json)
        }

        /// The first line of the reply to a command without a login; nil where the connection ends instead.
        func redis(_ listen: Any?, _ command: String) -> String? {
            guard let number = (listen as? String)?.split(separator: ":").last.flatMap({ UInt16($0) }),
                let client = try? SocketClient(to: .tcp(host: "127.0.0.1", port: number)),
                (try? client.send(command + "\r\n")) != nil, let reply = try? client.receive(until: "\r\n")
            else { return nil }
            return String(decoding: reply, as: UTF8.self)
        }
    }

    private func serve(_ body: (Served) async throws -> Void) async throws {
        try await Broker.use { broker in
            let port = try FreePort.find()
            let started = try await broker.run("daemon", "start", adding: ["BROKER_TOXIPROXY_PORT": "\(port)"])
            #expect(started.exitCode == 0, "\(started.error)")
            try await broker.succeed("attach", "cache", "--to", "web", "--workspace", "default")
            try await body(Served(broker: broker, port: port))
        }
    }

    @Test func `an unmodified client of Toxiproxy works`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await serve { served in
                let broker = served.broker
                let clients = URL(filePath: #filePath).deletingLastPathComponent()
                    .appending(path: "../Clients").standardizedFileURL.path
                var command = ProcessCommand(
                    ProcessInfo.processInfo.environment["BROKER_PYTHON"] ?? clients + "/../../../.venv/bin/python",
                    [clients + "/toxiproxy_client.py"],
                    environment: broker.environment.merging([
                        "PYTHONDONTWRITEBYTECODE": "1", "TOXIPROXY_PORT": "\(served.port)",
                        "REDIS_SERVER": "127.0.0.1:\(server.port ?? 0)", "FREE_PORT": "\(try FreePort.find())",
                    ]) { $1 })
                command.error = .append(path: broker.folder.file("client.err"))
                let client = try ChildProcess.spawn(command)
                let status = await client.exit(within: .seconds(120))
                if status == nil { await client.terminate(grace: .seconds(1)) }
                let error = try String(contentsOfFile: broker.folder.file("client.err"), encoding: .utf8)
                #expect(status == .code(0), "\(error.suffix(3000))")
            }
        }
    }

    @Test func `resources of workspaces and leases are proxies that cannot be removed`() async throws {
        try await serve { served in
            try await served.broker.succeed("create", "cache", "--workspace", "shop.1")
            let socket = try #require(served.broker.daemon?.socket)
            let lease = try served.ask(
                "POST", "/v1/workspaces/w/leases", #"{"resources":[{"name":"cache"}]}"#, at: .unix(path: socket))
            let leased = "\(try #require(lease["id"] as? String)).cache"
            let all = try served.ask("GET", "/proxies")
            #expect(all.status == 200)
            #expect(Set((all.json as? [String: Any] ?? [:]).keys) == ["cache", "shop.1/cache", leased])
            let url = try await served.broker.succeed("url", "cache", "--app", "web", "--workspace", "default")
            let cache = try served.ask("GET", "/proxies/cache")
            #expect(url.contains(try #require(cache["listen"] as? String)))
            #expect(cache["upstream"] as? String == "emulator")
            #expect(cache["enabled"] as? Bool == true)
            for path in ["cache", "shop.1/cache", "shop.1%2Fcache", leased] {
                #expect(try served.ask("GET", "/proxies/\(path)").status == 200, "\(path)")
                let latency = #"{"type":"latency","attributes":{"latency":1}}"#
                #expect(try served.ask("POST", "/proxies/\(path)/toxics", latency).status != 404, "\(path)")
                let refused = try served.ask("DELETE", "/proxies/\(path)")
                #expect(refused.status == 403)
                #expect(refused.error.contains("fix: broker "), "\(refused.error)")
                #expect(try served.ask("POST", "/proxies/\(path)", #"{"upstream":"other:1"}"#).status == 403)
            }
            let toxic = "/proxies/shop.1/cache/toxics/latency_downstream"
            #expect(try served.ask("PATCH", toxic, #"{"toxicity":0.5}"#)["toxicity"] as? Double == 0.5)
            #expect(try served.ask("DELETE", toxic).status == 204)
            #expect(try served.ask("GET", "/proxies/shop.1/cache/toxics").json as? [String] == [])
            let same = #"{"upstream":"emulator","listen":"\#(cache["listen"] ?? "")","enabled":true}"#
            #expect(try served.ask("POST", "/proxies/cache", same).status == 200)
        }
    }

    @Test func `faults that were made elsewhere are shown and left alone`() async throws {
        try await serve { served in
            let words = ["--workspace", "default"]
            for effect in [["--limit-data", "7"], ["--error", "busy"], ["--down"]] {
                let added = try served.broker.start(["fault", "add", "cache"] + effect + words)
                let status = await added.process.exit(within: .seconds(30))
                let error = try added.error()
                #expect(status == .code(0), "\(error)")
            }
            var cache = try served.ask("GET", "/proxies/cache")
            #expect(cache["enabled"] as? Bool == false)
            #expect(cache.toxics.count == 1)
            let name = try #require(cache.toxics.first?["name"] as? String)
            #expect(name.hasPrefix("fault-f"))
            #expect((cache.toxics.first?["attributes"] as? [String: Int])?["bytes"] == 7)
            for (method, body) in [("DELETE", ""), ("POST", #"{"attributes":{"bytes":9}}"#)] {
                let refused = try served.ask(method, "/proxies/cache/toxics/\(name)", body)
                #expect(refused.status == 403)
                #expect(refused.error.contains("broker fault rm cache --workspace default f"), "\(refused.error)")
            }
            #expect(try served.ask("POST", "/proxies/cache", #"{"enabled":true}"#).status == 403)
            #expect(try served.ask("POST", "/reset").status == 204)
            cache = try served.ask("GET", "/proxies/cache")
            #expect(cache.toxics.count == 1)
            #expect(cache["enabled"] as? Bool == false)
            // Those of this API that are removed elsewhere are gone here.
            try served.ask("POST", "/proxies/cache/toxics", #"{"type":"latency","attributes":{"latency":5}}"#)
            #expect(try served.ask("GET", "/proxies/cache").toxics.count == 2)
            try await served.broker.succeed("fault", "rm", "cache", "--workspace", "default")
            cache = try served.ask("GET", "/proxies/cache")
            #expect(cache.toxics.isEmpty)
            #expect(cache["enabled"] as? Bool == true)
        }
    }

    @Test func `errors have Toxiproxy's shape and status`() async throws {
        try await serve { served in
            let cases: [(String, String, String, Int, String)] = [
                ("GET", "/proxies/none", "", 404, "proxy not found"),
                ("POST", "/proxies/none", "{}", 404, "proxy not found"),
                ("DELETE", "/proxies/none", "", 404, "proxy not found"),
                ("GET", "/proxies/none/toxics", "", 404, "proxy not found"),
                ("GET", "/proxies/cache/toxics/none", "", 404, "toxic not found"),
                ("PATCH", "/proxies/cache/toxics/none", "{}", 404, "toxic not found"),
                ("DELETE", "/proxies/cache/toxics/none", "", 404, "toxic not found"),
                ("POST", "/proxies", "{", 400, "bad request body: "),
                ("POST", "/proxies", #"{"upstream":"127.0.0.1:1"}"#, 400, "missing required field: name"),
                ("POST", "/proxies", #"{"name":"x"}"#, 400, "missing required field: upstream"),
                ("POST", "/proxies", #"{"name":"cache","upstream":"a:1"}"#, 409, "proxy already exists"),
                ("POST", "/proxies", #"{"name":"a/b","upstream":"emulator"}"#, 400, "a proxy's name has "),
                ("POST", "/proxies", #"{"name":"x","upstream":"mysql://a"}"#, 400, ""),
                ("POST", "/proxies", #"{"name":"x","upstream":"127.0.0.1:1"}"#, 502, ""),
                ("POST", "/proxies", #"{"name":"x","upstream":"exec:redis-server"}"#, 400, "upstream is "),
                ("POST", "/proxies", #"{"name":"x","upstream":"exec:/bin/x://y"}"#, 400, "upstream is "),
                ("POST", "/proxies", #"{"name":"x","upstream":"unix:///tmp/x"}"#, 400, "upstream is "),
                ("POST", "/proxies", #"{"name":"x","upstream":"rediss://a?ssl_ca_certs=/x"}"#, 400, "upstream is "),
                ("POST", "/proxies", #"{"name":"x","upstream":"emulator","listen":"8.8.8.8:1"}"#, 400, "cannot listen"),
                ("POST", "/proxies", #"{"name":"x","upstream":"emulator","listen":"here"}"#, 400, "listen \"here\""),
                ("POST", "/proxies/cache/toxics", "[]", 400, "bad request body: "),
                ("POST", "/proxies/cache/toxics", "{}", 400, "invalid toxic type"),
                ("POST", "/proxies/cache/toxics", #"{"type":"latency","stream":"x"}"#, 400, "stream was invalid"),
                ("POST", "/proxies/cache/toxics", #"{"type":"latency","toxicity":2}"#, 400, "bad request body: "),
                ("POST", "/proxies/cache/toxics", #"{"type":"latency","name":"fault-f1"}"#, 400, "a toxic's name"),
                (
                    "POST", "/proxies/cache/toxics", #"{"type":"latency","attributes":{"latencyy":1}}"#, 400,
                    "bad request body: "
                ),
                ("POST", "/proxies/cache/toxics", #"{"type":"bandwidth"}"#, 400, "\"rate\" of the fault"),
                ("GET", "/metrics", "", 404, "there is no GET"), ("GET", "/nope", "", 404, "there is no GET"),
            ]
            for (method, path, body, status, error) in cases {
                let answer = try served.ask(method, path, body)
                #expect(answer.status == status, "\(method) \(path) \(body): \(answer.json)")
                #expect(answer["status"] as? Int == status)
                #expect(answer.error.hasPrefix(error) && !answer.error.isEmpty, "\(answer.error)")
            }
            #expect((try served.ask("GET", "/proxies").json as? [String: Any])?.count == 1)
        }
    }

    @Test func `a proxy is made with its toxics, disabled if asked, and nothing is made when one is wrong`()
        async throws
    {
        try await serve { served in
            let bad = #"{"name":"p","upstream":"emulator","toxics":[{"type":"limit_data"},{"type":"bandwidth"}]}"#
            #expect(try served.ask("POST", "/proxies", bad).status == 400)
            #expect(try served.ask("GET", "/proxies/p").status == 404)
            let two = #""toxics":[{"type":"reset_peer","toxicity":0},{"type":"latency","attributes":{"latency":50}}]"#
            let made = try served.ask(
                "POST", "/proxies", #"{"name":"p","upstream":"emulator","enabled":false,\#(two)}"#)
            #expect(made.status == 201)
            #expect(made["enabled"] as? Bool == false)
            #expect(made.toxics.map { $0["name"] as? String } == ["reset_peer_downstream", "latency_downstream"])
            #expect(served.redis(made["listen"], "PING") == nil)
            #expect(try served.ask("PATCH", "/proxies/p", #"{"enabled":true}"#)["enabled"] as? Bool == true)
            let began = ContinuousClock.now
            #expect(served.redis(made["listen"], "PING") == "+PONG\r\n")
            #expect(began.duration(to: .now) >= .milliseconds(50))
            let changed = try served.ask(
                "POST", "/proxies/p/toxics/latency_downstream", #"{"name":"other","attributes":{"jitter":3}}"#)
            #expect(changed["name"] as? String == "latency_downstream")
            #expect(changed["attributes"] as? [String: Int] == ["latency": 50, "jitter": 3])
            #expect(try served.ask("GET", "/proxies/p").toxics.count == 2)
            #expect(try served.ask("DELETE", "/proxies/p").status == 204)
            #expect(served.redis(made["listen"], "PING") == nil)
        }
    }

    @Test func `populate makes, keeps and exchanges; a proxy can move`() async throws {
        try await serve { served in
            func populate(_ port: UInt16, _ more: String = "") throws -> Served.Answer {
                try served.ask(
                    "POST", "/populate",
                    #"[{"name":"p","listen":"0.0.0.0:\#(port)","upstream":"emulator"\#(more)}]"#)
            }
            func proxies(_ answer: Served.Answer) -> [[String: Any]] { answer["proxies"] as? [[String: Any]] ?? [] }
            let (first, second) = (try FreePort.find(), try FreePort.find())
            let made = try populate(first)
            #expect(made.status == 201)
            #expect(proxies(made).first?["listen"] as? String == "127.0.0.1:\(first)")
            #expect(served.redis(":\(first)", "SET k v") == "+OK\r\n")
            let kept = try populate(first, #","toxics":[{"type":"latency","attributes":{"latency":1}}]"#)
            #expect((proxies(kept).first?["toxics"] as? [Any])?.count == 1)
            #expect(served.redis(":\(first)", "EXISTS k") == ":1\r\n")
            let moved = try populate(second)
            #expect(proxies(moved).first?["listen"] as? String == "127.0.0.1:\(second)")
            #expect((proxies(moved).first?["toxics"] as? [Any])?.count == 1)
            #expect(served.redis(":\(first)", "PING") == nil)
            #expect(served.redis(":\(second)", "PING") == "+PONG\r\n")
            // A port that is taken leaves it where it was.
            #expect(try served.ask("POST", "/proxies/p", #"{"listen":":\#(served.port)"}"#).status == 500)
            #expect(served.redis(":\(second)", "PING") == "+PONG\r\n")
            let partly = try served.ask(
                "POST", "/populate",
                #"[{"name":"q","upstream":"emulator"},{"name":"cache","upstream":"elsewhere:1"},{"name":"r"}]"#)
            #expect(partly.status == 403)
            #expect(proxies(partly).map { $0["name"] as? String } == ["q"])
            #expect(partly.error.contains("broker swap cache"), "\(partly.error)")
            // A lease that ends takes its proxy along.
            let leases = try await served.broker.run("lease", "ls", "--json", "--workspace", "default").json()
            for lease in leases["leases"] as? [[String: Any]] ?? [] {
                let id = try #require(lease["id"] as? String)
                try await served.broker.succeed("lease", "end", id, "--workspace", "default")
            }
            #expect(Set((try served.ask("GET", "/proxies").json as? [String: Any] ?? [:]).keys) == ["cache"])
        }
    }

    @Test func `what a browser could send is refused`() async throws {
        try await serve { served in
            for host in ["evil.example", "127.0.0.1.evil.example", "localhost:x", "10.0.0.1:8474"] {
                #expect(try served.ask("GET", "/proxies", host: host).status == 403, "\(host)")
            }
            for headers in ["Origin: http://127.0.0.1\r\n", "Origin: null\r\n", "User-Agent: Mozilla/5.0\r\n"] {
                let refused = try served.ask("POST", "/reset", headers: headers)
                #expect(refused.status == 403, "\(headers)")
                #expect(refused["status"] as? Int == 403)
            }
            for host in ["localhost", "LOCALHOST:\(served.port)", "127.0.0.1:\(served.port)", "[::1]:8474"] {
                #expect(try served.ask("GET", "/version", host: host)["version"] as? String == "2.12.0", "\(host)")
            }
        }
    }

    @Test func `its port is off where nothing is said, and one that somebody has ends the daemon's start`() async throws
    {
        try await serve { served in
            let other = served.broker.folder.file("other")
            let failed = try await served.broker.run(
                "daemon", "start", adding: ["BROKER_HOME": other, "BROKER_TOXIPROXY_PORT": "\(served.port)"])
            #expect(failed.exitCode != 0)
            #expect(
                failed.error.contains("port \(served.port) cannot be had for Toxiproxy's API"), "\(failed.error)")
            try await served.broker.succeed("daemon", "stop")
            try await served.broker.succeed("daemon", "start")
            #expect(throws: (any Error).self) { try served.ask("GET", "/version") }
        }
    }
}
