import BrokerModel
import Foundation
import HTTPTypes
import Testing

@testable import AdminAPI

/// `docs/reference/openapi.json` is made from the table below and the documents' types; BROKER_UPDATE_GOLDEN=1 writes it.
@Suite struct OpenAPITests {
    private typealias Document = any (Decodable & Sendable).Type

    private struct Row: Sendable {
        let summary: String
        let body: Document?
        let answer: Document

        init(_ summary: String, _ body: Document?, _ answer: Document) {
            self.summary = summary
            self.body = body
            self.answer = answer
        }
    }

    /// By method and path below the workspace.
    private static let rows: [String: Row] = [
        "GET /v1/version": Row("Who the daemon is.", nil, VersionDocument.self),
        "POST /v1/shutdown": Row("Have the daemon end.", nil, VersionDocument.self),
        "GET /status": Row("All resources and apps.", nil, StatusDocument.self),
        "GET /logs": Row("What happened, oldest first.", nil, LogsDocument.self),
        "POST /resources": Row("Make a resource.", CreateRequest.self, CreateOutcome.self),
        "DELETE /resources/:R": Row("Remove a resource and its data.", nil, DestroyOutcome.self),
        "POST /resources/:R/swap": Row("Put another provider behind it.", SwapRequest.self, SwapOutcome.self),
        "POST /resources/:R/swap-plan": Row("What a swap would do.", SwapRequest.self, SwapPlanDocument.self),
        "POST /resources/:R/rollback": Row("Go back to the former one.", RollbackRequest.self, SwapOutcome.self),
        "POST /attachments": Row("Attach a resource to an app.", AttachRequest.self, AttachOutcome.self),
        "DELETE /apps/:A/attachments": Row("Take an attachment away.", nil, DetachOutcome.self),
        "GET /apps/:A/environment": Row("The app's variables, in the clear.", nil, EnvironmentDocument.self),
        "GET /apps/:A/releases": Row("The app's releases, newest first.", nil, ReleasesDocument.self),
        "GET /leases": Row("All leases; secrets are masked.", nil, LeasesDocument.self),
        "POST /leases": Row(
            """
            Take a lease. With ?hold=true the answer is a stream: this document on one line, then empty lines; the \
            lease ends with the connection.
            """, LeaseRequest.self, LeaseDocument.self),
        "GET /leases/:L": Row("One lease, secrets in the clear.", nil, LeaseDocument.self),
        "DELETE /leases/:L": Row("Give a lease back.", nil, LeaseEndDocument.self),
        "POST /leases/:L/renew": Row("Have it end later.", LeaseTerm.self, LeaseDocument.self),
        "POST /leases/:L/keep": Row("Have it live on without its connection.", LeaseTerm.self, LeaseDocument.self),
        "POST /leases/:L/process": Row(
            "Name the process that ends with the holder.", LeaseProcess.self, LeaseDocument.self),
        "POST /clock": Row("Move the time of resources.", ClockRequest.self, ClockDocument.self),
        "POST /resources/:R/expect": Row(
            "Wait until it holds what is expected.", ExpectRequest.self, ExpectDocument.self),
        "POST /resources/:R/reset": Row("Empty it.", nil, ResetDocument.self),
        "POST /resources/:R/seed": Row("Fill it from a file.", SeedFileRequest.self, SeedDocument.self),
        "POST /resources/:R/commands": Row("What clients have sent.", CommandsRequest.self, CommandsDocument.self),
        "GET /resources/:R/faults": Row("Its faults.", nil, FaultsDocument.self),
        "POST /resources/:R/faults": Row("Add faults, all at once.", FaultsRequest.self, FaultsDocument.self),
        "DELETE /resources/:R/faults": Row("Remove all its faults: what came of each.", nil, FaultsDocument.self),
        "DELETE /resources/:R/faults/:F": Row("Remove a fault: what came of it.", nil, FaultsDocument.self),
        "GET /snapshots": Row("The snapshots.", nil, SnapshotsDocument.self),
        "POST /snapshots": Row(
            "Keep what resources hold, at one instant.", SnapshotCreateRequest.self, SnapshotDocument.self),
        "DELETE /snapshots/:S": Row("Forget a snapshot.", nil, SnapshotDocument.self),
        "POST /snapshots/:S/restore": Row(
            "Have resources go back.", RestoreSnapshotRequest.self, SnapshotDocument.self),
    ]

    private static let parameters = [
        "W": "A workspace's name; default is one.", "R": "A resource's name, or LEASE.NAME for one of a lease.",
        "A": "An app's name.", "L": "A lease's id.", "F": "A fault's id.", "S": "A snapshot's name.",
    ]

    /// What is asked for in a query: a name ends in `!` where it has to be there, in `#` where it is a number of at least 0.
    private static let queries: [String: [String: String]] = [
        "DELETE /resources/:R": ["force": "true also where apps are attached"],
        "DELETE /apps/:A/attachments": [
            "resource!": "what is detached", "alias": "which, where it is attached more than once",
        ],
        "GET /logs": ["source": "a resource or an app", "last#": "how many", "after": "the cursor of an answer"],
        "POST /leases": ["hold": "true: the lease ends with the connection"],
    ]

    /// Operations that are known by their id: asked again with it, they answer what the first try did.
    private static let repeatable: Set<String> = [
        "POST /resources", "DELETE /resources/:R", "POST /resources/:R/swap", "POST /resources/:R/rollback",
        "POST /attachments", "DELETE /apps/:A/attachments",
    ]

    /// What an error's status means.
    private static let failures: [Int: String] = [
        400: "The request cannot be understood.", 403: "Who asks may not: over TCP the token is missing or wrong.",
        404: "Something that is named is not there.", 409: "Something stands in the way.",
        422: "It is refused, since it cannot be done, or not safely.",
        500: "It failed: what had begun was rolled back, or needs attention.", 502: "A server does not answer.",
        504: "It took too long.",
    ]

    /// The errors of an operation. A reading one knows its names only; one that acts meets servers, and what is in its way.
    private static func failures(of route: Route) -> Set<Int> {
        guard route.path.contains(":W") else { return [403, 500] }
        let key = key(route)
        let reads = route.method == .get && !key.hasSuffix("/faults")
        guard reads else { return Set(failures.keys) }
        return key.dropFirst(4).contains(":") || key == "GET /logs" ? [400, 403, 404, 500] : [400, 403, 500]
    }

    @Test func `every route is described, and nothing else`() {
        #expect(Set(AdminRoutes.table.map(Self.key)) == Set(Self.rows.keys))
    }

    @Test func `docs/reference/openapi.json is what the routes and documents are`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../docs/reference/openapi.json").standardizedFileURL
        let data = try JSONSerialization.data(
            withJSONObject: Self.document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        let text = String(decoding: data, as: UTF8.self) + "\n"
        #expect(!text.contains(SchemaReader.unknown), "a type of a document is not understood")
        if ProcessInfo.processInfo.environment["BROKER_UPDATE_GOLDEN"] != nil {
            try text.write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8) == text, "BROKER_UPDATE_GOLDEN=1 rewrites it")
    }

    private static func key(_ route: Route) -> String {
        "\(route.method.rawValue) \(route.path.replacing("/v1/workspaces/:W", with: ""))"
    }

    private static var document: [String: Any] {
        var paths: [String: [String: Any]] = [:]
        for route in AdminRoutes.table {
            guard let row = rows[key(route)] else { continue }
            let segments = route.path.split(separator: "/")
            let path =
                "/" + segments.map { $0.first == ":" ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
            var answers: [String: Any] = ["200": answer(row, isStream: key(route) == "POST /leases")]
            for status in failures(of: route) { answers["\(status)"] = ["$ref": "#/components/responses/\(status)"] }
            var operation: [String: Any] = ["summary": row.summary, "responses": answers]
            let parameters = parameters(of: key(route), segments.map(String.init))
            if !parameters.isEmpty { operation["parameters"] = parameters }
            if let body = row.body {
                var request = content(SchemaReader.schema(of: body), "The request.")
                request["required"] = true
                operation["requestBody"] = request
            }
            paths[path, default: [:]][route.method.rawValue.lowercased()] = operation
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "broker", "version": BrokerVersion.current,
                "description":
                    "On the daemon's unix socket; on a port of 127.0.0.1 where BROKER_API_PORT is set, with a token.",
            ],
            "paths": paths,
            // With the token over TCP, without it on the socket.
            "security": [["token": [String]()], [String: [String]]()],
            "components": [
                "responses": Dictionary(uniqueKeysWithValues: failures.map { ("\($0)", failure($0, $1)) }),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ] as [String: Any],
        ]
    }

    private static func parameters(of key: String, _ segments: [String]) -> [[String: Any]] {
        let inPath = segments.filter { $0.first == ":" }.map { String($0.dropFirst()) }.map { name in
            [
                "name": name, "in": "path", "required": true, "schema": ["type": "string"],
                "description": parameters[name] ?? "",
            ] as [String: Any]
        }
        let inQuery = (queries[key] ?? [:]).sorted { $0.key < $1.key }.map { name, text in
            let schema: [String: Any] = name.hasSuffix("#") ? ["type": "integer", "minimum": 0] : ["type": "string"]
            return [
                "name": name.filter { $0 != "!" && $0 != "#" }, "in": "query", "required": name.hasSuffix("!"),
                "schema": schema, "description": text,
            ] as [String: Any]
        }
        guard repeatable.contains(key) else { return inPath + inQuery }
        let id: [String: Any] = [
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": ["type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"],
            "description": "Chosen by the caller: asked again with the same, it answers what came of the first try.",
        ]
        return inPath + inQuery + [id]
    }

    private static func answer(_ row: Row, isStream: Bool) -> [String: Any] {
        let schema = SchemaReader.schema(of: row.answer)
        guard isStream else { return content(schema, "The answer.") }
        let media = ["application/json": ["schema": schema], "application/x-ndjson": ["schema": schema]]
        return ["description": "The answer, by line with ?hold=true.", "content": media]
    }

    private static func failure(_ status: Int, _ text: String) -> [String: Any] {
        var schema = SchemaReader.schema(of: BrokerError.self)
        var properties = schema["properties"] as? [String: Any] ?? [:]
        let codes = ErrorCode.allCases.filter { $0.httpStatus == status }.map(\.rawValue).sorted()
        properties["code"] = ["type": "string", "enum": codes] as [String: Any]
        schema["properties"] = properties
        return content(schema, text)
    }

    private static func content(_ schema: [String: Any], _ text: String) -> [String: Any] {
        ["description": text, "content": ["application/json": ["schema": schema]]]
    }
}
