public import BrokerModel
import GRDB
import Synchronization

/// The broker's own durable state: one SQLite file, secrets in it sealed.
///
/// A `write` is one transaction: all of it is on disk when it returns, or nothing is.
public final class Ledger: Sendable {
    public let path: String
    private let database: DatabaseQueue
    private let sealer: Sealer
    private let now: @Sendable () -> Int64
    /// Held while work is handed to the database, since a closed one takes none.
    private let isClosed = Mutex(false)

    /// Opens the ledger at `path`, or makes it. The folder must be there.
    ///
    /// - Parameters:
    ///   - masterKey: 32 bytes in base64; nil takes the file `master.key` beside the ledger, which is made with a new ledger.
    ///   - now: milliseconds since 1970, for what is stamped.
    ///
    /// Throws `ledgerUnusable` for what is no ledger, is damaged, or is of a newer broker, `masterKeyWrong` when the
    /// secrets cannot be opened. Nothing is changed then.
    public static func open(
        path: String, masterKey: Secret? = nil, now: @escaping @Sendable () -> Int64
    ) throws(BrokerError) -> Ledger {
        do {
            let database = try LedgerFile.open(path)
            let sealer = try Sealer(for: database, key: masterKey, ledger: path)
            try Migration.migrate(database)
            return Ledger(path: path, database: database, sealer: sealer, now: now)
        } catch {
            throw LedgerFailure.error(error, at: path)
        }
    }

    private init(path: String, database: DatabaseQueue, sealer: Sealer, now: @escaping @Sendable () -> Int64) {
        self.path = path
        self.database = database
        self.sealer = sealer
        self.now = now
    }

    /// Reads one state of the ledger. `body` runs on the ledger's own thread.
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerReader) throws -> Value
    ) async throws(BrokerError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            unlessClosed(continuation) {
                database.asyncRead { [sealer] result in
                    continuation.resume(returning: Result { try body(LedgerReader(try result.get(), sealer)) })
                }
            }
        }
        return try value(of: result)
    }

    /// Changes the ledger in one transaction; an error of `body` undoes all of it.
    ///
    /// It does not end with the calling task: an operation whose client has gone away still reaches its outcome.
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerWriter) throws -> Value
    ) async throws(BrokerError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            unlessClosed(continuation) {
                database.asyncWrite { [sealer, now] database in
                    try body(LedgerWriter(database, sealer, now: now()))
                } completion: { _, result in
                    continuation.resume(returning: result)
                }
            }
        }
        return try value(of: result)
    }

    /// Folds the write-ahead log into the file and closes it. Who reads or writes later gets `daemonNotRunning`.
    public func close() throws(BrokerError) {
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        do {
            try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try database.close()
        } catch {
            throw LedgerFailure.error(error, at: path)
        }
    }

    /// Lets the file grow to `pages` pages at most, as on a full disk. For tests.
    func limit(pages: Int) throws {
        try database.writeWithoutTransaction { _ = try Row.fetchOne($0, sql: "PRAGMA max_page_count = \(pages)") }
    }

    /// The tables as SQLite would make them again. For tests.
    func schema() throws -> String {
        try database.read(Migration.schema)
    }

    private func unlessClosed<Value>(
        _ continuation: CheckedContinuation<Result<Value, any Error>, Never>, _ hand: () -> Void
    ) {
        let isRefused = isClosed.withLock { isClosed in
            if !isClosed { hand() }
            return isClosed
        }
        guard isRefused else { return }
        continuation.resume(
            returning: .failure(
                BrokerError(
                    .daemonNotRunning, "the daemon is stopping", why: "its ledger is closed", fix: "broker daemon start"
                )))
    }

    private func value<Value>(of result: Result<Value, any Error>) throws(BrokerError) -> Value {
        do {
            return try result.get()
        } catch {
            throw LedgerFailure.error(error, at: path)
        }
    }
}
