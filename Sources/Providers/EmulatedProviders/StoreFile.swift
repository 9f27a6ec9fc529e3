import BrokerModel
import CSQLite

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The database file of a `sqlite` resource, in a folder of its own, since SQLite puts its log beside it.
struct StoreFile: Sendable {
    let folder: String
    var path: String { folder + "/store.sqlite" }

    static let sqliteVersion = String(cString: sqlite3_libversion())

    /// Makes the folder (0700) and the file in WAL mode; a file that is there is kept as it is.
    func make() throws(BrokerError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir: \(Self.text(errno))") }
        if let problem = open() { throw failure(problem) }
    }

    /// Removes the file and what SQLite has put beside it. Nothing is an error that is gone already.
    func remove() throws(BrokerError) {
        for name in ["", "-wal", "-shm", "-journal"] {
            guard unlink(path + name) == 0 || errno == ENOENT || errno == ENOTDIR else {
                throw failure("unlink: \(Self.text(errno))")
            }
        }
        guard rmdir(folder) == 0 || errno == ENOENT else { throw failure("rmdir: \(Self.text(errno))") }
    }

    /// What went wrong; nil when the file is there and in WAL mode.
    private func open() -> String? {
        var database: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        defer { sqlite3_close_v2(database) }
        guard sqlite3_open_v2(path, &database, flags, nil) == SQLITE_OK,
            sqlite3_busy_timeout(database, 5_000) == SQLITE_OK,
            // The header is written with the first page, so that the mode lasts.
            sqlite3_exec(database, "PRAGMA journal_mode = WAL; PRAGMA user_version", nil, nil, nil) == SQLITE_OK
        else { return sqlite3_errmsg(database).map { String(cString: $0) } ?? "it cannot be opened" }
        chmod(path, 0o600)
        return nil
    }

    private func failure(_ why: String) -> BrokerError {
        BrokerError(
            .needsAttention, "the file \"\(path)\" cannot be made or removed", why: why,
            fix: "ls -la \(ShellWord.quoted(folder))")
    }

    private static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
