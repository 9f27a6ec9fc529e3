import BrokerModel
import Foundation
import TestKit

@testable import Ledger

/// A ledger in a folder of its own, and values to put into it.
struct LedgerUnderTest {
    let folder: TemporaryDirectory
    let ledger: Ledger
    static let workspace = WorkspaceName(unchecked: "shop")

    init(masterKey: Secret? = nil) throws {
        folder = try TemporaryDirectory()
        ledger = try Ledger.open(path: folder.file("ledger.sqlite"), masterKey: masterKey) { 1_700_000_000_000 }
    }

    func reopened(masterKey: Secret? = nil) throws -> Ledger {
        try Ledger.open(path: folder.file("ledger.sqlite"), masterKey: masterKey) { 1_700_000_000_000 }
    }

    static func resource(
        _ name: String, provider: ProviderReference = .emulator, port: UInt16? = nil
    ) -> (Resource, Backing) {
        let id = ResourceID(rawValue: "r-\(name)")
        let resource = Resource(
            id: id, workspace: workspace, name: ResourceName(unchecked: name), serviceClass: .redis, provider: provider,
            plan: Plan.offered(for: .redis, by: provider)[0], port: port, state: .starting)
        let backing = Backing(
            id: BackingID(rawValue: "b-\(name)"), resource: id, provider: provider, secret: Secret("backing-\(name)"),
            memory: [:])
        return (resource, backing)
    }

    static func attachment(
        _ name: String, of resource: ResourceID, sequence: Int64, alias: String = "CACHE", port: UInt16? = nil,
        direct: DirectURL? = nil
    ) -> StoredAttachment {
        StoredAttachment(
            attachment: Attachment(
                id: AttachmentID(rawValue: "a-\(name)"), app: AppName(unchecked: "web"), resource: resource,
                alias: Alias(unchecked: alias), mode: direct == nil ? .endpoint : .direct,
                credential: Credential(user: name, secret: Secret("credential-\(name)"), generation: 1), port: port,
                sequence: sequence, isPrimary: false),
            workspace: workspace, lifecycle: .present, direct: direct)
    }

    /// Every file of the folder, whatever it is.
    func bytes() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            files[name] = FileManager.default.contents(atPath: folder.file(name))
        }
        return files
    }
}
