import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker clock freeze|set|advance|resume|show …`
struct ClockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clock",
        abstract: "Have the time of emulated resources stand still, or move it.",
        discussion: """
            Expiry, timeouts of blocking commands, delays, the time that workers have and the ids of streams follow. \
            Clients that wait are answered as their time is over. How long a client may rest ("timeout") is of real time. \
            Without a name all resources of the lease are meant \
            inside of "broker test", elsewhere all of the workspace.

            Examples:
              broker clock freeze cache
              broker clock advance 30s cache queue
              broker clock set 2030-01-01T00:00:00Z cache
              broker clock resume cache
            """,
        subcommands: [
            ClockFreezeCommand.self, ClockSetCommand.self, ClockAdvanceCommand.self, ClockResumeCommand.self,
            ClockShowCommand.self,
        ])

    /// Asks, and shows what time it is then.
    fileprivate static func perform(
        _ action: ClockRequest.Action, _ resources: [String], to: Int64? = nil, by: Int64? = nil,
        _ options: CommonOptions, _ invocation: Invocation
    ) async throws -> Int32 {
        let meant = TestResources(environment: invocation.environment)
        let request = ClockRequest(
            resources: resources.map(meant.reference), lease: meant.lease, action: action, to: to, by: by)
        let document = try await invocation.withRunningDaemon {
            try await $0.moveClock(request, in: invocation.workspace)
        }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        var table = Table("RESOURCE", "TIME", "CLOCK")
        for reading in document.resources {
            table.add(reading.resource, MomentArgument.text(reading.time), reading.frozen ? "frozen" : "running")
        }
        invocation.console.table(table)
        return 0
    }
}

struct ClockFreezeCommand: BrokerVerb {
    static let configuration = CommandConfiguration(commandName: "freeze", abstract: "Have time stand still.")

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await ClockCommand.perform(.freeze, resources, options, invocation)
    }
}

struct ClockResumeCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Have time go on from where it is.")

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await ClockCommand.perform(.resume, resources, options, invocation)
    }
}

struct ClockShowCommand: BrokerVerb {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show what time it is.")

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await ClockCommand.perform(.show, resources, options, invocation)
    }
}

struct ClockAdvanceCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "advance", abstract: "Move time ahead; what lies between happens in its order.")

    @Argument(help: "How far: 500ms, 30s, 5m, 2h, 7d.")
    var by: DurationArgument

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await ClockCommand.perform(
            .advance, resources, by: Int64(by.milliseconds), options, invocation)
    }
}

struct ClockSetCommand: BrokerVerb {
    static let configuration = CommandConfiguration(commandName: "set", abstract: "Move time to a point.")

    @Argument(help: "When: 2030-01-01T00:00:00Z, or seconds since 1970.")
    var to: MomentArgument

    @Argument(help: "The resources.", completion: NameCompletion.resources)
    var resources: [String] = []

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        try await ClockCommand.perform(.set, resources, to: to.milliseconds, options, invocation)
    }
}
