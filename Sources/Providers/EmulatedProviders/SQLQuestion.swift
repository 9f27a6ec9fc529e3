import CSQLite
import ProviderKit

/// What SQLite said.
struct SQLProblem: Error {
    let words: String
}

/// A query for one value, of a file that others write.
enum SQLQuestion {
    /// How long a query may work.
    private static let longest = Duration.seconds(2)

    static func ask(_ query: String, of path: String) throws(SQLProblem) -> Answer {
        var database: OpaquePointer?
        defer { sqlite3_close_v2(database) }
        guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
            sqlite3_busy_timeout(database, 1_000) == SQLITE_OK
        else { throw problem(database) }
        // Looked at between some thousand steps of the query's program; other than 0 interrupts it.
        var deadline = ContinuousClock.now + longest
        return try withUnsafeMutablePointer(to: &deadline) { (deadline) throws(SQLProblem) in
            sqlite3_progress_handler(
                database, 10_000,
                { context in
                    let deadline = context?.assumingMemoryBound(to: ContinuousClock.Instant.self).pointee
                    return deadline.map { ContinuousClock.now > $0 } ?? false ? 1 : 0
                }, deadline)
            return try answer(query, of: database)
        }
    }

    private static func answer(_ query: String, of database: OpaquePointer?) throws(SQLProblem) -> Answer {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(database, query, -1, &statement, nil) == SQLITE_OK else { throw problem(database) }
        guard let statement else { throw SQLProblem(words: "it is empty") }
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return value(of: statement)
        case SQLITE_DONE: return .null
        case SQLITE_INTERRUPT: throw SQLProblem(words: "it takes longer than \(longest)")
        default: throw problem(database)
        }
    }

    private static func value(of statement: OpaquePointer) -> Answer {
        switch sqlite3_column_type(statement, 0) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, 0))
        default:
            guard let text = sqlite3_column_text(statement, 0) else { return .null }
            let bytes = UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, 0)))
            return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func problem(_ database: OpaquePointer?) -> SQLProblem {
        SQLProblem(words: sqlite3_errmsg(database).map { String(cString: $0) } ?? "it cannot be opened")
    }
}
