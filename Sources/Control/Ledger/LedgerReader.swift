import BrokerModel
import GRDB

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One state of the ledger, valid while the closure that got it runs. Its verbs are in one file per noun.
public class LedgerReader {
    let database: Database
    let sealer: Sealer

    init(_ database: Database, _ sealer: Sealer) {
        self.database = database
        self.sealer = sealer
    }

    func one<Value>(_ sql: String, _ arguments: StatementArguments, _ make: (Row) throws -> Value) throws -> Value? {
        try Row.fetchOne(database, sql: sql, arguments: arguments).map(make)
    }

    func all<Value>(
        _ sql: String, _ arguments: StatementArguments = [], _ make: (Row) throws -> Value
    ) throws -> [Value] {
        try Row.fetchAll(database, sql: sql, arguments: arguments).map(make)
    }

    /// A value of a type that checks its text: throws where the ledger holds something that this program does not know.
    func known<Value: RawRepresentable>(
        _ row: Row, _ column: String, as: Value.Type = Value.self
    ) throws -> Value where Value.RawValue == String {
        let text: String = row[column]
        guard let value = Value(rawValue: text) else {
            throw BrokerError(
                .needsAttention, "the ledger has a \(column) that is not known", why: "\"\(text.prefix(80))\"",
                fix: "use the broker that wrote it")
        }
        return value
    }

    func list(_ row: Row, _ column: String) throws -> [String] {
        let text: String = row[column]
        return try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }
}

/// A transaction of the ledger: what is read sees what was written in it. All of it is kept, or nothing.
public final class LedgerWriter: LedgerReader {
    /// Milliseconds since 1970: when the transaction began.
    public let now: Int64

    init(_ database: Database, _ sealer: Sealer, now: Int64) {
        self.now = now
        super.init(database, sealer)
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.execute(sql: sql, arguments: arguments)
    }

    func text(_ list: [String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(list), as: UTF8.self)
    }
}
