public import BrokerModel
import GRDB

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension LedgerReader {
    public func operation(_ id: OperationID) throws -> StoredOperation? {
        try one("SELECT * FROM operations WHERE id = ?", [id.rawValue], stored)
    }

    /// Those that were cut short, the oldest first.
    public func unfinishedOperations() throws -> [StoredOperation] {
        try all(
            "SELECT * FROM operations WHERE phase NOT IN ('succeeded', 'failed') ORDER BY created_at, id", [], stored)
    }

    private func stored(_ row: Row) throws -> StoredOperation {
        let operation = BrokerModel.Operation(
            id: OperationID(rawValue: row["id"]), workspace: try known(row, "workspace"), kind: try known(row, "kind"),
            resource: ResourceID(rawValue: row["resource"]), phase: try known(row, "phase"))
        var stored = StoredOperation(operation: operation, request: row["request"], intent: row["intent"])
        stored.outcome = row["outcome"]
        if let text: String = row["error"] {
            stored.error = try JSONDecoder().decode(BrokerError.self, from: Data(text.utf8))
        }
        return stored
    }
}

extension LedgerWriter {
    /// How long a retry with the same id finds the first outcome.
    private static let retention: Int64 = 24 * 60 * 60 * 1000

    /// Commits to an intent: from now on the operation is resumed or rolled back, whatever happens.
    public func begin(_ stored: StoredOperation) throws {
        let operation = stored.operation
        try run(
            "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)",
            [
                operation.id.rawValue, operation.workspace.rawValue, operation.kind.rawValue,
                operation.resource.rawValue, operation.phase.rawValue, stored.request, stored.intent, now, now,
            ])
    }

    public func advance(_ id: OperationID, to phase: BrokerModel.Operation.Phase) throws {
        try run("UPDATE operations SET phase = ?, updated_at = ? WHERE id = ?", [phase.rawValue, now, id.rawValue])
    }

    public func succeed(_ id: OperationID, outcome: String) throws {
        try run("UPDATE operations SET outcome = ? WHERE id = ?", [outcome, id.rawValue])
        try advance(id, to: .succeeded)
    }

    public func fail(_ id: OperationID, _ error: BrokerError) throws {
        let text = String(decoding: try JSONEncoder().encode(error), as: UTF8.self)
        try run("UPDATE operations SET error = ? WHERE id = ?", [text, id.rawValue])
        try advance(id, to: .failed)
    }

    /// Forgets finished operations that nobody retries any more.
    public func forgetOldOperations() throws {
        try run(
            "DELETE FROM operations WHERE phase IN ('succeeded', 'failed') AND updated_at < ?", [now - Self.retention])
    }
}
