import ArgumentParser
import BrokerModel
import TestKit
import Testing

@testable import BrokerCommands

@Suite struct HelpTests {
    /// Every command, with the name of its golden file.
    private static func commands() -> [(name: String, type: any ParsableCommand.Type)] {
        var all: [(String, any ParsableCommand.Type)] = [("broker", BrokerCommand.self)]
        for command in BrokerCommand.groups.flatMap(\.subcommands) {
            all.append(("broker-\(command._commandName)", command))
            for subcommand in command.configuration.subcommands {
                all.append(("broker-\(command._commandName)-\(subcommand._commandName)", subcommand))
            }
        }
        return all
    }

    @Test(arguments: commands().map(\.name))
    func `the help page is the golden one`(name: String) throws {
        let command = try #require(Self.commands().first { $0.name == name })
        let help = BrokerCommand.helpMessage(for: command.type, columns: 100)
        try GoldenFile.expect("\(name).txt", help + "\n")
    }

    @Test func `every verb of the product's contract is there, in its group`() {
        let groups = BrokerCommand.groups.map { ($0.name, $0.subcommands.map { $0._commandName }) }
        #expect(groups.map(\.0) == ["START", "RUN", "RESOURCE", "CHANGE", "STATE", "TEST", "SERVER"])
        #expect(
            Set(groups.flatMap(\.1)) == [
                "status", "run", "exec", "env", "url", "logs", "open", "create", "destroy", "attach", "detach", "swap",
                "rollback",
                "releases", "test", "lease", "clock", "expect", "commands",
                "fault", "snapshot", "restore", "branch", "reset", "seed", "daemon", "version",
            ])
    }

    @Test func `completion scripts are made for every shell`() {
        for shell in CompletionShell.allCases {
            #expect(BrokerCommand.completionScript(for: shell).contains("attach"))
        }
    }
}

@Suite struct ExitCodeTests {
    @Test func `the exit codes are the golden table`() throws {
        let rows = ErrorCode.allCases.map { "\($0.rawValue)  exit \($0.exitCode)  HTTP \($0.httpStatus)  \($0)" }
        try GoldenFile.expect("error-codes.txt", rows.sorted().joined(separator: "\n") + "\n")
    }

    @Test func `run and exec fail with 125 and every other verb with the error's own code`() {
        for command in BrokerCommand.groups.flatMap(\.subcommands) {
            guard let verb = command as? any BrokerVerb.Type else { continue }
            #expect(verb.ownFailure == (RunnerVerbs.names.contains(verb._commandName) ? 125 : nil))
        }
    }
}
