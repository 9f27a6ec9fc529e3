import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker lease …`
struct LeaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Look at leases, and end them.",
        discussion: "\"broker test\" takes leases; other programs do by the HTTP API (docs/guides/testing.md).",
        subcommands: [LeaseListCommand.self, LeaseEnvCommand.self, LeaseEndCommand.self])
}

/// `broker lease ls`
struct LeaseListCommand: BrokerVerb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Show the workspace's leases.")

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let document = try await invocation.withRunningDaemon { try await $0.leases(in: invocation.workspace) }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        defer {
            for (provider, count) in document.warm.sorted(by: { $0.key < $1.key }) {
                let servers = count == 1 ? "1 server" : "\(count) servers"
                invocation.console.narrate("\(servers) of \(provider) kept ready for the next leases")
            }
        }
        guard !document.leases.isEmpty else {
            invocation.console.narrate("no leases; take some: broker test --set cache -- env")
            return 0
        }
        var table = Table("LEASE", "RESOURCES", "PROVIDER", "STATE", "PID", "ENDS IN", "CONNECTIONS", yielding: [1, 2])
        for lease in document.leases {
            let resources = lease.resources.map { "\($0.name) (\($0.class))" }.joined(separator: ", ")
            let providers = Set(lease.resources.map(\.provider)).sorted().joined(separator: ", ")
            let state = lease.kept ? "kept" : lease.held ? "held" : lease.under.map { "under \($0)" } ?? "until its end"
            table.add(
                lease.id, resources, providers, state, lease.pid.map(String.init) ?? "",
                lease.endsIn.map { "\(Int($0)) s" } ?? "", String(lease.resources.reduce(0) { $0 + $1.connections }))
        }
        invocation.console.table(table)
        return 0
    }
}

/// `broker lease env LEASE`
struct LeaseEnvCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Print a lease's variables, in the clear, for a shell to read.")

    @Argument(help: "The lease's id.")
    var lease: String

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let document = try await invocation.withRunningDaemon {
            try await $0.lease(lease, in: invocation.workspace)
        }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        for variable in document.variables {
            invocation.console.data("export \(variable.name)=\(ShellWord.quoted(variable.value ?? ""))\n")
        }
        return 0
    }
}

/// What came of several leases.
private struct LeaseEnds: Encodable {
    let schema = "broker.lease-ends/1"
    let leases: [LeaseEndDocument]
}

/// `broker lease end LEASE…`
struct LeaseEndCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End leases and remove what they have.")

    @Argument(help: "The leases' ids.")
    var leases: [String]

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let ends = try await invocation.withRunningDaemon { client in
            var ends: [LeaseEndDocument] = []
            for lease in leases {
                let end = try await client.endLease(lease, in: invocation.workspace)
                invocation.console.narrate("\(end.ended ? "ended  " : "no     ")   lease \(end.id)")
                ends.append(end)
            }
            return ends
        }
        if options.json { try invocation.console.document(LeaseEnds(leases: ends)) }
        // What is gone already is removed with success.
        return 0
    }
}
