import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker detach RESOURCE --from APP`
struct DetachCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take an attachment away: revoke its credential and close its connections.",
        discussion: "The resource and its data stay.")

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(
        name: .customLong("from"), help: ArgumentHelp("The app.", valueName: "app"), completion: NameCompletion.apps)
    var app: String

    @Option(name: .customLong("as"), help: ArgumentHelp("Which one, where it is attached twice.", valueName: "alias"))
    var alias: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let app = try AppName(app).rawValue
        let alias = try alias.map { alias throws(BrokerError) in try Alias(alias).rawValue }
        let outcome = try await invocation.withDaemon("\(resource) to be detached") {
            try await $0.detach(resource, from: app, alias: alias, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.detached(outcome))
        if let warning = outcome.warning { invocation.console.warn(warning) }
        return 0
    }
}
