import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker commands RESOURCE`
struct CommandsCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "commands",
        abstract: "Show what clients have asked of a resource since the last mark.",
        discussion: """
            The first call begins to note, --mark begins anew; it ends ten minutes behind the last call. Names and keys \
            are noted, no values.

            Examples:
              broker commands cache --mark
              broker commands cache --at-most 5
            """)

    @Argument(help: "The resource.", completion: NameCompletion.resources)
    var resource: String

    @Flag(name: .long, help: "Begin anew from now.")
    var mark = false

    @Option(name: .long, help: ArgumentHelp("Exit 1 where there were more.", valueName: "n"))
    var atMost: Int?

    @OptionGroup var options: CommonOptions

    private static let mostShown = 20

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let name = TestResources(environment: invocation.environment).reference(resource)
        let document = try await invocation.withRunningDaemon {
            try await $0.commands(CommandsRequest(mark: mark), of: name, in: invocation.workspace)
        }
        guard atMost == nil || !document.begins else {
            throw BrokerError(
                .invalidRequest, "what was asked of \"\(resource)\" was not noted until now",
                why: "there is nothing to compare with", fix: "broker commands \(resource) --mark")
        }
        let isMet = atMost.map { document.total <= $0 } ?? true
        if options.json {
            try invocation.console.document(document)
        } else {
            show(document, invocation.console)
            if let atMost, !isMet {
                invocation.console.report(
                    BrokerError(
                        .expectationFailed, "\"\(resource)\" was asked \(document.total) times",
                        why: "\(atMost) were to be the most", fix: nil),
                    exitCode: 1, asRunner: false)
            }
        }
        return isMet ? 0 : 1
    }

    private func show(_ document: CommandsDocument, _ console: Console) {
        guard document.total > 0 else {
            console.narrate(mark || document.begins ? "noting    from now" : "no commands since the last mark")
            return
        }
        var counts = Table("COMMAND", "TIMES")
        for (command, times) in document.counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            counts.add(command, String(times))
        }
        console.table(counts)
        console.data("\n")
        var last = Table("LAST", "KEYS", "CLIENT", yielding: [1])
        for entry in document.last.suffix(Self.mostShown) {
            last.add(entry.command, entry.keys.joined(separator: " "), entry.client ?? "")
        }
        console.table(last)
    }
}
