import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker url RESOURCE --app APP`
struct URLCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "url",
        abstract: "Print the URL by which an app reaches a resource, secret included.")

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: "The app whose attachment is meant.", completion: NameCompletion.apps)
    var app: String

    @Option(name: .customLong("as"), help: ArgumentHelp("Which one, where it is attached twice.", valueName: "alias"))
    var alias: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let resource = try ResourceName(resource).rawValue
        let app = try AppName(app).rawValue
        let (document, status) = try await invocation.withDaemon { client in
            (
                try await client.environment(of: app, in: invocation.workspace),
                try await client.status(in: invocation.workspace)
            )
        }
        let alias = try alias.map { alias throws(BrokerError) in try Alias(alias).rawValue }
        let url = try document.url(
            of: resource, alias: alias, command: "broker url \(resource) --app \(app)",
            resources: status.resources.map(\.name))
        if options.json {
            try invocation.console.document(URLDocument(app: app, resource: resource, url: url))
        } else {
            invocation.console.data(url + "\n")
        }
        return 0
    }
}

/// What `broker url --json` prints.
struct URLDocument: Encodable {
    let schema = "broker.url/1"
    let app: String
    let resource: String
    let url: String
}

extension EnvironmentDocument {
    /// The URL of the app's attachment to `resource`; `alias` says which one where there are several.
    ///
    /// - Parameters:
    ///   - command: the command that was typed, without the alias, for the fix.
    ///   - resources: the names that the workspace has.
    func url(of resource: String, alias: String?, command: String, resources: [String]) throws(BrokerError) -> String {
        let urls = variables.filter { $0.resource == resource && $0.name.hasSuffix("_URL") }
        if let alias {
            if let variable = urls.first(where: { $0.name == alias + "_URL" }) { return variable.value }
        } else if let first = urls.first {
            // The usual variable (REDIS_URL) repeats an alias's value; other values are other attachments.
            guard urls.allSatisfy({ $0.value == first.value }) else {
                let names = urls.map(\.name).joined(separator: ", ")
                throw BrokerError(
                    .attachmentAmbiguous, "\"\(resource)\" is attached to \"\(app)\" more than once",
                    why: "its variables \(names) differ", fix: "\(command) --as \(first.name.dropLast("_URL".count))")
            }
            return first.value
        }
        // A resource that is there keeps its class whatever is asked for; one that is missing needs one.
        let isKnown = (try? ResourceName(resource)).flatMap { ServiceClass(defaultFor: $0) } != nil
        let making = isKnown || resources.contains(resource) ? "" : " --class redis"
        let what = alias.map { " as \"\($0)\"" } ?? ""
        throw BrokerError(
            .attachmentNotFound, "\"\(resource)\" is not attached to \"\(app)\"\(what)",
            why: "release v\(release) of \"\(app)\" has no such variable",
            fix: "broker attach \(resource) --to \(app)" + (alias.map { " --as \($0)" } ?? "") + making)
    }
}
