import BrokerModel
import GRDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Opens the ledger's file after a look that changes nothing.
enum LedgerFile {
    /// "brkr": marks the file as a ledger in its header.
    private static let applicationID = 0x6272_6b72

    static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
        }
        makePrivate(path)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let isNew = try queue.read { database in
            let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
            if !isEmpty { try check(database, path) }
            return isEmpty
        }
        try queue.writeWithoutTransaction { database in
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
            if isNew { try database.execute(sql: "PRAGMA application_id = \(applicationID)") }
        }
        return queue
    }

    /// A file that SQLite makes would follow the umask; its log and index get the file's mode. Where it cannot be made,
    /// opening it says why.
    private static func makePrivate(_ path: String) {
        let descriptor = systemOpen(path)
        if descriptor >= 0 { close(descriptor) }
    }

    private static func check(_ database: Database, _ path: String) throws {
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == applicationID else {
            throw BrokerError(
                .ledgerUnusable, "\"\(path)\" is no ledger of broker", why: "it is another program's database",
                fix: "unset BROKER_LEDGER_URL")
        }
        guard try !Migration.isNewer(database) else {
            throw BrokerError(
                .ledgerUnusable, "the ledger \"\(path)\" was made by a newer broker",
                why: "broker \(BrokerVersion.current) does not know its tables; nothing was changed",
                fix: "broker version")
        }
        let finding = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "ok"
        guard finding == "ok" else { throw LedgerFailure.damaged(path, finding) }
    }
}

private func systemOpen(_ path: String) -> Int32 { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
