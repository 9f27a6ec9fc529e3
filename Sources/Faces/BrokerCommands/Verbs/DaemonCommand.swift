import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker daemon …`
struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "Run, start or stop the per-user daemon.",
        subcommands: [DaemonRunCommand.self, DaemonStartCommand.self, DaemonStopCommand.self])
}

/// `broker daemon run`
struct DaemonRunCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Be the daemon, in the foreground; JSON log lines on stdout.",
        discussion: "SIGTERM and SIGINT end it within 5 seconds: replies are flushed, resources stop.")

    @Option(name: .long, help: ArgumentHelp("BROKER_HOME: where the state lives.", valueName: "folder"))
    var home: String?

    @Option(name: .long, help: ArgumentHelp("BROKER_PORTS: the endpoints' ports.", valueName: "first-last"))
    var ports: String?

    @Option(
        name: .long, help: ArgumentHelp("BROKER_LOG_LEVEL: trace, debug, info, warning or error.", valueName: "level"))
    var logLevel: String?

    @Option(name: .long, help: ArgumentHelp("BROKER_LEDGER_URL: sqlite:////path of the ledger.", valueName: "url"))
    var ledgerURL: String?

    @Option(
        name: .long, help: ArgumentHelp("BROKER_API_PORT: a port of 127.0.0.1 for the HTTP API.", valueName: "port"))
    var apiPort: String?

    @Option(
        name: .long,
        help: ArgumentHelp("BROKER_TOXIPROXY_PORT: a port of 127.0.0.1 for clients of Toxiproxy.", valueName: "port"))
    var toxiproxyPort: String?

    @Flag(name: .long, help: "Show every setting with its value and source, and end.")
    var printConfig = false

    static let usesWorkspace = false
    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let named = [
            "BROKER_HOME": home, "BROKER_PORTS": ports, "BROKER_LOG_LEVEL": logLevel, "BROKER_LEDGER_URL": ledgerURL,
            "BROKER_API_PORT": apiPort, "BROKER_TOXIPROXY_PORT": toxiproxyPort,
        ]
        let flags = named.compactMapValues { $0 }
        guard printConfig else {
            try await invocation.daemon.run(flags)
            return 0
        }
        let document = try invocation.daemon.settings(flags)
        if options.json {
            try invocation.console.document(document)
        } else {
            var table = Table("SETTING", "VALUE", "SOURCE", "MEANING", yielding: [3, 1])
            for setting in document.settings { table.add(setting.key, setting.value, setting.source, setting.meaning) }
            invocation.console.table(table)
        }
        return 0
    }
}

/// `broker daemon start`
struct DaemonStartCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the daemon in the background, unless it runs.")

    static let usesWorkspace = false
    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let launcher = DaemonLauncher(places: invocation.places, environment: invocation.environment)
        let (start, daemon) = try await invocation.pastEndedDaemon {
            let start = try await launcher.ensureRunning()
            return (start, try await invocation.withRunningDaemon { try await $0.version() })
        }
        if options.json { try invocation.console.document(daemon) }
        invocation.console.narrate(
            "\(start.isNew ? "started" : "running")   broker \(daemon.version), pid \(daemon.pid), home \(invocation.places.home)"
        )
        return 0
    }
}

/// `broker daemon stop`
struct DaemonStopCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the daemon and wait until its process has ended.",
        discussion: "Attachments and durable data stay: the next start brings them back on the same ports.")

    static let usesWorkspace = false
    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let pid = try await DaemonStopper(places: invocation.places).stop()
        if options.json { try invocation.console.document(StoppedDocument(pid: pid)) }
        invocation.console.narrate(pid.map { "stopped   the daemon (pid \($0))" } ?? "the daemon was not running")
        return 0
    }
}

/// What `broker daemon stop --json` prints; no pid when no daemon ran.
struct StoppedDocument: Encodable {
    let schema = "broker.stopped/1"
    let pid: Int32?
}
