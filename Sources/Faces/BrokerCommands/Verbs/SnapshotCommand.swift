import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker snapshot create|ls|rm …`
struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep what emulated resources hold, at one instant.",
        discussion: """
            It costs next to nothing: what is kept is shared with the resource until that is written to. Snapshots \
            last as long as the daemon.

            Examples:
              broker snapshot create seeded cache queue
              broker test --set cache --from seeded -- pytest
              broker restore seeded cache
            """,
        subcommands: [SnapshotCreateCommand.self, SnapshotListCommand.self, SnapshotRemoveCommand.self])

    /// Keys, jobs, or a file's bytes.
    fileprivate static func contents(_ part: SnapshotDocument.Part) -> String {
        let unit = part.class == "beanstalk" ? "jobs" : "keys"
        let items = part.items.map { "\($0) \(unit), " } ?? ""
        return "\(part.name) (\(part.class)) \(items)\(part.bytes) bytes"
    }
}

struct SnapshotCreateCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Keep what resources hold; without names what all hold.")

    @Argument(help: "What to call it; one of that name is replaced.")
    var name: String

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let meant = TestResources(environment: invocation.environment)
        let request = SnapshotCreateRequest(
            name: name, resources: resources.map(meant.reference), lease: meant.lease)
        let document = try await invocation.withRunningDaemon {
            try await $0.createSnapshot(request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        invocation.console.narrate(
            ["kept      snapshot \(document.name)"]
                + document.resources.map { "          " + SnapshotCommand.contents($0) })
        return 0
    }
}

struct SnapshotListCommand: BrokerVerb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Show the workspace's snapshots.")

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let document = try await invocation.withRunningDaemon { try await $0.snapshots(in: invocation.workspace) }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        guard !document.snapshots.isEmpty else {
            invocation.console.narrate("no snapshots; keep one: broker snapshot create seeded")
            return 0
        }
        var table = Table("SNAPSHOT", "TIME", "CONTENTS", yielding: [2])
        for snapshot in document.snapshots {
            let contents = snapshot.resources.map(SnapshotCommand.contents).joined(separator: "; ")
            table.add(snapshot.name, snapshot.time, contents)
        }
        invocation.console.table(table)
        return 0
    }
}

struct SnapshotRemoveCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Forget a snapshot; what has begun with it keeps what it has.")

    @Argument(help: "The snapshot.")
    var name: String

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let document = try await invocation.withRunningDaemon {
            try await $0.removeSnapshot(name, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        invocation.console.narrate("removed   snapshot \(document.name)")
        return 0
    }
}

/// `broker restore SNAPSHOT [RESOURCE…]`
struct RestoreCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Have resources go back to a snapshot; clients stay connected.",
        discussion: "Without names all resources go back that the snapshot has. Example: broker restore seeded cache")

    @Argument(help: "The snapshot.")
    var snapshot: String

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let meant = TestResources(environment: invocation.environment)
        let request = RestoreSnapshotRequest(resources: resources.map(meant.reference), lease: meant.lease)
        let document = try await invocation.withRunningDaemon("the resources to go back") {
            try await $0.restore(snapshot, request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        invocation.console.narrate("restored  snapshot \(document.name)")
        return 0
    }
}

/// `broker branch SNAPSHOT NAME`
struct BranchCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "branch",
        abstract: "Make a resource that begins with a snapshot.",
        discussion: "Nothing is copied until one of them is written to. Example: broker branch seeded cache2")

    @Argument(help: "The snapshot.")
    var snapshot: String

    @Argument(help: "The name of the new resource.")
    var name: String

    @Option(name: .long, help: "The class, where the name does not suggest it.")
    var `class`: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let created = try await invocation.withRunningDaemon("the resource to be made") { client in
            let snapshots = try await client.snapshots(in: invocation.workspace)
            // The one class that the snapshot has decides where nothing else does.
            let classes = Set(
                snapshots.snapshots.first { $0.name == snapshot }?.resources.map(\.class) ?? [])
            let request = CreateRequest(
                name: name, class: self.class ?? (classes.count == 1 ? classes.first : nil), provider: nil, plan: nil,
                from: snapshot)
            return try await client.create(request, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(created) }
        invocation.console.narrate("branched  \(created.resource.name) from \(snapshot)   \(created.resource.place)")
        return 0
    }
}

/// What was reset.
private struct Resets: Encodable {
    let schema = "broker.resets/1"
    let resources: [String]
}

/// `broker reset RESOURCE…`
struct ResetCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Empty emulated resources; clients stay connected.",
        discussion: "What has begun with a snapshot goes back to that. Example: broker reset cache queue")

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String]

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let meant = TestResources(environment: invocation.environment)
        let names = try await invocation.withRunningDaemon { client in
            var names: [String] = []
            for resource in resources {
                let document = try await client.reset(meant.reference(resource), in: invocation.workspace)
                invocation.console.narrate("reset     \(document.resource)")
                names.append(document.resource)
            }
            return names
        }
        if options.json { try invocation.console.document(Resets(resources: names)) }
        return 0
    }
}

/// `broker seed RESOURCE FILE`
struct SeedCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "seed",
        abstract: "Fill an emulated resource from a file: all of it, or nothing.",
        discussion: """
            Formats, by the file's ending or --format: resp (commands as redis-cli --pipe takes them), rdb (a file of \
            redis-server), json (an object of keys and values; for a queue a job on each line), sql (statements).
            Example: broker seed cache fixtures/cache.json
            """)

    @Argument(help: "The resource.", completion: NameCompletion.resources)
    var resource: String

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(name: .long, help: "resp, rdb, json or sql.")
    var format: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let meant = TestResources(environment: invocation.environment)
        let path = file.hasPrefix("/") ? file : WorkingDirectory.current + "/" + file
        let document = try await invocation.withRunningDaemon("the seed to be taken in") {
            try await $0.seed(
                meant.reference(resource), SeedFileRequest(path: path, format: format), in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        invocation.console.narrate("seeded    \(document.resource) with \(document.items) items")
        return 0
    }
}
