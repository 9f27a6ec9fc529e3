public import BrokerModel
import GRDB

extension LedgerReader {
    /// The newest `last` events that come after `id`, oldest first.
    public func events(
        in workspace: WorkspaceName, source: String?, last: Int, after id: Int64?
    ) throws -> [Event] {
        let newest = try all(
            """
            SELECT * FROM events WHERE workspace = ? AND source = coalesce(?, source) AND id > ?
            ORDER BY id DESC LIMIT ?
            """,
            [workspace.rawValue, source, id ?? 0, last]
        ) { row in
            Event(id: row["id"], time: row["time"], source: row["source"], message: row["message"])
        }
        return newest.reversed()
    }

    /// The id of the newest event of all; 0 when there is none.
    public func latestEvent() throws -> Int64 {
        try one("SELECT coalesce(max(id), 0) FROM events", []) { $0[0] } ?? 0
    }
}

extension LedgerWriter {
    /// How many events are kept; older ones go.
    private static let keptEvents: Int64 = 20_000

    /// Notes what happened, in words without secrets.
    public func note(_ source: some CheckedName, in workspace: WorkspaceName, _ message: String) throws {
        try run(
            "INSERT INTO events (workspace, time, source, message) VALUES (?, ?, ?, ?)",
            [workspace.rawValue, now, source.rawValue, message])
        let id = database.lastInsertedRowID
        if id % 1000 == 0 { try run("DELETE FROM events WHERE id <= ?", [id - Self.keptEvents]) }
    }
}
