import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker swap RESOURCE --to PROVIDER`
struct SwapCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "swap",
        abstract: "Put another provider behind a resource while its apps run.",
        discussion: """
            The target is checked first: when it cannot be reached, refuses the credentials or speaks another \
            protocol, nothing has changed. The swap is cold: connections are closed at a reply boundary and no data \
            is copied. URL, alias and credential of every attachment stay.
            """)

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: ArgumentHelp("emulator, exec:PROGRAM, redis://… or unix:///…", valueName: "provider"))
    var to: String

    @Option(name: .long, help: ArgumentHelp("A file with the secret of the provider's URL; - asks.", valueName: "file"))
    var secretFile: String?

    @Flag(name: .long, help: "Copy no data (the only way so far).")
    var cold = false

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let request = SwapRequest(
            to: try ProviderArgument.document(
                to, secretFile: secretFile, invocation.console, command: "broker swap \(resource) --to"))
        var outcome = try await invocation.withDaemon("\(resource) to be swapped to \(request.to.reference)") {
            try await $0.swap(resource, request, in: invocation.workspace)
        }
        outcome.undo = outcome.undo.map { WorkspaceOption.added(options.workspace, to: $0) }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.swapped(outcome))
        return 0
    }
}
