import ArgumentParser
import BrokerModel

/// `broker run APP -- CMD…`
struct RunCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run an app's process with its variables in the environment.",
        usage: "broker run <app> [<options>] [--] <command> ...",
        discussion: """
            The command gets this shell's variables and the app's; PORT is a free port where it is unset. Signals are \
            passed on. Exit code: the command's own; 128+n when signal n ended it; 125 broker's own failure, 126 not \
            executable, 127 not found.
            """)
    static let ownFailure: Int32? = RunnerVerbs.ownFailure

    @Argument(help: "The app's name.", completion: NameCompletion.apps)
    var app: String

    @Flag(name: .long, help: "Where both set a variable, keep this shell's value, not the attachment's.")
    var noOverride = false

    @OptionGroup var options: CommonOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, as they are; no shell.")
    var command: [String]

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await AppRunner(invocation: invocation, attachmentsWin: !noOverride, assignsPort: true).run(
            command, as: app)
    }
}

/// The verbs that pass a child's exit code through.
enum RunnerVerbs {
    static let names: Set<String> = ["run", "exec", "test"]
    /// Those whose first argument is an app.
    private static let ofApps: Set<String> = ["run", "exec"]
    /// The code of GNU's env, nice and timeout for their own failure.
    static let ownFailure: Int32 = 125

    /// `arguments` with a "--" before the command where none was written, so that nothing of the command is read as an
    /// option of ours: the command begins with the first word after the app that is no option.
    static func terminated(_ arguments: [String]) -> [String] {
        guard let verb = arguments.first, ofApps.contains(verb) else { return arguments }
        var hasApp = false
        var index = 1
        while index < arguments.count, arguments[index] != "--" {
            let word = arguments[index]
            if word == "--workspace" {
                index += 1
            } else if !word.hasPrefix("-") {
                guard !hasApp else { return arguments[..<index] + ["--"] + arguments[index...] }
                hasApp = true
            }
            index += 1
        }
        return arguments
    }
}
