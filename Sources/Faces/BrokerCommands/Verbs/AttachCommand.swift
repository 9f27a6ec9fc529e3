import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker attach RESOURCE --to APP`
struct AttachCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Attach a resource to an app; make the resource if it is missing.",
        discussion:
            "The app's next process gets ALIAS_URL, and the class's usual variable if it is the first of its class.")

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: ArgumentHelp("The app.", valueName: "app"), completion: NameCompletion.apps)
    var to: String

    @Option(name: .customLong("as"), help: ArgumentHelp("The prefix of its variables.", valueName: "alias"))
    var alias: String?

    @OptionGroup var making: MakingOptions

    @Flag(name: .long, help: "Hand out the provider's own address: no live swap, nothing in the path.")
    var direct = false

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let app = try AppName(to).rawValue
        let alias = try alias.map { alias throws(BrokerError) in try Alias(alias).rawValue }
        let command = "broker attach \(resource) --to \(app)" + (alias.map { " --as \($0)" } ?? "")
        let request = AttachRequest(
            resource: resource, app: app, alias: alias, class: making.class,
            provider: try making.document(invocation.console, resource, command), direct: direct)
        let outcome = try await invocation.withDaemon("\(request.resource) to be attached") {
            try await $0.attach(request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.attached(outcome))
        return 0
    }
}
