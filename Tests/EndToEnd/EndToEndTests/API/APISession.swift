import BrokerClient
import EventLoop
import Foundation
import TestKit
import Testing

/// Requests to a running daemon, each of which is held against `openapi.json`: its path, its query, its body; and the answer's
/// status, media type and document.
final class APISession {
    /// How the daemon is reached.
    enum Way: CaseIterable, Sendable {
        case socket
        /// `BROKER_API_PORT`, with the token.
        case port
    }

    let file: OpenAPIFile
    /// The operations that were answered with success.
    private(set) var exercised: Set<String> = []
    private let place: SocketAddress
    private let token: String?
    private let workspace = "shop"

    /// Starts the broker's daemon.
    init(_ broker: Broker, by way: Way) async throws {
        file = try OpenAPIFile()
        switch way {
        case .socket:
            try await broker.succeed("daemon", "start")
            place = .unix(path: try #require(broker.daemon?.socket))
            token = nil
        case .port:
            let port = try FreePort.find()
            let started = try await broker.run("daemon", "start", adding: ["BROKER_API_PORT": "\(port)"])
            #expect(started.exitCode == 0, "\(started.error)")
            place = .tcp(host: "127.0.0.1", port: port)
            token = try String(contentsOfFile: broker.home + "/api-token", encoding: .utf8)
                .trimmingCharacters(in: .newlines)
        }
    }

    /// What a request carries beside its path.
    struct Extras {
        var query: [String: String] = [:]
        var headers: [String: String] = [:]
        /// The query or the body is none that the file allows: the daemon is to refuse it, and so is the file.
        var isWrong = false
        /// Nil is the session's own.
        var token: String?
    }

    /// Asks and returns the answer.
    ///
    /// - Parameters:
    ///   - path: of the file; below the workspace where it begins with no slash.
    ///   - names: what stands for the path's parameters.
    ///   - status: what is expected.
    ///   - code: of the error that is expected.
    @discardableResult
    func ask(
        _ method: String, _ path: String, _ names: [String: String] = [:], body: JSON? = nil, status: Int = 200,
        code: String? = nil, _ extras: Extras = Extras(), sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSON {
        let (operation, request) = try prepare(method, path, names, body, extras, sourceLocation)
        let client = try SocketClient(to: place, timeout: .seconds(60))
        try client.send(request)
        let text = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        let head = try #require(parts.first)
        let answer = try JSONDecoder().decode(JSON.self, from: Data((parts.count > 1 ? parts[1] : "null").utf8))
        try check(answer, head, of: operation, status, sourceLocation)
        if let code {
            #expect(answer["code"].string == code, "\(operation.name): \(answer)", sourceLocation: sourceLocation)
        }
        return answer
    }

    /// Takes a lease that lives as long as the connection that is returned with it.
    func hold(_ body: JSON) throws -> (lease: JSON, connection: SocketClient) {
        let extras = Extras(query: ["hold": "true"])
        let (operation, request) = try prepare("POST", "leases", [:], body, extras, #_sourceLocation)
        let client = try SocketClient(to: place)
        try client.send(request)
        let head = String(decoding: try client.receive(until: "\r\n\r\n"), as: UTF8.self)
        let length = String(decoding: try client.receive(until: "\r\n").dropLast(2), as: UTF8.self)
        let line = try client.receive(exactly: try #require(Int(length, radix: 16)))
        let lease = try JSONDecoder().decode(JSON.self, from: Data(line))
        try check(lease, head, of: operation, 200, #_sourceLocation)
        return (lease, client)
    }

    // MARK: parts

    private func prepare(
        _ method: String, _ path: String, _ names: [String: String], _ body: JSON?, _ extras: Extras,
        _ sourceLocation: SourceLocation
    ) throws -> (OpenAPIFile.Operation, String) {
        let path = path.hasPrefix("/") ? path : "/v1/workspaces/{W}/\(path)"
        let operation = try file.operation(method, path)
        var target = path
        let inPath = operation.parameters(in: "path")
        for (name, value) in names.merging(["W": workspace], uniquingKeysWith: { first, _ in first }) {
            target = target.replacing("{\(name)}", with: value)
        }
        #expect(!target.contains("{"), "\(operation.name) lacks a name: \(target)", sourceLocation: sourceLocation)
        for match in path.matches(of: /{(\w+)}/) {
            let isListed = inPath[String(match.1)] != nil
            #expect(isListed, "\(operation.name) does not list {\(match.1)}", sourceLocation: sourceLocation)
        }
        var found = misfits(extras.query, operation, "query") + misfits(extras.headers, operation, "header")
        found += try misfits(body, operation, sourceLocation)
        let what = "\(operation.name), request: \(body ?? .null)"
        #expect(found.isEmpty != extras.isWrong, "\(what): \(found)", sourceLocation: sourceLocation)
        if !extras.query.isEmpty {
            target += "?" + extras.query.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "&")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let text = try body.map { String(decoding: try encoder.encode($0), as: UTF8.self) } ?? ""
        var head = "\(method) \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(text.utf8.count)\r\n"
        if extras.query["hold"] == nil { head += "Connection: close\r\n" }
        if body != nil { head += "Content-Type: application/json\r\n" }
        for (name, value) in extras.headers { head += "\(name): \(value)\r\n" }
        if let token = extras.token ?? token, !token.isEmpty { head += "Authorization: Bearer \(token)\r\n" }
        return (operation, head + "\r\n" + text)
    }

    /// What queries or headers have that the file does not, and what they lack.
    private func misfits(_ values: [String: String], _ operation: OpenAPIFile.Operation, _ place: String) -> [String] {
        let listed = operation.parameters(in: place)
        let missing = listed.filter { $0.value["required"] == true && values[$0.key] == nil }.keys
        return missing.map { "\(place) \($0) is missing" }
            + values.flatMap { name, text in
                guard let schema = listed[name]?["schema"] else { return ["\(place) \(name) is not listed"] }
                let isNumber = schema["type"] == "integer"
                let value = isNumber ? Int64(text).map(JSON.integer) ?? .text(text) : .text(text)
                return JSONSchema(schema: schema).violations(of: value, at: "\(place) \(name)")
            }
    }

    private func misfits(
        _ body: JSON?, _ operation: OpenAPIFile.Operation, _ sourceLocation: SourceLocation
    ) throws -> [String] {
        guard let body else {
            return operation.content["requestBody"]["required"] == true ? ["a body is missing"] : []
        }
        let schema = try #require(operation.body, "\(operation.name) takes no body", sourceLocation: sourceLocation)
        return schema.violations(of: body)
    }

    private func check(
        _ answer: JSON, _ head: String, of operation: OpenAPIFile.Operation, _ expected: Int,
        _ sourceLocation: SourceLocation
    ) throws {
        let status = try #require(head.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        #expect(status == expected, "\(operation.name): \(answer)", sourceLocation: sourceLocation)
        #expect(
            operation.statuses.contains("\(status)"), "\(operation.name) does not list \(status)",
            sourceLocation: sourceLocation)
        let field = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-type:") }
        let mediaType = field.map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) } ?? ""
        let schema = try #require(
            operation.answer(status, mediaType), "\(operation.name) lists no \(status) of \"\(mediaType)\"",
            sourceLocation: sourceLocation)
        #expect(schema.violations(of: answer) == [], "\(operation.name) \(status)", sourceLocation: sourceLocation)
        if status == 200 { exercised.insert(operation.name) }
    }
}
