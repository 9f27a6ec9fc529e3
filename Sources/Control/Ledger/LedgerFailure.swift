import BrokerModel
import GRDB

/// Turns what SQLite and the sealing throw into errors that a person can act on. Values and statements are left out:
/// they may hold a secret.
enum LedgerFailure {
    static func error(_ error: any Error, at path: String) -> BrokerError {
        switch error {
        case let error as BrokerError: return error
        case let error as DatabaseError: return brokerError(error, path)
        default:
            return BrokerError(
                .internalFailure, "the ledger \"\(path)\" cannot be used", why: "\(type(of: error))", fix: "broker logs"
            )
        }
    }

    static func damaged(_ path: String, _ finding: String) -> BrokerError {
        BrokerError(
            .ledgerUnusable, "the ledger \"\(path)\" is damaged", why: "\(finding.prefix(200)); nothing was changed",
            fix: "sqlite3 \(ShellWord.quoted(path)) .recover | sqlite3 \(ShellWord.quoted(path + ".recovered"))")
    }

    private static func brokerError(_ error: DatabaseError, _ path: String) -> BrokerError {
        switch error.resultCode {
        case .SQLITE_FULL:
            BrokerError(
                .diskFull, "there is no room for the ledger \"\(path)\"", why: "nothing was changed",
                fix: "df -h \(ShellWord.quoted(path))")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT: damaged(path, error.message ?? "it is no database")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR:
            BrokerError(
                .ledgerUnusable, "the ledger \"\(path)\" cannot be opened or written",
                why: error.message ?? error.resultCode.description, fix: "ls -l \(ShellWord.quoted(path))")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            BrokerError(
                .ledgerUnusable, "another program holds the ledger \"\(path)\"", why: error.message ?? "it is locked",
                fix: "end the program that has it open, and try again")
        default:
            BrokerError(
                .internalFailure, "the ledger \"\(path)\" refused a change",
                why: error.message ?? error.resultCode.description, fix: "broker logs")
        }
    }
}
