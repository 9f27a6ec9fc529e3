import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker releases APP`
struct ReleasesCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "releases", abstract: "List an app's releases, newest first.")

    @Argument(help: "The app's name.", completion: NameCompletion.apps)
    var app: String

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let app = try AppName(app).rawValue
        let document = try await invocation.withDaemon { try await $0.releases(of: app, in: invocation.workspace) }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        var table = Table("RELEASE", "CREATED", "DESCRIPTION", "VARIABLES", yielding: [3, 2])
        for release in document.releases {
            table.add("v\(release.version)", release.createdAt, release.description, release.changes)
        }
        invocation.console.table(table)
        return 0
    }
}

extension ReleaseEntry {
    /// `+CACHE_URL ~REDIS_URL -OLD_URL`
    fileprivate var changes: String {
        (added.map { "+\($0)" } + changed.map { "~\($0)" } + removed.map { "-\($0)" }).joined(separator: " ")
    }
}
