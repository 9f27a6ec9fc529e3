import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker destroy NAME`
struct DestroyCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Remove a resource and its data.",
        discussion: """
            Refused while an app is attached or a process has its file open, unless --force. Data on a URL's server \
            stays there.
            """)

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var name: String

    @Flag(name: .long, help: "Detach the apps that use it; remove its file though it is open.")
    var force = false

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = try ResourceName(name).rawValue
        let outcome = try await invocation.withDaemon("\(name) to be removed") {
            try await $0.destroy(name, in: invocation.workspace, force: force)
        }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.destroyed(outcome))
        if let warning = outcome.warning { invocation.console.warn(warning) }
        return 0
    }
}
