import ArgumentParser
import BrokerModel

/// The command line from arguments to exit code.
public struct CommandLineProgram: Sendable {
    private let daemon: DaemonHook
    private let environment: [String: String]
    private let directory: String

    /// - Parameters:
    ///   - daemon: what `broker daemon run` runs.
    ///   - environment: the process's variables.
    ///   - directory: where the process is, as an absolute path.
    public init(daemon: DaemonHook, environment: [String: String], directory: String) {
        self.daemon = daemon
        self.environment = environment
        self.directory = directory
    }

    /// Runs the verb that `arguments` (without the program's name) ask for, and returns what to exit with.
    public func run(_ arguments: [String]) async -> Int32 {
        var command: any ParsableCommand
        do {
            command = try BrokerCommand.parseAsRoot(Self.withNegatives(RunnerVerbs.terminated(arguments)))
        } catch {
            return report(unparsed: error, arguments)
        }
        guard let verb = command as? any BrokerVerb else {
            // `broker`, `broker daemon`, `broker help …`: they show a help page.
            do {
                try command.run()
                return 0
            } catch {
                return report(unparsed: error, arguments)
            }
        }
        return await perform(verb)
    }

    /// A time or a duration that is negative is taken for an option else, and what is behind it for the time.
    static func withNegatives(_ arguments: [String]) -> [String] {
        let isNegative = { (word: String) in word.first == "-" && word.dropFirst().first?.isNumber == true }
        guard arguments.first == "clock", let place = arguments.firstIndex(where: isNegative),
            !arguments.contains("--")
        else { return arguments }
        // Options go in front: behind the mark all are words.
        var (options, words): ([String], [String]) = ([], [])
        var isValue = false
        for word in arguments[place...] {
            let isOption = !isNegative(word) && word.first == "-"
            if isOption || isValue { options.append(word) } else { words.append(word) }
            isValue = word == "--workspace"
        }
        return arguments[..<place] + options + ["--"] + words
    }

    private func perform(_ verb: some BrokerVerb) async -> Int32 {
        let console = Console(options: verb.options, environment: environment)
        do {
            let invocation = try Invocation(
                options: verb.options, console: console, environment: environment, directory: directory, daemon: daemon)
            if type(of: verb).usesWorkspace { try invocation.checkWorkspaceFile() }
            return try await verb.perform(invocation)
        } catch {
            var error =
                error as? BrokerError
                ?? BrokerError(
                    .internalFailure, "this should not have happened", why: "\(error)",
                    fix: "report it, with what was typed and these lines")
            error.fix = error.fix.map { WorkspaceOption.added(verb.options.workspace, to: $0) }
            let exitCode = type(of: verb).ownFailure ?? error.code.exitCode
            console.report(error, exitCode: exitCode, asRunner: type(of: verb).ownFailure != nil)
            return exitCode
        }
    }

    /// Help and versions go to stdout; everything else is a usage error.
    private func report(unparsed error: any Error, _ arguments: [String]) -> Int32 {
        let console = Console(options: nil, arguments: arguments, environment: environment)
        let text = BrokerCommand.fullMessage(for: error)
        guard BrokerCommand.exitCode(for: error) != .success else {
            console.data(text.hasSuffix("\n") ? text : text + "\n")
            return 0
        }
        let runner = arguments.first { !$0.hasPrefix("-") }.flatMap { RunnerVerbs.names.contains($0) ? $0 : nil }
        let exitCode = runner == nil ? ErrorCode.usage.exitCode : RunnerVerbs.ownFailure
        let usage = UsageError(message: BrokerCommand.message(for: error), fullMessage: text)
        console.report(usage.brokerError, exitCode: exitCode, asRunner: runner != nil)
        return exitCode
    }
}

/// What the argument parser says about arguments that it cannot take, in the four parts of a broker error.
struct UsageError {
    let message: String
    /// The parser's text: message, help and usage lines.
    let fullMessage: String

    var brokerError: BrokerError {
        let lines = fullMessage.split(separator: "\n").map { $0.drop { $0 == " " } }
        let usage = lines.first { $0.hasPrefix("Usage: ") }.map { "usage: " + $0.dropFirst("Usage: ".count) }
        // "  See 'broker attach --help' for more information."
        let help = lines.first { $0.hasPrefix("See '") }.map { $0.dropFirst("See '".count).prefix { $0 != "'" } }
        var what = message.hasSuffix(".") ? String(message.dropLast()) : message
        if let first = what.first { what = first.lowercased() + what.dropFirst() }
        if what.isEmpty { what = "cannot understand the arguments" }
        return BrokerError(.usage, what, why: usage ?? "", fix: help.map(String.init) ?? "broker --help")
    }
}
