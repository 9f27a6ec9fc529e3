import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker status`
struct StatusCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the workspace's resources, apps and attachments.",
        discussion: "It never starts the daemon: when none runs it says so and exits 5.")

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let status = try await invocation.withRunningDaemon { try await $0.status(in: invocation.workspace) }
        let console = invocation.console
        guard !options.json else {
            try console.document(status)
            return 0
        }
        console.narrate("workspace \(status.workspace)")
        guard !status.resources.isEmpty else {
            console.narrate("no resources; make one: broker attach cache --to web")
            return 0
        }
        console.table(StatusTables.resources(status))
        let details = StatusTables.details(status)
        if !details.isEmpty { console.data("\n" + details.map { $0 + "\n" }.joined()) }
        if let apps = StatusTables.apps(status) {
            console.data("\n")
            console.table(apps)
        }
        if let unsupported = StatusTables.unsupported(status) {
            console.data("\n")
            console.table(unsupported)
        }
        return 0
    }
}

/// A status as tables.
enum StatusTables {
    private static let mostShown = 10

    static func resources(_ status: StatusDocument) -> Table {
        var table = Table(
            "RESOURCE", "CLASS", "PROVIDER", "PLAN", "STATE", "ENDPOINT", "CONNECTIONS", stateColumn: 4,
            yielding: [5, 2, 0], keeping: [5: "127.0.0.1:21000".count])
        for resource in status.resources {
            table.add(
                resource.name, resource.class, resource.provider, resource.plan,
                resource.state, resource.place, String(resource.connections))
        }
        return table
    }

    /// What a person needs to know beyond the states, a line each.
    static func details(_ status: StatusDocument) -> [String] {
        status.resources.flatMap { resource in
            let detail = resource.detail.map { "\(resource.name) is \(resource.state): \($0)" }
            let undo = resource.undo.map { undo in
                if let failure = undo.failure {
                    return "\(resource.name) was swapped from \(undo.to), which does not follow any more (\(failure)): "
                        + "broker rollback \(resource.name) --discard gives up what was written since"
                }
                return
                    "\(resource.name) was swapped from \(undo.to): broker rollback \(resource.name) goes back with what was "
                    + "written since, for \(minutes(undo.seconds)) more"
            }
            let swap = resource.swap.map { "\(resource.name) is being swapped to \($0.to): \(Narration.progress($0))" }
            let access = resource.access.map { access in
                access == "own-users"
                    ? "\(resource.name): every attachment has a user of its own at \(resource.provider)"
                    : "\(resource.name): the gateway alone guards access; the broker's user may make no others at "
                        + resource.provider
            }
            return [detail, access, swap, undo].compactMap { $0.map(Table.onOneLine) }
        }
    }

    private static func minutes(_ seconds: Int) -> String { seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min" }

    /// Nil when no app has an attachment.
    static func apps(_ status: StatusDocument) -> Table? {
        var table = Table(
            "APP", "RELEASE", "ALIAS", "RESOURCE", "MODE", "VARIABLES", "ENDPOINT", yielding: [5, 3, 2, 0])
        for app in status.apps {
            for attachment in app.attachments {
                table.add(
                    app.name, "v\(app.release)", attachment.alias, attachment.resource, attachment.mode,
                    attachment.variables.joined(separator: ", "), attachment.port.map { "127.0.0.1:\($0)" } ?? "")
            }
        }
        return table.rows.isEmpty ? nil : table
    }

    /// Nil when every command that came was known. Of a long list the most frequent ones.
    static func unsupported(_ status: StatusDocument) -> Table? {
        var table = Table("RESOURCE", "UNSUPPORTED COMMAND", "TIMES")
        for resource in status.resources {
            let sorted = resource.unsupported.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            for (command, count) in sorted.prefix(mostShown) { table.add(resource.name, command, String(count)) }
            let rest = sorted.dropFirst(mostShown)
            if !rest.isEmpty {
                table.add(
                    resource.name, "and \(rest.count) more (broker status --json)",
                    String(rest.reduce(0) { $0 + $1.value }))
            }
        }
        return table.rows.isEmpty ? nil : table
    }
}

extension ResourceStatus {
    /// Where it is reached, in one word; "per app" where every attachment has an endpoint of its own.
    var place: String {
        if let path { return path }
        if let host, let port { return "\(host):\(port)" }
        return "per app"
    }

    /// The address as a URL without credentials.
    var url: String {
        if let path { return "sqlite:///" + PercentCoding.encoded(path: path) }
        if let host, let port { return "\(self.class)://\(host):\(port)" }
        return "an endpoint per app"
    }
}
