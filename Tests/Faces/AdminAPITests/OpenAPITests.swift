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
        "DELETE /resources/:R/faults": Row("Remove all its faults.", nil, FaultsDocument.self),
        "DELETE /resources/:R/faults/:F": Row("Remove a fault.", nil, FaultsDocument.self),
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

    private static let queries: [String: [String: String]] = [
        "DELETE /resources/:R": ["force": "true also where apps are attached"],
        "DELETE /apps/:A/attachments": [
            "resource": "what is detached", "alias": "which, where it is attached more than once",
        ],
        "GET /logs": ["source": "a resource or an app", "last": "how many", "after": "the cursor of an answer"],
        "POST /leases": ["hold": "true: the lease ends with the connection"],
    ]

    @Test func `every route is described, and nothing else`() {
        #expect(Set(AdminRoutes.table.map(Self.key)) == Set(Self.rows.keys))
    }

    @Test func `docs/reference/openapi.json is what the routes and documents are`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../docs/reference/openapi.json").standardizedFileURL
        let data = try JSONSerialization.data(
            withJSONObject: Self.document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        let text = String(decoding: data, as: UTF8.self) + "\n"
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
            var operation: [String: Any] = [
                "summary": row.summary,
                "responses": [
                    "200": content(SchemaReader.schema(of: row.answer), "The answer."),
                    "default": ["$ref": "#/components/responses/Error"],
                ] as [String: Any],
            ]
            let inPath = segments.filter { $0.first == ":" }.map { String($0.dropFirst()) }.map { name in
                [
                    "name": name, "in": "path", "required": true, "schema": ["type": "string"],
                    "description": parameters[name] ?? "",
                ] as [String: Any]
            }
            let inQuery = (queries[key(route)] ?? [:]).sorted { $0.key < $1.key }.map { name, text in
                ["name": name, "in": "query", "schema": ["type": "string"], "description": text] as [String: Any]
            }
            if !inPath.isEmpty || !inQuery.isEmpty { operation["parameters"] = inPath + inQuery }
            if let body = row.body {
                operation["requestBody"] = content(SchemaReader.schema(of: body), "The request.")
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
            "components": [
                "responses": ["Error": content(SchemaReader.schema(of: ErrorShape.self), "What went wrong.")],
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ] as [String: Any],
        ]
    }

    /// Every error has these four parts.
    private struct ErrorShape: Decodable {
        let code: String
        let what: String
        let why: String
        let fix: String?
    }

    private static func content(_ schema: [String: Any], _ text: String) -> [String: Any] {
        ["description": text, "content": ["application/json": ["schema": schema]]]
    }
}
