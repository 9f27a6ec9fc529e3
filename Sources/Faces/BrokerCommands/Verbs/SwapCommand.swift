public import ArgumentParser
import BrokerClient
public import BrokerModel

/// `broker swap RESOURCE --to PROVIDER`
struct SwapCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "swap",
        abstract: "Put another provider behind a resource while its apps run.",
        discussion: """
            The target is checked first: when it cannot be reached, refuses the credentials, speaks another protocol \
            or is not empty, nothing has changed. The data is copied and compared while the apps go on; then their \
            connections are moved within one short pause, without being closed. URL, alias and credential of every \
            attachment stay. What is written afterwards is carried back to the former provider until the undo window \
            ends: broker rollback goes back with it.
            """)

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: ArgumentHelp("emulator, exec:PROGRAM, redis://… or unix:///…", valueName: "provider"))
    var to: String

    @Option(name: .long, help: ArgumentHelp("A file with the secret of the provider's URL; - asks.", valueName: "file"))
    var secretFile: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long requests may wait (250ms where it is not said); when it is not enough, nothing has changed.",
            valueName: "time"))
    var maxPause: DurationArgument?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Compare the copy: full, sample or none. Full up to a million keys where it is not said.",
            valueName: "extent"))
    var verify: SwapRequest.Verification?

    @Option(
        name: .long,
        help: ArgumentHelp("How long the way back is kept open (30m where it is not said).", valueName: "time"))
    var undoWindow: DurationArgument?

    @Flag(name: .long, help: "Copy no data and close the connections, at a reply boundary.")
    var cold = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        guard cold, maxPause != nil || verify != nil || undoWindow != nil else { return }
        throw ValidationError("--cold copies nothing: --max-pause, --verify and --undo-window have no meaning with it")
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let request = SwapRequest(
            to: try ProviderArgument.document(
                to, secretFile: secretFile, invocation.console, command: "broker swap \(resource) --to"),
            cold: cold ? true : nil, maxPause: maxPause?.milliseconds, verify: verify,
            undoWindow: undoWindow.map { ($0.milliseconds + 999) / 1000 })
        var outcome = try await invocation.withDaemon("\(resource) to be swapped to \(request.to.reference)") {
            try await $0.swap(resource, request, in: invocation.workspace)
        }
        outcome.undo = outcome.undo.map { WorkspaceOption.added(options.workspace, to: $0) }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.swapped(outcome))
        return 0
    }
}

extension SwapRequest.Verification: ExpressibleByArgument {}
