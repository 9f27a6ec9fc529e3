import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker rollback RESOURCE`
struct RollbackCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to the provider that the last swap has replaced.",
        discussion: """
            What was written since the swap has been carried back to it, and goes along. Possible until the swap's \
            undo window ends, and as long as the daemon runs. Connections stay, as with the swap.
            """)

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Flag(name: .long, help: "Go back though not everything could be carried back; the rest is given up.")
    var discard = false

    @Flag(
        name: .long,
        help: "Shut direct attachments out at the pause; their apps get the former provider's URL with a restart.")
    var fence = false

    @Option(
        name: .long,
        help: ArgumentHelp("How long requests may wait (250ms where it is not said).", valueName: "time"))
    var maxPause: DurationArgument?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let request = RollbackRequest(discard: discard, maxPause: maxPause?.milliseconds, fence: fence ? true : nil)
        var outcome = try await invocation.withDaemon("\(resource) to be rolled back") {
            try await $0.rollback(resource, request, in: invocation.workspace)
        }
        outcome.undo = outcome.undo.map { WorkspaceOption.added(options.workspace, to: $0) }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.swapped(outcome))
        return 0
    }
}
