public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One flat object of names to values.
public enum JSONFormat: EnvironmentFormat {
    public static let name = "json"
    public static let summary = "one flat object of names to values"

    public static func render(_ variables: [String: String]) throws(BrokerError) -> String {
        let sorted = try checked(variables)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let object = Dictionary(uniqueKeysWithValues: sorted.map { ($0.name, $0.value) })
            return String(decoding: try encoder.encode(object), as: UTF8.self) + "\n"
        } catch {
            throw BrokerError(
                .internalFailure, "cannot write the environment as JSON", why: "\(error)",
                fix: "use --for sh")
        }
    }
}
