public import BrokerModel

/// `NAME=value` in the subset that every dotenv reader agrees on; what they disagree on is refused.
///
/// Measured against python-dotenv, `node --env-file`, bash and dash (specs: environment formats, rule 2). Readers differ
/// in what they do to `\`, `$` and `"` inside quotes, so quotes are used only where all of them take the text literally.
public enum DotenvFormat: EnvironmentFormat {
    public static let name = "dotenv"
    public static let summary = "a .env file that every dotenv reader reads alike"

    public static func render(_ variables: [String: String]) throws(BrokerError) -> String {
        var text = ""
        for (name, value) in try checked(variables) {
            guard let written = written(value) else {
                throw BrokerError(
                    .unsupported, "cannot write the variable \"\(name)\" as dotenv",
                    why: "dotenv readers disagree about a value with these characters",
                    fix: "use --for sh or --for json")
            }
            text += "\(name)=\(written)\n"
        }
        return text
    }

    /// The value as every reader reads it back, or nil.
    private static func written(_ value: String) -> String? {
        if EnvironmentFormats.isPlain(value) { return value }
        let bytes = Set(value.utf8)
        guard bytes.isDisjoint(with: lineEnds) else { return nil }
        // python-dotenv expands ${X} even inside single quotes, and takes \\ and \' there for escapes.
        if !bytes.contains(UInt8(ascii: "'")), !value.contains("${"), !value.contains(#"\\"#), !value.hasSuffix(#"\"#) {
            return "'\(value)'"
        }
        if bytes.isDisjoint(with: specialInDoubleQuotes) { return "\"\(value)\"" }
        return nil
    }

    private static let lineEnds = Set("\n\r".utf8)
    private static let specialInDoubleQuotes = Set("\"\\$`".utf8)
}
