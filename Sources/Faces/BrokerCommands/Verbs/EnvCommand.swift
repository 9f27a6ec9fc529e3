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
            Secrets are masked, on a terminal, in a pipe and with --json, unless --for names a format:
            \(EnvironmentFormats.all.map { "  \($0.name)\(String(repeating: " ", count: 8 - $0.name.count))\($0.summary)" }
                .joined(separator: "\n"))
            """)

    @Argument(help: "The app's name.", completion: NameCompletion.apps)
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
        let chosen = try format.map { name throws(BrokerError) in try named(name) }
        let document = try await invocation.withDaemon { try await $0.environment(of: app, in: invocation.workspace) }
        let console = invocation.console
        if let chosen {
            console.data(try chosen.render(document.values))
            return 0
        }
        if names {
            console.data(document.variables.map { $0.name + "\n" }.joined())
        } else if options.json {
            try console.document(MaskedEnvironment(document))
        } else {
            var table = Table("NAME", "VALUE", "RESOURCE", yielding: [1, 0])
            for variable in document.variables { table.add(variable.name, variable.masked, variable.resource) }
            console.table(table)
        }
        return 0
    }

    private func named(_ name: String) throws(BrokerError) -> any EnvironmentFormat.Type {
        do throws(BrokerError) {
            return try EnvironmentFormats.named(name)
        } catch {
            var error = error
            error.fix = "broker env \(app) --for sh"
            throw error
        }
    }
}

/// What `broker env --json` prints: as on a terminal nothing is revealed, so there is no value to mistake for one.
struct MaskedEnvironment: Encodable {
    let schema = "broker.environment/1"
    let app: String
    let release: Int
    /// Always true: the values are got by `--for json`.
    let masked = true
    let variables: [Variable]

    /// A variable with its secret hidden.
    struct Variable: Encodable {
        let name: String
        let masked: String
        let resource: String
    }

    init(_ document: EnvironmentDocument) {
        app = document.app
        release = document.release
        variables = document.variables.map { Variable(name: $0.name, masked: $0.masked, resource: $0.resource) }
    }
}

extension EnvironmentDocument {
    /// Names to values in the clear.
    var values: [String: String] {
        Dictionary(variables.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}
