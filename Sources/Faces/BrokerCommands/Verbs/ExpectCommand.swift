import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker expect RESOURCE …`
struct ExpectCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "expect",
        abstract: "Check what a resource holds; exits 1 where it is something else.",
        discussion: """
            Examples:
              broker expect cache --key greeting --equals hello --within 2s
              broker expect cache --key seen --length 3
              broker expect queue --queue jobs --ready 3
              broker expect db --query 'SELECT count(*) FROM orders' --equals 2
            """)

    @Argument(help: "The resource's name.", completion: NameCompletion.resources)
    var resource: String

    @Option(name: .long, help: "A key of a redis resource.")
    var key: String?

    @Option(name: .long, help: "A field of the hash at the key.")
    var field: String?

    @Option(name: .customLong("queue"), help: ArgumentHelp("A tube of a beanstalk resource.", valueName: "tube"))
    var tube: String?

    @Option(name: .long, help: ArgumentHelp("A query of a sqlite resource, for one value.", valueName: "sql"))
    var query: String?

    @Option(name: .long, help: "The value that it is to have.")
    var equals: String?

    @Flag(name: .long, inversion: .prefixedNo, help: "It is to be there, or not.")
    var exists: Bool?

    @Option(name: .long, help: "How many elements, or bytes of a string.")
    var length: Int?

    @Option(name: .long, help: "How many jobs are ready.")
    var ready: Int?

    @Option(name: .long, help: "How many jobs are reserved.")
    var reserved: Int?

    @Option(name: .long, help: "How many jobs are delayed.")
    var delayed: Int?

    @Option(name: .long, help: "How many jobs are buried.")
    var buried: Int?

    @Option(name: .long, help: "How long it may take to come true: 500ms, 2s.")
    var within: DurationArgument?

    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let request = ExpectRequest(
            key: key, field: field, tube: tube, query: query, equals: equals, exists: exists, length: length,
            ready: ready, reserved: reserved, delayed: delayed, buried: buried, within: within?.milliseconds)
        let name = TestResources(environment: invocation.environment).reference(resource)
        let document = try await invocation.withRunningDaemon(nil) {
            try await $0.expect(request, of: name, in: invocation.workspace)
        }
        if options.json {
            try invocation.console.document(document)
        } else if document.met {
            invocation.console.narrate("as expected: \(document.expected)")
        } else {
            invocation.console.report(
                BrokerError(
                    .expectationFailed, "not as expected: \(document.expected)", why: "it is \(document.saw)",
                    fix: nil),
                exitCode: 1, asRunner: false)
        }
        return document.met ? 0 : 1
    }
}
