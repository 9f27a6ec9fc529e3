import ArgumentParser
import BrokerModel

/// `broker exec APP -- CMD…`
struct ExecCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a one-off command, a migration or a shell, in an app's environment.",
        usage: "broker exec <app> [<options>] [--] <command> ...",
        discussion: "Like run, without PORT: it is not the app's own process.")
    static let ownFailure: Int32? = RunnerVerbs.ownFailure

    @Argument(help: "The app's name.", completion: NameCompletion.apps)
    var app: String

    @Flag(name: .long, help: "Where both set a variable, keep this shell's value, not the attachment's.")
    var noOverride = false

    @OptionGroup var options: CommonOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, as they are; no shell.")
    var command: [String]

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await AppRunner(invocation: invocation, attachmentsWin: !noOverride, assignsPort: false).run(
            command, as: app)
    }
}
