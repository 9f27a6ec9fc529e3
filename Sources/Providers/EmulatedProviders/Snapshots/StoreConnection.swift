import BrokerModel
import CSQLite

/// A connection to a database file, for whole copies. Closed with its last holder.
///
/// Safety of `@unchecked Sendable`: SQLite guards a connection that is opened with FULLMUTEX by a lock of its own, and one
/// task at a time has this one.
final class StoreConnection: @unchecked Sendable {
    private let handle: OpaquePointer?
    private let path: String

    /// How long somebody else's lock is waited for, in milliseconds.
    private static let patience: Int32 = 5_000

    /// - Parameter path: a file, or ":memory:".
    init(_ path: String, isNew: Bool = false) throws(BrokerError) {
        self.path = path
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (isNew ? SQLITE_OPEN_CREATE : 0)
        let result = sqlite3_open_v2(path, &handle, flags, nil)
        self.handle = handle
        guard result == SQLITE_OK else { throw failure() }
        sqlite3_busy_timeout(handle, Self.patience)
        // A script reaches no other file; VACUUM attaches one without a name.
        sqlite3_set_authorizer(
            handle,
            { _, action, name, _, _, _ in
                guard action == SQLITE_ATTACH else { return SQLITE_OK }
                return name?.pointee == 0 ? SQLITE_OK : SQLITE_DENY
            }, nil)
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    func run(_ statements: String) throws(BrokerError) {
        guard sqlite3_exec(handle, statements, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    /// Runs statements one after the other; returns how many. A failure names the line of its statement.
    func run(script: [UInt8], of file: String) throws(BrokerError) -> Int {
        var count = 0
        var failed: (line: Int, why: String)?
        (script + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                var next = text.baseAddress
                let end = text.baseAddress.map { $0 + script.count }
                while let start = next, let end, start < end {
                    var statement: OpaquePointer?
                    var result = sqlite3_prepare_v2(handle, start, Int32(clamping: end - start), &statement, &next)
                    if result == SQLITE_OK, let statement {
                        repeat { result = sqlite3_step(statement) } while result == SQLITE_ROW
                        if result == SQLITE_DONE { count += 1 }
                    }
                    sqlite3_finalize(statement)
                    guard result == SQLITE_OK || result == SQLITE_DONE else {
                        failed = (line(of: start, in: text), sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")
                        return
                    }
                }
            }
        }
        if let failed { throw .badSeed(file, "line \(failed.line): \(failed.why)") }
        return count
    }

    /// The line in which the first word behind `place` stands.
    private func line(of place: UnsafePointer<CChar>, in text: UnsafeBufferPointer<CChar>) -> Int {
        guard let start = text.baseAddress else { return 1 }
        let newline = CChar(bitPattern: UInt8(ascii: "\n"))
        var first = place - start
        while first < text.count, text[first] == newline || text[first] == CChar(bitPattern: UInt8(ascii: " ")) {
            first += 1
        }
        return 1 + text[..<first].count { $0 == newline }
    }

    /// Makes this database equal to another one, in one transaction: who is connected sees what was, then what is.
    /// Where the other connection is within a transaction that reads, it is what that sees.
    func copy(from other: StoreConnection) throws(BrokerError) {
        guard let backup = sqlite3_backup_init(handle, "main", other.handle, "main") else { throw failure() }
        var result = sqlite3_backup_step(backup, -1)
        var waited: Int32 = 0
        while result == SQLITE_BUSY || result == SQLITE_LOCKED, waited < Self.patience {
            sqlite3_sleep(5)
            waited += 5
            result = sqlite3_backup_step(backup, -1)
        }
        let end = sqlite3_backup_finish(backup)
        if result == SQLITE_BUSY || result == SQLITE_LOCKED {
            throw BrokerError(
                .timedOut, "\"\(path)\" is in use", why: "a process has written to it for longer than 5 s",
                fix: "end its transaction, then try again")
        }
        guard result == SQLITE_DONE, end == SQLITE_OK else { throw failure(end == SQLITE_OK ? result : end) }
    }

    private func failure(_ code: Int32? = nil) -> BrokerError {
        let code = code ?? sqlite3_extended_errcode(handle)
        let text = sqlite3_errmsg(handle).map { String(cString: $0) } ?? String(cString: sqlite3_errstr(code))
        return BrokerError(
            code & 0xff == SQLITE_FULL ? .diskFull : .needsAttention, "\"\(path)\" cannot be copied or written",
            why: text, fix: "ls -la \(ShellWord.quoted(path)) && df -h \(ShellWord.quoted(path))")
    }
}
