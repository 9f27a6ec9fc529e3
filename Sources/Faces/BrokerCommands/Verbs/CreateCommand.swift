import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker create NAME`
struct CreateCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a resource.",
        discussion: "The class follows from the names cache, db, store, queue and jobs; others need --class.")

    @Argument(help: "The resource's name.")
    var name: String

    @OptionGroup var making: MakingOptions

    @Option(
        name: .long, help: "A plan of the provider; of an emulated cache ephemeral, durable, durable-always, debug.")
    var plan: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let request = CreateRequest(
            name: try ResourceName(name).rawValue, class: making.class,
            provider: try making.document(invocation.console, name, "broker create \(name)"), plan: plan)
        let outcome = try await invocation.withDaemon("\(request.name) to be made") {
            try await $0.create(request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.created(outcome.resource, isNew: outcome.created))
        return 0
    }
}

/// How a resource is to be made, where a verb can make one.
struct MakingOptions: ParsableArguments {
    @Option(name: .long, help: "The protocol it speaks: redis, sqlite or beanstalk.")
    var `class`: String?

    @Option(name: .long, help: "Who serves it: emulator, exec:PROGRAM or a URL.")
    var provider: String?

    @Option(name: .long, help: ArgumentHelp("A file with the secret of the provider's URL; - asks.", valueName: "file"))
    var secretFile: String?

    func validate() throws {
        if secretFile != nil, provider == nil { throw ValidationError("--secret-file needs --provider with a URL") }
    }

    /// - Parameter command: the command that was typed, without these options, for a fix.
    func document(
        _ console: Console, _ resource: String, _ command: String
    ) throws(BrokerError) -> ProviderDocument? {
        guard let provider else { return nil }
        let suggested = (try? ResourceName(resource)).flatMap { ServiceClass(defaultFor: $0) }
        let option = (self.class ?? (suggested == nil ? "redis" : nil)).map { " --class \($0)" } ?? ""
        return try ProviderArgument.document(
            provider, secretFile: secretFile, console, command: "\(command)\(option) --provider")
    }
}
