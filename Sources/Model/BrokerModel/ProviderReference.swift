/// Who is to serve a resource, as `--provider` and `--to` name it: `emulator`, `exec:redis-server`, or a URL.
public enum ProviderReference: Hashable, Sendable, CustomStringConvertible {
    /// In the daemon itself.
    case emulator
    /// A local server process: the program's name on PATH, or its absolute path.
    case exec(program: String)
    /// A server that already runs.
    case url(ProviderURL)

    /// Reads a reference; throws `invalidProvider` with what is possible.
    public init(_ text: String) throws(BrokerError) {
        if text == "emulator" {
            self = .emulator
        } else if text.hasPrefix("exec:") {
            let program = String(text.dropFirst("exec:".count))
            guard !program.isEmpty, !program.hasPrefix("-"), !program.utf8.contains(0) else {
                throw Self.invalid(text, why: "\"exec:\" is followed by a program, as in exec:redis-server")
            }
            self = .exec(program: program)
        } else if text.contains("://") {
            self = .url(try ProviderURL(text))
        } else {
            throw Self.invalid(text, why: "a provider is emulator, exec:PROGRAM or a URL (redis://…, unix:///…)")
        }
    }

    /// The reference without its secret; `init` reads it back.
    public var description: String {
        switch self {
        case .emulator: "emulator"
        case .exec(let program): "exec:\(program)"
        case .url(let url): url.description
        }
    }

    /// The reference as words of a command line that can be pasted. A secret is not repeated: it is asked for.
    public var argument: String {
        let word = ShellWord.quoted(description)
        guard case .url(let url) = self, url.secret != nil else { return word }
        return word + " --secret-file -"
    }

    static func invalid(_ text: String, why: String) -> BrokerError {
        BrokerError(
            .invalidProvider, "\"\(ProviderURL.redacted(text))\" is no provider", why: why,
            fix: text.contains("://") ? "write it as in redis://user@host:6379/0 or unix:///path?db=0" : nil)
    }
}
