import BrokerModel

/// `--workspace` in the commands that a person is given to paste: without it they would work on the folder's workspace.
enum WorkspaceOption {
    /// Verbs that know no workspace.
    private static let without: Set<Substring> = ["daemon", "version"]

    /// The text with the option in every command of broker; as it is where none was given.
    static func added(_ workspace: String?, to text: String) -> String {
        guard let workspace else { return text }
        return text.replacing(/\bbroker ([a-z]+)/) { match in
            without.contains(match.1) ? String(match.0) : "\(match.0) --workspace \(ShellWord.quoted(workspace))"
        }
    }
}
