public import BrokerModel

/// `export NAME='value'`: what POSIX shells read back by `eval` or `.`, every byte but NUL.
public enum ShellFormat: EnvironmentFormat {
    public static let name = "sh"
    public static let summary = "export lines for bash, dash, zsh: eval \"$(broker env APP --for sh)\""

    public static func render(_ variables: [String: String]) throws(BrokerError) -> String {
        try checked(variables).map { "export \($0.name)=\(quoted($0.value))\n" }.joined()
    }

    /// The value bare where no shell would touch it, else in single quotes, in which only the quote itself is special.
    static func quoted(_ value: String) -> String {
        if !value.isEmpty, EnvironmentFormats.isPlain(value) { return value }
        return "'" + value.replacing("'", with: "'\\''") + "'"
    }
}
