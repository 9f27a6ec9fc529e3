import BrokerClient
import EventLoop
import Foundation
import TestKit
import Testing

/// The admin API as any HTTP client on the socket meets it.
@Suite(.serialized) struct AdminAPITests {
    /// What the daemon answered.
    struct Answer {
        let status: Int
        let headers: String
        let document: [String: Any]

        var code: String? { document["code"] as? String }
    }

    private func ask(
        _ broker: Broker, _ method: String, _ path: String, body: String = "", headers: String = "",
        at place: SocketAddress? = nil
    ) throws -> Answer {
        let socket = try #require(broker.daemon?.socket)
        let client = try SocketClient(to: place ?? .unix(path: socket))
        try client.send(
            "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n"
                + headers + "\r\n" + body)
        let text = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        let status = try #require(parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        let object = try JSONSerialization.jsonObject(with: Data((parts.count > 1 ? parts[1] : "{}").utf8))
        return Answer(status: status, headers: parts[0], document: try #require(object as? [String: Any]))
    }

    @Test func `errors are documents with the code's status`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let cases: [(String, String, String, Int, String)] = [
                ("GET", "/nope", "", 404, "E0306"), ("PUT", "/v1/version", "", 404, "E0306"),
                ("GET", "/v1/workspaces/a%2Fb/status", "", 400, "E0201"),
                ("POST", "/v1/workspaces/w/resources", "{", 400, "E0205"),
                ("POST", "/v1/workspaces/w/resources", "{\"nam\":\"x\"}", 400, "E0205"),
                ("POST", "/v1/workspaces/w/resources", "{\"name\":7}", 400, "E0205"),
                ("POST", "/v1/workspaces/w/resources", "{\"name\":\"-\"}", 400, "E0201"),
                ("POST", "/v1/workspaces/w/resources", "{\"name\":\"other\"}", 400, "E0206"),
                ("DELETE", "/v1/workspaces/w/resources/none", "", 404, "E0301"),
                ("DELETE", "/v1/workspaces/w/apps/a/attachments", "", 400, "E0205"),
                ("GET", "/v1/workspaces/w/apps/none/environment", "", 404, "E0302"),
                ("GET", "/v1/workspaces/w/apps/none/releases", "", 404, "E0302"),
                ("GET", "/v1/workspaces/w/logs?last=x", "", 400, "E0205"),
            ]
            for (method, path, body, status, code) in cases {
                let answer = try ask(broker, method, path, body: body)
                #expect(answer.status == status, "\(method) \(path)")
                #expect(answer.code == code, "\(method) \(path): \(answer.document)")
                #expect((answer.document["what"] as? String)?.isEmpty == false)
                #expect(answer.headers.contains("Broker-Version: "))
            }
        }
    }

    @Test func `over TCP who shows the token is answered, and nobody else`() async throws {
        try await Broker.use { broker in
            let port = try FreePort.find()
            let started = try await broker.run("daemon", "start", adding: ["BROKER_API_PORT": "\(port)"])
            #expect(started.exitCode == 0, "\(started.error)")
            let file = broker.home + "/api-token"
            let token = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let place = SocketAddress.tcp(host: "127.0.0.1", port: port)
            for header in [
                "", "Authorization: Bearer x\r\n", "Authorization: Bearer \(token)x\r\n",
                "Authorization: Basic \(token)\r\n", "Authorization: \(token)\r\n",
            ] {
                let answer = try ask(broker, "GET", "/v1/version", headers: header, at: place)
                #expect(answer.status == 403, "\(header)")
                #expect(answer.code == "E0602")
                #expect(!"\(answer.document)".contains(token))
            }
            let header = "Authorization: Bearer \(token)\r\n"
            #expect(try ask(broker, "GET", "/v1/version", headers: header, at: place).status == 200)
            #expect(try ask(broker, "GET", "/v1/workspaces/w/status", headers: header, at: place).status == 200)
            // The next daemon has the same token; without the setting it is reached by its socket alone.
            try await broker.succeed("daemon", "stop")
            try await broker.succeed("daemon", "start")
            #expect(throws: (any Error).self) { try SocketClient(to: place) }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == token + "\n")
        }
    }

    @Test func `a port for the API that somebody else has ends the daemon's start with the reason`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let lease = try ask(
                broker, "POST", "/v1/workspaces/w/leases", body: #"{"resources":[{"name":"cache"}]}"#)
            let resources = try #require(lease.document["resources"] as? [[String: Any]])
            let port = try #require(resources.first?["port"] as? Int)
            let other = broker.folder.file("other")
            let failed = try await broker.run(
                "daemon", "start", adding: ["BROKER_HOME": other, "BROKER_API_PORT": "\(port)"])
            #expect(failed.exitCode != 0)
            #expect(failed.error.contains("port \(port) cannot be had for the HTTP API"), "\(failed.error)")
        }
    }

    @Test func `a body that is too long is refused, and a secret in a bad one is not repeated`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let long = try ask(
                broker, "POST", "/v1/workspaces/w/resources", body: String(repeating: "x", count: 70_000))
            #expect(long.code == "E0205")
            let body = "{\"name\":\"x\",\"provider\":{\"reference\":7,\"secret\":\"canary\"}}"
            let bad = try ask(broker, "POST", "/v1/workspaces/w/resources", body: body)
            #expect(bad.code == "E0205")
            #expect(!"\(bad.document)".contains("canary"))
        }
    }

    @Test func `the same Idempotency-Key gives the first try's outcome`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            let body = "{\"name\":\"cache\"}"
            let headers = "Idempotency-Key: 0123456789abcdef\r\n"
            let first = try ask(broker, "POST", "/v1/workspaces/w/resources", body: body, headers: headers)
            #expect(first.status == 200)
            #expect(first.document["created"] as? Bool == true)
            let again = try ask(broker, "POST", "/v1/workspaces/w/resources", body: body, headers: headers)
            #expect(again.status == 200)
            #expect(again.document["created"] as? Bool == true)
            let bad = try ask(
                broker, "POST", "/v1/workspaces/w/resources", body: body, headers: "Idempotency-Key: a b\r\n")
            #expect(bad.code == "E0205")
        }
    }
}
