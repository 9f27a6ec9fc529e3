import ArgumentParser
import BrokerModel
import Testing

@testable import BrokerCommands

@Suite struct ArgumentsTests {
    /// Arguments of `run`, and what they mean.
    struct RunCase: CustomTestStringConvertible {
        let arguments: [String]
        let command: [String]
        var keepsOwn = false
        var isQuiet = false
        var workspace: String?

        var testDescription: String { arguments.joined(separator: " ") }
    }

    @Test(arguments: [
        RunCase(arguments: ["web", "--", "ls", "-l"], command: ["ls", "-l"]),
        RunCase(arguments: ["web", "ls", "-l"], command: ["ls", "-l"]),
        RunCase(arguments: ["web", "--", "ls", "--json", "--", "-q"], command: ["ls", "--json", "--", "-q"]),
        RunCase(arguments: ["web", "ls", "--json"], command: ["ls", "--json"]),
        RunCase(arguments: ["web", "ls", "--help"], command: ["ls", "--help"]),
        RunCase(arguments: ["web", "--", "ls", "--version"], command: ["ls", "--version"]),
        RunCase(arguments: ["--no-override", "web", "--", "ls"], command: ["ls"], keepsOwn: true),
        RunCase(arguments: ["web", "--no-override", "--", "ls"], command: ["ls"], keepsOwn: true),
        RunCase(arguments: ["web", "--no-override", "ls", "-q"], command: ["ls", "-q"], keepsOwn: true),
        RunCase(
            arguments: ["web", "-q", "--workspace", "w", "--", "ls"], command: ["ls"], isQuiet: true, workspace: "w"),
        RunCase(arguments: ["--workspace", "w", "web", "ls"], command: ["ls"], workspace: "w"),
        RunCase(arguments: ["web", "--", "--", "x"], command: ["--", "x"]),
        RunCase(
            arguments: ["web", "--workspace=w", "ls", "--workspace", "x"], command: ["ls", "--workspace", "x"],
            workspace: "w"),
    ])
    func `run takes its own options before the command and nothing of the command's`(run: RunCase) throws {
        let command = try #require(
            try BrokerCommand.parseAsRoot(RunnerVerbs.terminated(["run"] + run.arguments)) as? RunCommand)
        #expect(command.app == "web")
        #expect(command.command == run.command)
        #expect(command.noOverride == run.keepsOwn)
        #expect(command.options.quiet == run.isQuiet)
        #expect(command.options.workspace == run.workspace)
    }

    @Test(arguments: [
        ["attach", "cache", "--to", "web"], ["attach", "cache", "--to", "web", "--as", "C", "--class", "redis"],
        ["attach", "cache", "--to", "web", "--provider", "exec:redis-server", "--direct", "--json"],
        ["detach", "cache", "--from", "web", "--as", "C"],
        ["create", "x", "--class", "redis", "--provider", "emulator"],
        ["create", "x", "--plan", "ephemeral"], ["destroy", "x"], ["destroy", "x", "--force"],
        ["env", "web"], ["env", "web", "--for", "sh"], ["env", "web", "--names"], ["url", "cache", "--app", "web"],
        ["run", "web", "--", "ls"], ["exec", "web", "--", "ls"], ["open", "db"],
        ["open", "db", "--app", "web", "--as", "DB", "--", "-json"],
        ["swap", "cache", "--to", "emulator", "--cold"],
        ["swap", "cache", "--to", "emulator", "--max-pause", "2s", "--verify", "sample", "--undo-window", "30m"],
        ["rollback", "cache", "--discard"],
        ["swap", "cache", "--to", "redis://h:1/0", "--secret-file", "f"], ["releases", "web"], ["logs"],
        ["logs", "cache", "-f", "-n", "5"], ["version"], ["status", "--json", "--workspace", "w"],
        ["daemon", "run", "--print-config"], ["daemon", "start", "--quiet"], ["daemon", "stop", "-q"],
    ])
    func `the contract's spellings parse`(arguments: [String]) throws {
        #expect(try BrokerCommand.parseAsRoot(arguments) is any BrokerVerb)
    }

    @Test(arguments: [
        ["attach"], ["attach", "cache"], ["attach", "cache", "--to"], ["detach", "cache"], ["bogus"], ["--bogus"],
        ["env", "web", "--for", "sh", "--json"], ["env", "web", "--names", "--for", "sh"], ["logs", "-n", "-1"],
        ["logs", "-n", "x"], ["create", "x", "--secret-file", "f"], ["status", "extra"], ["url", "cache"],
    ])
    func `a wrong usage exits 2 with the four parts`(arguments: [String]) throws {
        let error = #expect(throws: (any Error).self) { try BrokerCommand.parseAsRoot(arguments) }
        let usage = UsageError(
            message: error.map { BrokerCommand.message(for: $0) } ?? "",
            fullMessage: error.map { BrokerCommand.fullMessage(for: $0) } ?? ""
        ).brokerError
        #expect(usage.code.exitCode == 2)
        #expect(!usage.what.isEmpty)
        #expect(usage.why.hasPrefix("usage: broker"))
        #expect(usage.fix?.hasSuffix("--help") == true)
    }

    @Test(arguments: [["advance", "-5s", "cache"], ["advance", "-5s"]])
    func `a negative duration is named as what is wrong`(arguments: [String]) {
        let error = #expect(throws: (any Error).self) {
            try BrokerCommand.parseAsRoot(CommandLineProgram.withNegatives(["clock"] + arguments))
        }
        #expect(error.map { BrokerCommand.message(for: $0) }?.contains("'-5s'") == true)
    }

    @Test func `a negative time is one`() throws {
        let arguments = CommandLineProgram.withNegatives(["clock", "set", "-5", "cache"])
        let command = try #require(try BrokerCommand.parseAsRoot(arguments) as? ClockSetCommand)
        #expect(command.to.milliseconds == -5000 && command.resources == ["cache"])
        let more = CommandLineProgram.withNegatives([
            "clock", "set", "-1", "cache", "--json", "--workspace", "w", "other",
        ])
        let other = try #require(try BrokerCommand.parseAsRoot(more) as? ClockSetCommand)
        #expect(other.to.milliseconds == -1000 && other.resources == ["cache", "other"])
        #expect(other.options.json && other.options.workspace == "w")
    }
}
