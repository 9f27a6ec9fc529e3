public import BrokerModel
import GRDB

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension LedgerReader {
    private static let columns = """
        SELECT attachments.*, credentials.user, credentials.secret, credentials.generation, credentials.direct_url,
            credentials.direct_masked, ports.port
        FROM attachments JOIN credentials ON credentials.attachment = attachments.id
            LEFT JOIN ports ON ports.owner = attachments.id
        """

    public func attachment(_ id: AttachmentID) throws -> StoredAttachment? {
        try one(Self.columns + " WHERE attachments.id = ?", [id.rawValue], stored)
    }

    /// Of one resource, the oldest first.
    public func attachments(of resource: ResourceID) throws -> [StoredAttachment] {
        try all(Self.columns + " WHERE attachments.resource = ? ORDER BY sequence", [resource.rawValue], stored)
    }

    /// Of one app, the oldest first.
    public func attachments(of app: AppName, in workspace: WorkspaceName) throws -> [StoredAttachment] {
        try all(
            Self.columns + " WHERE attachments.workspace = ? AND attachments.app = ? ORDER BY sequence",
            [workspace.rawValue, app.rawValue], stored)
    }

    /// Of a whole workspace, the oldest first.
    public func attachments(in workspace: WorkspaceName) throws -> [StoredAttachment] {
        try all(Self.columns + " WHERE attachments.workspace = ? ORDER BY sequence", [workspace.rawValue], stored)
    }

    private func stored(_ row: Row) throws -> StoredAttachment {
        let id = AttachmentID(rawValue: row["id"])
        let generation: Int = row["generation"]
        let port: Int64? = row["port"]
        var direct: DirectURL?
        if let sealed: Data = row["direct_url"] {
            direct = DirectURL(
                url: try sealer.open(sealed, for: LedgerWriter.directPlace(id)), masked: row["direct_masked"] ?? "***")
        }
        let attachment = Attachment(
            id: id, app: try known(row, "app"), resource: ResourceID(rawValue: row["resource"]),
            alias: try known(row, "alias"), mode: try known(row, "mode"),
            credential: Credential(
                user: row["user"],
                secret: try sealer.open(row["secret"], for: LedgerWriter.credentialPlace(id, generation)),
                generation: generation),
            port: port.map(UInt16.init(truncatingIfNeeded:)), sequence: row["sequence"], isPrimary: row["is_primary"])
        return StoredAttachment(
            attachment: attachment, workspace: try known(row, "workspace"), lifecycle: try known(row, "lifecycle"),
            direct: direct)
    }
}

extension LedgerWriter {
    /// Reserves an attachment's alias, credential and port.
    public func insert(_ stored: StoredAttachment) throws {
        let attachment = stored.attachment
        let credential = attachment.credential
        try run(
            "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                attachment.id.rawValue, stored.workspace.rawValue, attachment.app.rawValue,
                attachment.resource.rawValue, attachment.alias.rawValue, attachment.mode.rawValue, attachment.sequence,
                attachment.isPrimary, stored.lifecycle.rawValue, now,
            ])
        try run(
            "INSERT INTO credentials VALUES (?, ?, ?, ?, ?, NULL, NULL)",
            [
                attachment.id.rawValue, attachment.resource.rawValue, credential.user,
                try sealer.seal(credential.secret, for: Self.credentialPlace(attachment.id, credential.generation)),
                credential.generation,
            ])
        if let direct = stored.direct { try set(direct, of: attachment.id) }
        if let port = attachment.port { try reserve(port, for: attachment.id.rawValue) }
    }

    public func set(_ lifecycle: Lifecycle, of attachment: AttachmentID) throws {
        try run("UPDATE attachments SET lifecycle = ? WHERE id = ?", [lifecycle.rawValue, attachment.rawValue])
    }

    /// Makes it own its class's usual variable, or no longer.
    public func set(primary: Bool, of attachment: AttachmentID) throws {
        try run("UPDATE attachments SET is_primary = ? WHERE id = ?", [primary, attachment.rawValue])
    }

    public func set(_ direct: DirectURL, of attachment: AttachmentID) throws {
        try run(
            "UPDATE credentials SET direct_url = ?, direct_masked = ? WHERE attachment = ?",
            [try sealer.seal(direct.url, for: Self.directPlace(attachment)), direct.masked, attachment.rawValue])
    }

    /// Takes an attachment out, with its credential and its port.
    public func remove(_ attachment: AttachmentID) throws {
        try run("DELETE FROM attachments WHERE id = ?", [attachment.rawValue])
        try run("DELETE FROM ports WHERE owner = ?", [attachment.rawValue])
    }

    /// 1, 2, 3 … for as long as the ledger lives.
    public func nextSequence() throws -> Int64 {
        try run(
            "INSERT INTO sequences VALUES ('attachment', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", [])
        return try one("SELECT value FROM sequences WHERE name = 'attachment'", []) { $0[0] } ?? 1
    }

    static func credentialPlace(_ id: AttachmentID, _ generation: Int) -> String {
        "credentials/\(id)/secret/\(generation)"
    }
    static func directPlace(_ id: AttachmentID) -> String { "credentials/\(id)/direct_url" }
}
