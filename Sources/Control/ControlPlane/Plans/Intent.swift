import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What an operation has decided, for whoever resumes it. In the ledger as JSON; it holds no secret.
struct Intent: Codable, Equatable, Sendable {
    /// The attachment that is made or taken away.
    var attachment: AttachmentID?
    /// Whether an attach makes the resource, too.
    var makesResource = false
    /// The backing that a swap makes, and the one that it replaces.
    var target: BackingID?
    var former: BackingID?
    /// The target's server as it named itself when it was checked.
    var server: String?
}

/// JSON for the ledger.
enum LedgerText {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ text: String, as: Value.Type = Value.self) throws(BrokerError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw BrokerError(
                .needsAttention, "the ledger has a document that cannot be read", why: "\(Value.self) was expected",
                fix: "broker version")
        }
    }
}
