import EventLoop
import Foundation
import Processes
import TestKit
import Testing

/// What the README shows is true: its command lines run, in their order, and print what it says.
@Suite(.serialized) struct ReadmeTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL.path

    /// A command line of a block, and what is shown below it.
    struct Example {
        let command: String
        var shown: [String]
    }

    @Test(.requires(.redisServer)) func `the sessions on its pages run as they are shown`() async throws {
        let server = try await RealServer.start(.redisServer)
        defer { Task { await server.stop() } }
        try await Broker.use { broker in
            try await broker.succeed("daemon", "start")
            try FileManager.default.createSymbolicLink(
                atPath: broker.folder.file("broker"), withDestinationPath: Broker.binary)
            // The app of the README: it knows its environment.
            let app = "import os\nassert os.environ['CACHE_URL'].startswith('redis://')\n"
            try Data(app.utf8).write(to: URL(filePath: broker.folder.file("work/app.py")))
            let examples = try Self.blocks("console").flatMap(Self.examples)
            #expect(examples.count >= 5)
            for example in examples {
                let command = example.command.replacing(
                    "localhost:6379", with: "127.0.0.1:\(try #require(server.port))")
                let outcome = try await broker.shell(command)
                #expect(outcome.exitCode == 0, "\(command): \(outcome.output)")
                if !example.shown.isEmpty {
                    #expect(Self.comparable(outcome.output) == Self.comparable(example.shown.joined(separator: "\n")))
                }
            }
        }
    }

    @Test func `the make targets that it names exist`() throws {
        let makefile = try String(contentsOfFile: Self.root + "/Makefile", encoding: .utf8)
        let commands = try Self.blocks("sh").joined().split(separator: "\n").map(String.init)
        #expect(!commands.isEmpty)
        for command in commands where !command.isEmpty {
            let words = command.split(separator: " ")
            #expect(words.first == "make", "\(command): only targets of make can be looked up")
            #expect(makefile.contains("\n\(words.dropFirst().first ?? "?"): ## "), "\(command)")
        }
    }

    @Test func `every verb and option of its list is one of the help's`() async throws {
        try await Broker.use { broker in
            let lines = try Self.blocks("").joined().split(separator: "\n")
            let uses = lines.flatMap { $0.split(separator: "   ") }.map { $0.split(separator: " ") }
                .filter { $0.first == "broker" }
            #expect(uses.count >= 14)
            for words in uses {
                let verb = String(words[1])
                let help = try await broker.succeed("help", verb)
                #expect(help.contains("USAGE: broker \(verb)"), "\(verb)")
                for option in words.compactMap({ $0.firstMatch(of: #/--[a-z][a-z-]+/#)?.output }) {
                    #expect(help.contains(option), "\(verb) \(option)")
                }
            }
        }
    }

    /// The texts between ```LANGUAGE and ```.
    private static func blocks(_ language: String) throws -> [String] {
        let text = try String(contentsOfFile: root + "/README.md", encoding: .utf8)
        let parts = text.components(separatedBy: "```")
        return stride(from: 1, to: parts.count, by: 2).compactMap { index in
            guard let end = parts[index].firstIndex(of: "\n"), parts[index][..<end] == language else { return nil }
            return String(parts[index][parts[index].index(after: end)...])
        }
    }

    /// The lines that begin with `$ `, each with what follows it.
    private static func examples(_ block: String) -> [Example] {
        var examples: [Example] = []
        for line in block.split(separator: "\n").map(String.init) {
            if line.hasPrefix("$ ") {
                examples.append(Example(command: String(line.dropFirst(2)), shown: []))
            } else if !examples.isEmpty {
                examples[examples.count - 1].shown.append(line)
            }
        }
        return examples
    }

    /// Without what differs from run to run: ports, and figures of time.
    private static func comparable(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespacesAndNewlines)
            .replacing(#/127\.0\.0\.1:[0-9]+/#, with: "127.0.0.1:PORT")
            .replacing(#/[0-9]+(\.[0-9]+)? m?s/#, with: "TIME")
    }
}

extension Broker {
    /// Runs a line of a person's shell in the work folder, `broker` and the clients' Python on its PATH; both outputs
    /// come as one.
    func shell(_ line: String) async throws -> Outcome {
        let python = ProcessInfo.processInfo.environment["BROKER_PYTHON"].map { URL(filePath: $0) }
        let path = [folder.path, python?.deletingLastPathComponent().path, environment["PATH"]]
        var variables = environment
        variables["PATH"] = path.compactMap(\.self).joined(separator: ":")
        let file = folder.file("shell-\(UUID().uuidString)")
        var command = ProcessCommand(
            "/bin/sh", ["-c", line], environment: variables, workingDirectory: folder.file("work"))
        command.output = .append(path: file)
        command.error = .append(path: file)
        let process = try ChildProcess.spawn(command)
        guard let status = await process.exit(within: .seconds(60)) else {
            await process.terminate(grace: .seconds(1))
            throw TookTooLong(verb: line)
        }
        return Outcome(
            exitCode: status.shellCode, output: try String(contentsOfFile: file, encoding: .utf8), error: "")
    }
}
