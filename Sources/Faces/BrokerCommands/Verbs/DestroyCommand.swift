import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker destroy NAME`
struct DestroyCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Remove a resource and its data.",
        discussion: "Refused while an app is attached, unless --force detaches it. Data on a URL's server stays there.")

    @Argument(help: "The resource's name.")
    var name: String

    @Flag(name: .long, help: "Detach the apps that use it.")
    var force = false

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = try ResourceName(name).rawValue
        let outcome = try await invocation.withDaemon {
            try await $0.destroy(name, in: invocation.workspace, force: force)
        }
        if options.json { try invocation.console.document(outcome) }
        invocation.console.narrate(Narration.destroyed(outcome))
        return 0
    }
}
