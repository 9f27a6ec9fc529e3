import BrokerClient
import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Where a verb's output goes: data to stdout, narration, warnings and errors to stderr.
///
/// With `--json` the narration is left out and an error is one JSON document, the last line of stderr: stdout carries
/// the verb's document or nothing, so that a reader of it never meets anything else.
struct Console: Sendable {
    let isQuiet: Bool
    let isJSON: Bool
    /// Whether stdout is a terminal that shows colours.
    let hasColour: Bool
    /// Columns of the terminal that stdout is; nil elsewhere: then nothing is cut.
    let width: Int?
    /// Whether stderr is a terminal, where somebody watches.
    let isTerminal: Bool
    private let hasColourOnStandardError: Bool

    init(options: CommonOptions?, arguments: [String] = [], environment: [String: String]) {
        // Arguments that could not be parsed: the flag itself says how the error is wanted.
        isJSON = options?.json ?? arguments.prefix { $0 != "--" }.contains("--json")
        isQuiet = options?.quiet ?? false
        let allowsColour = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        hasColour = allowsColour && isatty(STDOUT_FILENO) == 1
        isTerminal = isatty(STDERR_FILENO) == 1
        hasColourOnStandardError = allowsColour && isTerminal
        width = Self.columns(of: STDOUT_FILENO)
    }

    /// Writes to stdout as it is. Where it cannot be written (a full disk), the program ends: half of the data with the
    /// exit code of success would be believed. A reader that has gone is none of our business.
    func data(_ text: String) {
        let problem = Self.write(text, to: STDOUT_FILENO)
        guard problem != 0, problem != EPIPE else { return }
        report(
            BrokerError(
                .needsAttention, "the output could not be written", why: SystemError.text(problem), fix: "df -h ."),
            exitCode: ErrorCode.needsAttention.exitCode, asRunner: false)
        exit(ErrorCode.needsAttention.exitCode)
    }

    /// Writes a table to stdout.
    func table(_ table: Table) {
        data(table.lines(width: width, hasColour: hasColour).map { $0 + "\n" }.joined())
    }

    /// Writes a document to stdout.
    func document(_ document: some Encodable) throws(BrokerError) {
        data(try JSONDocument.text(document))
    }

    /// Tells a person what has happened.
    func narrate(_ lines: String...) {
        narrate(lines)
    }

    /// Tells a person what has happened.
    func narrate(_ lines: [String]) {
        guard !isQuiet, !isJSON else { return }
        Self.write(lines.map { $0 + "\n" }.joined(), to: STDERR_FILENO)
    }

    /// Tells a person what may surprise them.
    func warn(_ line: String) {
        Self.write(hasColourOnStandardError ? Colour.yellow.around("warning:") : "warning:", to: STDERR_FILENO)
        Self.write(" \(line)\n", to: STDERR_FILENO)
    }

    /// Shows the error that ends the program. A runner of other programs begins with its own name, so that its lines
    /// are told apart from the child's.
    func report(_ error: BrokerError, exitCode: Int32, asRunner: Bool) {
        if isJSON, let text = try? JSONDocument.line(ErrorDocument(error, exitCode: exitCode)) {
            Self.write(text, to: STDERR_FILENO)
            return
        }
        var text = error.description
        if hasColourOnStandardError, let end = text.firstIndex(of: ":") {
            text = Colour.red.around(String(text[..<end])) + text[end...]
        }
        Self.write((asRunner ? "broker: " : "") + text + "\n", to: STDERR_FILENO)
    }

    private static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }

    /// Writes all of it; returns 0, or the number of the error that ended it.
    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return errno }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}

/// The system's `write`, which the method of that name hides.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

/// The few colours there are.
enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case bold = "1"

    func around(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}
