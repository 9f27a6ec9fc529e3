import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker fault add|ls|rm …`
struct FaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault",
        abstract: "Have things go wrong between a resource and its clients.",
        discussion: """
            Emulators and real servers alike; faults stay over a swap. docs/guides/faults.md shows what an app sees.

            Examples:
              broker fault add cache --command get --nth 3 --error loading
              broker fault add cache --command setex --count 1 --error readonly
              broker fault add cache --command incr --reset after --probability 0.1 --seed 42
              broker fault add cache --latency 200 --jitter 50 --for 30s
              broker fault ls cache
              broker fault rm cache f1
            """,
        subcommands: [FaultAddCommand.self, FaultListCommand.self, FaultRemoveCommand.self])

    fileprivate static func show(_ document: FaultsDocument, _ console: Console) throws(BrokerError) {
        var table = Table("FAULT", "EFFECT", "MEETS", "MATCHED", "FIRED", "LEFT", "ENDS IN", yielding: [2, 1])
        for status in document.faults {
            let fault = status.fault
            table.add(
                status.id, try effect(fault), meets(fault), String(status.matched), String(status.fired),
                status.remaining.map(String.init) ?? "", status.endsIn.map { "\($0 / 1000) s" } ?? "")
        }
        console.table(table)
    }

    private static func effect(_ fault: Fault) throws(BrokerError) -> String {
        String(try JSONDocument.line(fault.effect).dropLast())
    }

    private static func meets(_ fault: Fault) -> String {
        var words: [String] = []
        if let commands = fault.commands { words.append(commands.joined(separator: ",")) }
        if let key = fault.key { words.append("key \(key)") }
        if let client = fault.client { words.append("client \(client)") }
        if let nth = fault.nth { words.append("number \(nth)") }
        if let first = fault.first { words.append("first \(first)") }
        if let every = fault.every { words.append("every \(every)") }
        if let share = fault.probability ?? fault.toxicity { words.append("share \(share)") }
        return words.isEmpty ? "all" : words.joined(separator: ", ")
    }
}

/// `broker fault add RESOURCE …`
struct FaultAddCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a fault: what it meets, how often, and one effect.")

    @Argument(help: "The resource.", completion: NameCompletion.resources)
    var resource: String

    // What it meets.
    @Option(name: .long, help: "A command, subcommands as xgroup|create; may be given again.")
    var command: [String] = []

    @Option(name: .long, help: ArgumentHelp("A pattern of keys, or of tubes.", valueName: "glob"))
    var key: String?

    @Option(name: .long, help: ArgumentHelp("A pattern of users or client names.", valueName: "glob"))
    var client: String?

    @Option(name: .long, help: "Only this one, from 1.")
    var nth: Int?

    @Option(name: .long, help: "Only so many.")
    var first: Int?

    @Option(name: .long, help: "Every so manieth.")
    var every: Int?

    @Option(name: .long, help: "The share of commands, 0 to 1.")
    var probability: Double?

    @Option(name: .long, help: "The share of connections, 0 to 1.")
    var toxicity: Double?

    @Option(name: .long, help: "Have the same draws again.")
    var seed: UInt64?

    @Option(name: .long, help: "It is over after so many times.")
    var count: Int?

    @Option(name: .customLong("for"), help: "It is over after a time: 30s.")
    var duration: DurationArgument?

    // What it does to a command.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Answer this: loading, readonly, oom, busy, noauth, …, or a text.", valueName: "error"))
    var error: String?

    @Option(name: .long, help: "The command waits: 200ms.")
    var delay: DurationArgument?

    @Option(name: .long, help: ArgumentHelp("Close within the reply, after so many bytes.", valueName: "bytes"))
    var cut: Int?

    @Option(
        name: .long, help: "Reset the connection: before or after the command is executed.",
        transform: { try Self.word($0) })
    var reset: FaultEffect.ResetTime?

    @Flag(name: .long, help: "Execute the command and never answer.")
    var drop = false

    // What it does to a connection.
    @Option(name: .long, help: ArgumentHelp("Milliseconds by which all bytes come later.", valueName: "ms"))
    var latency: Int?

    @Option(name: .long, help: ArgumentHelp("Milliseconds around --delay or --latency.", valueName: "ms"))
    var jitter: Int = 0

    @Option(name: .long, help: ArgumentHelp("Kilobytes a second.", valueName: "kb"))
    var bandwidth: Int?

    @Option(name: .long, help: ArgumentHelp("Swallow all, close after milliseconds; 0 never.", valueName: "ms"))
    var timeout: Int?

    @Option(name: .long, help: ArgumentHelp("Reset after milliseconds.", valueName: "ms"))
    var resetPeer: Int?

    @Option(name: .long, help: ArgumentHelp("Close later by milliseconds.", valueName: "ms"))
    var slowClose: Int?

    @Option(name: .long, help: ArgumentHelp("Close behind so many bytes.", valueName: "bytes"))
    var limitData: Int?

    @Option(name: .long, help: ArgumentHelp("Bytes come in slices of this size.", valueName: "bytes"))
    var slicer: Int?

    @Option(name: .long, help: ArgumentHelp("Microseconds between the slices of --slicer.", valueName: "us"))
    var slicerDelay: Int = 0

    @Flag(name: .long, help: "Let nobody in.")
    var down = false

    @Flag(name: .long, help: "Tell who comes that there are too many clients.")
    var maxclients = false

    @Option(
        name: .long, help: "Which stream: down (to the client), or up. (default: down)",
        transform: { try Self.word($0) })
    var direction: FaultEffect.Direction?

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if jitter != 0, delay == nil, latency == nil {
            throw ValidationError("--jitter is for --delay and --latency")
        }
        if slicerDelay != 0, slicer == nil { throw ValidationError("--slicer-delay is for --slicer") }
        let streams: [Int?] = [latency, bandwidth, timeout, slowClose, limitData, slicer]
        if direction != nil, streams.allSatisfy({ $0 == nil }) {
            throw ValidationError(
                "--direction is for --latency, --bandwidth, --timeout, --slow-close, --limit-data and --slicer")
        }
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let fault = Fault(
            try effect(), commands: command.isEmpty ? nil : command, key: key, client: client, nth: nth, first: first,
            every: every, probability: probability, toxicity: toxicity, seed: seed, count: count,
            duration: duration?.milliseconds)
        let name = TestResources(environment: invocation.environment).reference(resource)
        let document = try await invocation.withRunningDaemon {
            try await $0.addFaults(FaultsRequest(faults: [fault]), to: name, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        for status in document.faults { invocation.console.narrate("added     fault \(status.id) to \(resource)") }
        return 0
    }

    private static func word<Choice: RawRepresentable & CaseIterable>(_ text: String) throws -> Choice
    where Choice.RawValue == String {
        if let choice = Choice(rawValue: text) { return choice }
        throw ValidationError("\"\(text)\" is none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// Exactly one.
    private func effect() throws(BrokerError) -> FaultEffect {
        let direction = direction ?? .down
        var effects: [FaultEffect] = []
        if let error { effects.append(.error(error)) }
        if let delay { effects.append(.delay(delay.milliseconds, jitter: jitter)) }
        if let cut { effects.append(.cut(bytes: cut)) }
        if let reset { effects.append(.reset(reset)) }
        if drop { effects.append(.drop(executed: true)) }
        if let latency { effects.append(.latency(latency, jitter: jitter, direction)) }
        if let bandwidth { effects.append(.bandwidth(bandwidth, direction)) }
        if let timeout { effects.append(.timeout(timeout, direction)) }
        if let resetPeer { effects.append(.resetPeer(resetPeer)) }
        if let slowClose { effects.append(.slowClose(slowClose, direction)) }
        if let limitData { effects.append(.limitData(bytes: limitData, direction)) }
        if let slicer { effects.append(.slicer(size: slicer, variation: 0, delay: slicerDelay, direction)) }
        if down { effects.append(.down) }
        if maxclients { effects.append(.maxClients) }
        guard effects.count == 1 else {
            throw BrokerError(
                .usage, "a fault has one effect", why: effects.isEmpty ? "none is given" : "\(effects.count) are given",
                fix: "broker fault add \(resource) --error loading")
        }
        return effects[0]
    }
}

/// `broker fault ls RESOURCE`
struct FaultListCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Show a resource's faults, and how often they have happened.")

    @Argument(help: "The resource.", completion: NameCompletion.resources)
    var resource: String

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = TestResources(environment: invocation.environment).reference(resource)
        let document = try await invocation.withRunningDaemon {
            try await $0.faults(of: name, in: invocation.workspace)
        }
        guard !options.json else {
            try invocation.console.document(document)
            return 0
        }
        guard !document.faults.isEmpty else {
            invocation.console.narrate("no faults; add one: broker fault add \(resource) --error loading --count 1")
            return 0
        }
        try FaultCommand.show(document, invocation.console)
        return 0
    }
}

/// `broker fault rm RESOURCE [FAULT]`
struct FaultRemoveCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove a fault, or all of a resource.")

    @Argument(help: "The resource.", completion: NameCompletion.resources)
    var resource: String

    @Argument(help: "The fault's id; none removes all.")
    var fault: String?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = TestResources(environment: invocation.environment).reference(resource)
        let document = try await invocation.withRunningDaemon {
            try await $0.removeFaults(fault, of: name, in: invocation.workspace)
        }
        if options.json { try invocation.console.document(document) }
        for status in document.faults {
            invocation.console.narrate("removed   fault \(status.id), which happened \(status.fired) times")
        }
        return 0
    }
}
