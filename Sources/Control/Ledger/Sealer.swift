import BrokerModel
import Crypto
import GRDB

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Seals secrets for the ledger (ChaCha20-Poly1305) and opens them again.
///
/// What is sealed is bound to its place: moved to another row, it does not open.
struct Sealer: Sendable {
    private let key: SymmetricKey
    private static let mark = Secret("broker")
    private static let markPlace = "facts/key"

    /// Takes the key that the ledger was made with, which a sealed mark in it proves; a fresh ledger gets its mark when
    /// its tables are made.
    init(for database: DatabaseQueue, key: Secret?, ledger: String) throws {
        let mark = try database.read(Self.readMark)
        let bytes =
            if let key {
                try MasterKey.given(key, isNew: mark == nil, keyFile: Self.keyFile(beside: ledger))
            } else {
                try MasterKey.file(Self.keyFile(beside: ledger), mayMake: mark == nil)
            }
        self.init(bytes)
        if let mark {
            guard (try? open(mark, for: Self.markPlace)) == Self.mark else {
                throw BrokerError(
                    .masterKeyWrong, "the key does not open the ledger \"\(ledger)\"",
                    why: "its secrets were sealed with another key; nothing was changed",
                    fix: key == nil ? "ls -l \(Self.keyFile(beside: ledger))" : "unset BROKER_MASTER_KEY")
            }
        } else {
            try database.write { [self] in try writeMark($0) }
        }
    }

    init(_ key: Data) {
        self.key = SymmetricKey(data: key)
    }

    func seal(_ secret: Secret, for place: String) throws -> Data {
        try secret.reveal { text in
            try ChaChaPoly.seal(Data(text.utf8), using: key, authenticating: Data(place.utf8)).combined
        }
    }

    /// Throws `needsAttention` when the sealed bytes are not those of `place`.
    func open(_ sealed: Data, for place: String) throws -> Secret {
        do {
            let bytes = try ChaChaPoly.open(.init(combined: sealed), using: key, authenticating: Data(place.utf8))
            return Secret(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw BrokerError(
                .needsAttention, "a sealed secret of the ledger does not open",
                why: "\(place) was changed from outside",
                fix: "put the ledger back from a copy"
            )
        }
    }

    private static func keyFile(beside ledger: String) -> String {
        (ledger.lastIndex(of: "/").map { String(ledger[...$0]) } ?? "") + "master.key"
    }

    private static func readMark(_ database: Database) throws -> Data? {
        guard try database.tableExists("facts") else { return nil }
        return try Data.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'key'")
    }

    /// In the transaction that makes the table, so that there is no ledger without a mark.
    private func writeMark(_ database: Database) throws {
        try database.execute(
            sql: "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID")
        try database.execute(
            sql: "INSERT INTO facts VALUES ('key', ?)", arguments: [try seal(Self.mark, for: Self.markPlace)])
    }
}
