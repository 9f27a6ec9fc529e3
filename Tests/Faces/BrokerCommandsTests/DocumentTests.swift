import BrokerModel
import TestKit
import Testing

@testable import BrokerCommands

/// The JSON documents as scripts meet them: fields are only ever added.
@Suite struct DocumentTests {
    private static let resource = ResourceStatus(
        name: "cache", class: "redis", provider: "emulator", plan: "ephemeral", state: "ready", detail: nil,
        host: "127.0.0.1", port: 21000, path: nil, connections: 2, unsupported: ["OBJECT FREQ": 1])
    private static let attachment = AttachmentStatus(
        alias: "CACHE", resource: "cache", mode: "endpoint", variables: ["CACHE_URL", "REDIS_URL"], port: nil)

    private static let documents: [String: any Encodable & Sendable] = [
        "status": StatusDocument(
            workspace: "shop-1a2b3c", resources: [resource],
            apps: [AppStatus(name: "web", release: 1, attachments: [attachment])]),
        "resource": CreateOutcome(created: true, resource: resource),
        "attachment": AttachOutcome(
            app: "web", created: true, attached: true, release: 1, resource: resource, attachment: attachment),
        "detach": DetachOutcome(
            app: "web", resource: "cache", alias: "CACHE", release: 2, closed: 1, removed: ["CACHE_URL"],
            promoted: nil, warning: nil),
        "destroy": DestroyOutcome(resource: "cache", detached: ["web"]),
        "swap": SwapOutcome(
            resource: "cache", from: "emulator", to: "exec:redis-server", server: "redis 7.0.15", cold: true,
            closed: 3, pause: 1.5, releases: ["web": 3], undo: "broker swap cache --to emulator"),
        "environment": MaskedEnvironment(
            EnvironmentDocument(
                app: "web", release: 1,
                variables: [.init(name: "CACHE_URL", value: "canary", masked: "redis://***", resource: "cache")])),
        "releases": ReleasesDocument(
            app: "web",
            releases: [
                .init(
                    version: 1, description: "attach cache as CACHE", createdAt: "2026-01-02T03:04:05Z",
                    added: ["CACHE_URL"], changed: [], removed: [])
            ]),
        "logs": LogsDocument(
            entries: [.init(time: "2026-01-02T03:04:05.678Z", source: "cache", message: "ready")], cursor: "7"),
        "url": URLDocument(app: "web", resource: "cache", url: "redis://u:s@127.0.0.1:21000/0"),
        "stopped": StoppedDocument(pid: 4711),
        "error": ErrorDocument(
            BrokerError(.acrossClasses, "cannot swap across classes", why: "dialects differ", fix: "broker create"),
            exitCode: 7),
    ]

    @Test(arguments: documents.keys.sorted())
    func `the document is the golden one and names its schema`(name: String) throws {
        let document = try #require(Self.documents[name])
        let text = try JSONDocument.text(document)
        #expect(text.contains("\"schema\" : \"broker.\(name)/1\""))
        try GoldenFile.expect("\(name).json", text)
    }
}
