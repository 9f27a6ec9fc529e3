import ArgumentParser
import BrokerClient
import BrokerModel
import EnvironmentFormats

/// `broker env APP`
struct EnvCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Show the variables that an app's next process gets.",
        discussion: """
            Secrets are masked, on a terminal and in a pipe, unless --for names a format:
            \(EnvironmentFormats.all.map { "  \($0.name)\(String(repeating: " ", count: 8 - $0.name.count))\($0.summary)" }
                .joined(separator: "\n"))
            """)

    @Argument(help: "The app's name.")
    var app: String

    @Option(name: .customLong("for"), help: ArgumentHelp("Reveal, written for this reader.", valueName: "format"))
    var format: String?

    @Flag(name: .long, help: "The names alone.")
    var names = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if [format != nil, names, options.json].count(where: { $0 }) > 1 {
            throw ValidationError("--for, --names and --json exclude each other")
        }
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let app = try AppName(app).rawValue
        let chosen = try format.map { name throws(BrokerError) in try EnvironmentFormats.named(name) }
        var document = try await invocation.withDaemon { try await $0.environment(of: app, in: invocation.workspace) }
        let console = invocation.console
        if let chosen {
            console.data(try chosen.render(document.values))
            return 0
        }
        document.mask()
        if names {
            console.data(document.variables.map { $0.name + "\n" }.joined())
        } else if options.json {
            try console.document(document)
        } else {
            var table = Table("NAME", "VALUE", "RESOURCE")
            for variable in document.variables { table.add(variable.name, variable.value, variable.resource) }
            console.table(table)
        }
        return 0
    }
}

extension EnvironmentDocument {
    /// Names to values in the clear.
    var values: [String: String] {
        Dictionary(variables.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// Forgets the values.
    mutating func mask() {
        for index in variables.indices { variables[index].value = variables[index].masked }
    }
}
