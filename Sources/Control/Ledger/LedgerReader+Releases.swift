public import BrokerModel
import GRDB

extension LedgerReader {
    /// Newest first; none for an app that was never attached to anything.
    public func releases(of app: AppName, in workspace: WorkspaceName) throws -> [Release] {
        try all(
            "SELECT * FROM releases WHERE workspace = ? AND app = ? ORDER BY version DESC",
            [workspace.rawValue, app.rawValue]
        ) { row in
            Release(
                app: app, version: row["version"], description: row["description"], createdAt: row["created_at"],
                added: try list(row, "added"), changed: try list(row, "changed"), removed: try list(row, "removed"))
        }
    }

    /// 0 for an app that has none.
    public func latestRelease(of app: AppName, in workspace: WorkspaceName) throws -> Int {
        try one(
            "SELECT coalesce(max(version), 0) FROM releases WHERE workspace = ? AND app = ?",
            [workspace.rawValue, app.rawValue]
        ) { $0[0] } ?? 0
    }

    /// Every app that has a release, by name.
    public func apps(in workspace: WorkspaceName) throws -> [AppName] {
        try all("SELECT DISTINCT app FROM releases WHERE workspace = ? ORDER BY app", [workspace.rawValue]) { row in
            try known(row, "app")
        }
    }
}

extension LedgerWriter {
    /// Appends the app's next release and returns its number.
    public func addRelease(
        of app: AppName, in workspace: WorkspaceName, _ description: String, added: [String], changed: [String],
        removed: [String]
    ) throws -> Int {
        let version = try latestRelease(of: app, in: workspace) + 1
        try run(
            "INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                workspace.rawValue, app.rawValue, version, description, now, try text(added), try text(changed),
                try text(removed),
            ])
        return version
    }
}
