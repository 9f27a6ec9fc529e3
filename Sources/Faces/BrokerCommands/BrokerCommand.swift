import ArgumentParser
import BrokerModel

/// `broker`: the verbs in the groups of the help text. A new verb is one file and one line here.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Attach backing services to apps behind stable endpoints, and swap them while the apps run.",
        discussion: """
            A first session:
              broker attach cache --to web
              broker run web -- python app.py
              broker swap cache --to exec:redis-server
              broker detach cache --from web

            Data goes to stdout, narration to stderr; --json prints documents instead of tables.
            Exit codes: 0 ok, 1 no, 2 usage, 3 not found, 4 conflict, 5 unreachable, 6 denied, 7 refused, \
            8 timeout, 9 failed and rolled back, 10 failed and needs attention.
            Shell completions: broker --generate-completion-script bash (or zsh, fish).
            """,
        version: "broker \(BrokerVersion.current)",
        groupedSubcommands: groups)

    static let groups = [
        CommandGroup(name: "START", subcommands: [StatusCommand.self]),
        CommandGroup(
            name: "RUN",
            subcommands: [
                RunCommand.self, ExecCommand.self, EnvCommand.self, URLCommand.self, LogsCommand.self, OpenCommand.self,
            ]),
        CommandGroup(
            name: "RESOURCE",
            subcommands: [CreateCommand.self, DestroyCommand.self, AttachCommand.self, DetachCommand.self]),
        CommandGroup(name: "CHANGE", subcommands: [SwapCommand.self, RollbackCommand.self, ReleasesCommand.self]),
        CommandGroup(
            name: "STATE",
            subcommands: [
                SnapshotCommand.self, RestoreCommand.self, BranchCommand.self, ResetCommand.self, SeedCommand.self,
            ]),
        CommandGroup(
            name: "TEST",
            subcommands: [
                TestCommand.self, LeaseCommand.self, ClockCommand.self, FaultCommand.self, ExpectCommand.self,
                CommandsCommand.self,
            ]),
        CommandGroup(name: "SERVER", subcommands: [DaemonCommand.self, VersionCommand.self]),
    ]
}

/// What a verb of the command line is to the program that runs it.
protocol BrokerVerb: ParsableCommand {
    var options: CommonOptions { get }

    /// What the process exits with when the broker itself fails; nil takes the error's own code. Verbs that pass a
    /// child's exit code through have a code of their own, which a child seldom uses.
    static var ownFailure: Int32? { get }

    /// Whether it works on a workspace, whose file is looked at then.
    static var usesWorkspace: Bool { get }

    /// Does it. Returns the exit code.
    func perform(_ invocation: Invocation) async throws -> Int32
}

extension BrokerVerb {
    static var ownFailure: Int32? { nil }
    static var usesWorkspace: Bool { true }
}

/// The options that every verb takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Use this workspace instead of the folder's.", valueName: "name"))
    var workspace: String?

    @Flag(name: .long, help: "Print one JSON document; errors are one on stderr.")
    var json = false

    @Flag(name: .shortAndLong, help: "No narration on stderr; errors and warnings stay.")
    var quiet = false
}
