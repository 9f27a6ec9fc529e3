public import BrokerModel
import GRDB

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension LedgerReader {
    public func backing(_ id: BackingID) throws -> Backing? {
        try one("SELECT * FROM backings WHERE id = ?", [id.rawValue], stored)
    }

    /// All of them; whichever is not the one of its resource is left over from something that was cut short.
    public func backings() throws -> [Backing] {
        try all("SELECT * FROM backings ORDER BY created_at, id", [], stored)
    }

    /// The provider of a backing's row, with its secret.
    func provider(_ row: Row, backing: BackingID) throws -> ProviderReference {
        let provider = try ProviderReference(row["provider"])
        guard let sealed: Data = row["provider_secret"], case .url(var url) = provider else { return provider }
        url.secret = try sealer.open(sealed, for: LedgerWriter.providerPlace(backing))
        return .url(url)
    }

    private func stored(_ row: Row) throws -> Backing {
        let id = BackingID(rawValue: row["id"])
        let memory: String = row["memory"]
        return Backing(
            id: id, resource: ResourceID(rawValue: row["resource"]), provider: try provider(row, backing: id),
            secret: try sealer.open(row["secret"], for: LedgerWriter.secretPlace(id)),
            memory: try JSONDecoder().decode([String: String].self, from: Data(memory.utf8)))
    }
}

extension LedgerWriter {
    /// Keeps a backing whose provider has not acted yet.
    public func insert(_ backing: Backing) throws {
        var providerSecret: Data?
        if case .url(let url) = backing.provider, let secret = url.secret {
            providerSecret = try sealer.seal(secret, for: Self.providerPlace(backing.id))
        }
        try run(
            "INSERT INTO backings VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                backing.id.rawValue, backing.resource.rawValue, backing.provider.description, providerSecret,
                try sealer.seal(backing.secret, for: Self.secretPlace(backing.id)), try text(backing.memory), now,
            ])
    }

    /// Keeps what a provider needs to find its server again.
    public func remember(_ memory: [String: String], for backing: BackingID) throws {
        try run("UPDATE backings SET memory = ? WHERE id = ?", [try text(memory), backing.rawValue])
    }

    public func remove(_ backing: BackingID) throws {
        try run("DELETE FROM backings WHERE id = ?", [backing.rawValue])
    }

    static func secretPlace(_ id: BackingID) -> String { "backings/\(id)/secret" }
    static func providerPlace(_ id: BackingID) -> String { "backings/\(id)/provider_secret" }

    private func text(_ memory: [String: String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(memory), as: UTF8.self)
    }
}
