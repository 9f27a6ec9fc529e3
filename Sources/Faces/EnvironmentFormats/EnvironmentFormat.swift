public import BrokerModel

/// One way to write an app's environment down so that the format's readers read back the same values.
///
/// To add a format: one file with a conforming type, one line in `EnvironmentFormats.all`.
public protocol EnvironmentFormat: Sendable {
    /// What `broker env APP --for` takes.
    static var name: String { get }
    /// Who reads it, in a few words; for help.
    static var summary: String { get }
    /// The whole text, names sorted, with a newline at the end.
    ///
    /// Throws `unsupported` for a name or a value that the format's readers would read back as something else.
    static func render(_ variables: [String: String]) throws(BrokerError) -> String
}

extension EnvironmentFormat {
    /// The variables sorted by name, after a look at what no environment can carry.
    static func checked(
        _ variables: [String: String]
    ) throws(BrokerError) -> [(name: String, value: String)] {
        var sorted: [(name: String, value: String)] = []
        for name in variables.keys.sorted() {
            guard let value = variables[name] else { continue }
            guard EnvironmentFormats.isPortable(name: name) else {
                throw BrokerError(
                    .unsupported, "cannot write the variable \"\(name)\" as \(Self.name)",
                    why: "portable names are letters, digits and '_', and do not begin with a digit",
                    fix: "attach it as another alias (--as)")
            }
            guard !value.utf8.contains(0) else {
                throw BrokerError(
                    .unsupported, "cannot write the variable \"\(name)\" as \(Self.name)",
                    why: "its value has a NUL byte, which no environment can carry",
                    fix: "attach it to a provider whose URL has none")
            }
            sorted.append((name, value))
        }
        return sorted
    }
}

/// The formats that there are.
public enum EnvironmentFormats {
    /// Every format, in the order of the help text.
    public static let all: [any EnvironmentFormat.Type] = [
        DotenvFormat.self,
        JSONFormat.self,
        ShellFormat.self,
    ]

    /// Throws `invalidRequest` with the formats there are.
    public static func named(_ name: String) throws(BrokerError) -> any EnvironmentFormat.Type {
        for format in all where format.name == name { return format }
        let names = all.map { $0.name }.joined(separator: ", ")
        throw BrokerError(
            .invalidRequest, "\"\(name.prefix(80))\" is no format", why: "the formats are \(names)",
            fix: "name one of \(names)")
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`
    static func isPortable(name: String) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// Whether every reader takes the value without quotes: `[A-Za-z0-9_@%+=:,./-]*`.
    static func isPlain(_ value: String) -> Bool {
        value.utf8.allSatisfy { isLetter($0) || isDigit($0) || punctuation.contains($0) }
    }

    private static let punctuation = Set("_@%+=:,./-".utf8)

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let folded = byte | 0x20
        return folded >= UInt8(ascii: "a") && folded <= UInt8(ascii: "z")
    }
}
