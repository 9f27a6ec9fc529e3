import ArgumentParser
import BrokerClient
import BrokerModel
import Processes

/// `broker open RESOURCE`
struct OpenCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open the class's own shell on a resource: sqlite3, redis-cli.",
        discussion: "A redis shell logs in as an app; --app may be left away where only one is attached.")

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: "The app whose attachment is used.", completion: NameCompletion.apps)
    var app: String?

    @Option(name: .customLong("as"), help: ArgumentHelp("Which one, where it is attached twice.", valueName: "alias"))
    var alias: String?

    @OptionGroup var options: CommonOptions

    @Argument(parsing: .postTerminator, help: "Further arguments for the shell, after \"--\".")
    var arguments: [String] = []

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = try ResourceName(resource).rawValue
        let app = try app.map { app throws(BrokerError) in try AppName(app).rawValue }
        let alias = try alias.map { alias throws(BrokerError) in try Alias(alias).rawValue }
        let inherited = OpenDescriptors.now
        let shell = try await invocation.withDaemon { client in
            let status = try await client.status(in: invocation.workspace)
            let resource = try status.resource(name)
            guard resource.class != "sqlite" else { return try ResourceShell(file: resource) }
            let user = try app ?? status.onlyApp(of: name)
            let document = try await client.environment(of: user, in: invocation.workspace)
            let url = try document.url(
                of: name, alias: alias, command: "broker open \(name) --app \(user)",
                resources: status.resources.map(\.name))
            return try ResourceShell(resource: resource, url: url)
        }
        do throws(SpawnError) {
            return try await ForegroundProcess.run(
                shell.program, shell.arguments + arguments,
                environment: invocation.environment.merging(shell.variables) { $1 }, inherited: inherited
            ).shellCode
        } catch {
            guard case .notFound = error else { throw BrokerError(error) }
            throw BrokerError(
                .programNotFound, "\"\(shell.program)\" is not installed",
                why: "it is the shell of class \(shell.serviceClass)", fix: shell.installation)
        }
    }
}

/// The program that talks to a resource, with its arguments; secrets go into its environment, never into its arguments.
struct ResourceShell: Equatable {
    let serviceClass: String
    let program: String
    let arguments: [String]
    let variables: [String: String]
    /// How the program is installed.
    let installation: String

    /// The shell of a resource that is a file.
    init(file resource: ResourceStatus) throws(BrokerError) {
        guard let path = resource.path else {
            throw BrokerError(
                .internalFailure, "\"\(resource.name)\" has no file", why: "its state is \(resource.state)",
                fix: "broker logs \(resource.name)")
        }
        serviceClass = resource.class
        program = "sqlite3"
        arguments = [path]
        variables = [:]
        installation = "apt-get install sqlite3"
    }

    /// The shell of a resource behind `url`.
    init(resource: ResourceStatus, url: String) throws(BrokerError) {
        guard resource.class == "redis" else {
            throw BrokerError(
                .unsupported, "there is no shell for \"\(resource.name)\"",
                why: "class \(resource.class) has no common command-line client", fix: "broker status")
        }
        guard case .url(let parts) = try ProviderReference(url), case .tcp(let host, let port) = parts.place else {
            throw BrokerError(
                .unsupported, "cannot open \"\(resource.name)\"", why: "it is not reached over TCP",
                fix: "give redis-cli its socket: the path in the URL that \"broker url\" prints")
        }
        serviceClass = resource.class
        program = "redis-cli"
        arguments =
            ["-h", host, "-p", String(port), "-n", String(parts.database)]
            + (parts.user.map { ["--user", $0] } ?? [])
        variables = parts.secret.map { ["REDISCLI_AUTH": $0.reveal { $0 }] } ?? [:]
        installation = "apt-get install redis-tools"
    }
}

extension StatusDocument {
    fileprivate func resource(_ name: String) throws(BrokerError) -> ResourceStatus {
        if let resource = resources.first(where: { $0.name == name }) { return resource }
        throw BrokerError(
            .resourceNotFound, "no resource \"\(name)\"", why: "workspace \"\(workspace)\" has none of that name",
            fix: "broker status")
    }

    fileprivate func onlyApp(of resource: String) throws(BrokerError) -> String {
        let users = apps.filter { $0.attachments.contains { $0.resource == resource } }.map(\.name)
        if let only = users.first, users.count == 1 { return only }
        guard let first = users.first else {
            throw BrokerError(
                .attachmentNotFound, "no app is attached to \"\(resource)\"",
                why: "the shell logs in with an app's credential", fix: "broker attach \(resource) --to web")
        }
        throw BrokerError(
            .attachmentAmbiguous, "\(users.count) apps are attached to \"\(resource)\"",
            why: "the shell logs in as one of \(users.joined(separator: ", "))",
            fix: "broker open \(resource) --app \(first)")
    }
}
