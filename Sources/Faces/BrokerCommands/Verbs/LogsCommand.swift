import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker logs [NAME]`
struct LogsCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what happened to resources and apps.",
        discussion: "With --json: one document, with --follow one JSON object per line.")

    @Argument(help: "A resource or an app; everything when left away.", completion: NameCompletion.all)
    var name: String?

    @Flag(name: .shortAndLong, help: "Go on with what happens from now.")
    var follow = false

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("How many lines at most.", valueName: "count"))
    var last = 100

    @OptionGroup var options: CommonOptions

    func validate() throws {
        guard (0...Self.mostAtOnce).contains(last) else { throw ValidationError("-n takes 0 to 10000") }
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let console = invocation.console
        try await invocation.withDaemon(follow ? nil : "the daemon's answer") { client in
            var logs = try await client.logs(in: invocation.workspace, source: name, last: last, after: nil)
            guard follow else {
                try show(logs, on: console, asLines: !options.json)
                return
            }
            while true {
                try show(logs, on: console, asLines: true)
                try await ContinuousClock().sleep(for: .milliseconds(200))
                logs = try await client.logs(
                    in: invocation.workspace, source: name, last: Self.mostAtOnce, after: logs.cursor)
            }
        }
        return 0
    }

    /// One document, or a line for each entry: text, or with `--json` an object.
    private func show(_ logs: LogsDocument, on console: Console, asLines: Bool) throws {
        guard asLines else { return try console.document(logs) }
        let width = logs.entries.map(\.source.count).max() ?? 0
        for entry in logs.entries {
            let source = Table.onOneLine(entry.source)
            let gap = String(repeating: " ", count: max(0, width - source.count))
            console.data(
                options.json
                    ? try JSONDocument.line(entry)
                    : "\(entry.time)  \(source)\(gap)  \(Table.onOneLine(entry.message))\n")
        }
    }

    private static let mostAtOnce = 10_000
}
