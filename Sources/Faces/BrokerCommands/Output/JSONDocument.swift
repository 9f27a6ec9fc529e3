import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Documents as `--json` prints them.
enum JSONDocument {
    /// Indented, keys sorted, a newline at the end.
    static func text(_ document: some Encodable) throws(BrokerError) -> String {
        try encode(document, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    /// On one line, keys sorted, a newline at the end.
    static func line(_ document: some Encodable) throws(BrokerError) -> String {
        try encode(document, [.sortedKeys, .withoutEscapingSlashes])
    }

    private static func encode(
        _ document: some Encodable, _ formatting: JSONEncoder.OutputFormatting
    ) throws(BrokerError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        do {
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        } catch {
            throw BrokerError(
                .internalFailure, "cannot write the answer as JSON", why: "\(error)", fix: "leave --json away")
        }
    }
}

/// An error as `--json` shows it.
struct ErrorDocument: Encodable {
    let schema = "broker.error/1"
    let code: String
    let what: String
    let why: String
    let fix: String?
    /// What the process exits with.
    let exit: Int32

    init(_ error: BrokerError, exitCode: Int32) {
        code = error.code.rawValue
        what = error.what
        why = error.why
        fix = error.fix
        exit = exitCode
    }
}
