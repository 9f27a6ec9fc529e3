import GRDB

/// One step of the ledger's tables. Published steps never change: a further one is appended to `all`.
struct Migration: Sendable {
    let name: String
    let sql: String

    static let all: [Migration] = [
        .foundation
    ]

    /// Applies what the ledger does not have yet, each step in a transaction of its own.
    static func migrate(_ database: DatabaseQueue, through last: Migration? = nil) throws {
        let migrator = migrator()
        if let last { try migrator.migrate(database, upTo: last.name) } else { try migrator.migrate(database) }
    }

    /// Whether the ledger has steps that this program does not know.
    static func isNewer(_ database: Database) throws -> Bool {
        try migrator().hasBeenSuperseded(database)
    }

    /// The tables and indexes, one statement each, by name.
    static func schema(_ database: Database) throws -> String {
        let statements = try String.fetchAll(
            database, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
        return statements.map { $0 + ";\n" }.joined(separator: "\n")
    }

    private static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in all {
            migrator.registerMigration(migration.name) { try $0.execute(sql: migration.sql) }
        }
        return migrator
    }
}
