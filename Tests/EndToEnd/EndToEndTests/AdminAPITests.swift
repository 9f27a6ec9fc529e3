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
        _ broker: Broker, _ method: String, _ path: String, body: String = "", headers: String = ""
    ) throws -> Answer {
        let client = try SocketClient(to: .unix(path: try #require(broker.daemon?.socket)))
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
