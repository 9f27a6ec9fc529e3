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

    @Option(
        name: .long,
        help: ArgumentHelp("emulator, exec:PROGRAM, redis://…, rediss://… or unix:///…", valueName: "provider"))
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

    @Flag(name: .long, help: "Remove what the target's database holds before the copy.")
    var overwrite = false

    @Flag(name: .long, help: "Use the data that the target holds, and copy none.")
    var adopt = false

    @Flag(
        name: .long,
        help: "Shut direct attachments out at the pause; their apps get the target's URL with a restart.")
    var fence = false

    @Flag(name: .long, help: "Say what the swap would do and what stands against it, and change nothing.")
    var planOnly = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if [cold, overwrite, adopt].count(where: { $0 }) > 1 {
            throw ValidationError("--cold, --overwrite and --adopt exclude each other")
        }
        if adopt, verify != nil || undoWindow != nil {
            throw ValidationError("--adopt copies nothing: --verify and --undo-window have no meaning with it")
        }
        guard cold, maxPause != nil || verify != nil || undoWindow != nil else { return }
        throw ValidationError("--cold copies nothing: --max-pause, --verify and --undo-window have no meaning with it")
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let request = SwapRequest(
            to: try ProviderArgument.document(
                to, secretFile: secretFile, invocation.console, command: "broker swap \(resource) --to"),
            cold: cold ? true : nil, maxPause: maxPause?.milliseconds, verify: verify,
            undoWindow: undoWindow.map { ($0.milliseconds + 999) / 1000 },
            existing: overwrite ? .overwrite : adopt ? .adopt : nil, fence: fence ? true : nil)
        if planOnly { return try await plan(resource, request, invocation) }
        let progress = { @Sendable in await Self.progress(of: resource, invocation) }
        var outcome = try await invocation.console.watching(progress) {
            try await invocation.withDaemon("\(resource) to be swapped to \(request.to.reference)") {
                try await $0.swap(resource, request, in: invocation.workspace)
            }
        }
        outcome.undo = outcome.undo.map { WorkspaceOption.added(options.workspace, to: $0) }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.swapped(outcome))
        return 0
    }

    /// How far the swap is, over a connection of its own; nil where that is not known.
    private static func progress(of resource: String, _ invocation: Invocation) async -> String? {
        guard let socket = DaemonFinder(places: invocation.places).socket else { return nil }
        let client = BrokerClient(socket: socket)
        let status = try? await client.status(in: invocation.workspace)
        await client.close()
        let swap = status?.resources.first { $0.name == resource }?.swap
        return swap.map { "          \(Narration.progress($0))" }
    }

    /// Exits as the swap would where something stands against it.
    private func plan(_ resource: String, _ request: SwapRequest, _ invocation: Invocation) async throws -> Int32 {
        let plan = try await invocation.withDaemon("\(resource) to be looked at") {
            try await $0.planSwap(resource, request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(plan) }
        invocation.console.narrate(Narration.planned(plan))
        return plan.problems.first?.code.exitCode ?? 0
    }
}

extension SwapRequest.Verification: ExpressibleByArgument {}
