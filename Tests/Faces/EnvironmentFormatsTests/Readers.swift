import Foundation
import Testing

/// A program that reads an environment format: what it makes of a file is the format's truth.
struct Reader: CustomTestStringConvertible {
    let name: String
    /// The program and its arguments; the file's path follows. It prints every variable as `NAME=value` and a NUL.
    let command: [String]

    var testDescription: String { name }

    /// What the reader finds in `text`, for the variables whose names begin with `T_`.
    func read(_ text: String) throws -> [String: String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reader-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "file")
        try Data(text.utf8).write(to: file)
        let output = try Self.output(of: command + [file.path])
        var variables: [String: String] = [:]
        for pair in output.split(separator: 0) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: parts[0], as: UTF8.self)
            if name.hasPrefix("T_"), parts.count == 2 { variables[name] = String(decoding: parts[1], as: UTF8.self) }
        }
        return variables
    }

    /// Whether the program is there.
    var isInstalled: Bool {
        guard let test = Self.trials[name] else { return (try? Self.output(of: command + ["/dev/null"])) != nil }
        return (try? Self.output(of: test)) != nil
    }

    static let shells = [
        Reader(name: "bash", command: ["bash", "-c", "set -a; . \"$0\"; env -0"]),
        Reader(name: "dash", command: ["dash", "-c", "set -a; . \"$0\"; env -0"]),
    ]

    /// With the libraries of the tests' requirements.
    private static let python =
        ProcessInfo.processInfo.environment["BROKER_PYTHON"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../.venv/bin/python").path

    static let dotenv =
        shells + [
            Reader(
                name: "python-dotenv",
                command: [
                    python, "-c",
                    """
                    import sys, dotenv
                    for name, value in dotenv.dotenv_values(sys.argv[1]).items():
                        sys.stdout.buffer.write(f"{name}={value}".encode() + b"\\0")
                    """,
                ])
        ] + (node.isInstalled ? [node] : [])

    /// Not of the tests' requirements: Debian 12 has an older one, which reads no such files.
    private static let node = Reader(
        name: "node",
        command: [
            "node", "-e",
            """
            const { execFileSync } = require('node:child_process')
            const show = "for (const n in process.env) process.stdout.write(n + '=' + process.env[n] + '\\\\0')"
            process.stdout.write(execFileSync(process.execPath, ['--env-file=' + process.argv[1], '-e', show]))
            """,
        ])

    /// How to find out that a reader is there, where an empty file would not tell.
    private static let trials = [
        "python-dotenv": [python, "-c", "import dotenv; dotenv.dotenv_values"],
        "node": ["node", "-e", "if (+process.versions.node.split('.')[0] < 20) process.exit(1)"],
    ]

    struct Failed: Error {
        let command: String
        let status: Int32
    }

    private static func output(of command: [String]) throws -> Data {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "X": "expanded"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failed(command: command.first ?? "", status: process.terminationStatus)
        }
        return data
    }
}
