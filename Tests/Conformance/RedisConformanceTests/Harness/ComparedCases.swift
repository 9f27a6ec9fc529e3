import Foundation
import Synchronization
import Testing

/// What has been compared with the real server, command by command: the source of docs/reference/redis-compatibility.md.
///
/// A case is one line of a test, with its arguments; every one is asked in RESP2 and RESP3, of the emulator on each driver.
enum ComparedCases {
    /// Of one command in one suite.
    struct Count: Codable, Equatable {
        /// Hand-picked lines whose replies are equal to the byte.
        var exact = 0
        /// Hand-picked lines that are compared in part: order, type, first word of an error.
        var inPart = 0
        /// Commands of random sequences.
        var random = 0

        static func += (sum: inout Count, more: Count) {
            sum.exact += more.exact
            sum.inPart += more.inPart
            sum.random += more.random
        }
    }

    private struct Seen {
        var exact: Set<String> = []
        var inPart: Set<String> = []
        var unequal: Set<String> = []
        var random = 0

        var count: Count {
            Count(
                exact: exact.subtracting(inPart).subtracting(unequal).count,
                inPart: inPart.subtracting(unequal).count, random: random)
        }
    }

    /// The suite that the running test is of.
    @TaskLocal static var suite = ""

    private static let seen = Mutex<[String: [String: Seen]]>([:])

    static func note(_ line: String, _ arguments: [[UInt8]], _ rule: Step.Rule, isEqual: Bool, isRandom: Bool) {
        guard let name = name(of: arguments) else { return }
        seen.withLock { seen in
            var command = seen[suite]?[name] ?? Seen()
            if isRandom {
                command.random += 1
            } else if !isEqual {
                command.unequal.insert(line)
            } else if case .exactly = rule {
                command.exact.insert(line)
            } else {
                command.inPart.insert(line)
            }
            seen[suite, default: [:]][name] = command
        }
    }

    /// Commands whose second word names what they do.
    private static let containers: Set<String> = [
        "acl", "client", "command", "config", "function", "latency", "memory", "object", "pubsub", "script", "slowlog",
        "xgroup", "xinfo", "cluster", "module",
    ]

    /// Of a command as Redis writes it in COMMAND DOCS, `client|kill`; nil for what is no name.
    private static func name(of arguments: [[UInt8]]) -> String? {
        let words = arguments.prefix(2).map { String(decoding: $0, as: UTF8.self).lowercased() }
        guard let first = words.first, first.allSatisfy({ $0.isASCII && ($0.isLetter || "_-".contains($0)) }) else {
            return nil
        }
        guard containers.contains(first), words.count == 2,
            words[1].allSatisfy({ $0.isASCII && $0.isLetter || $0 == "-" })
        else { return first }
        return "\(first)|\(words[1])"
    }

    // MARK: the record

    private static let file = URL(filePath: #filePath).appending(path: "../../../compared.json").standardizedFileURL

    /// By suite and command, as committed.
    static var recorded: [String: [String: Count]] {
        get throws {
            guard let data = try? Data(contentsOf: file) else { return [:] }
            return try JSONDecoder().decode([String: [String: Count]].self, from: data)
        }
    }

    private static var isWriting: Bool { ProcessInfo.processInfo.environment["BROKER_UPDATE_GOLDEN"] == "1" }

    /// A suite is over: what was compared is written down, or is not less than what is. A run of some of its tests says
    /// nothing.
    static func check(_ suite: String, sourceLocation: SourceLocation) throws {
        let counts = seen.withLock { $0[suite] ?? [:] }.mapValues(\.count)
        var recorded = try recorded
        if isWriting {
            recorded[suite] = counts
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            return try encoder.encode(recorded).write(to: file, options: .atomic)
        }
        guard !CommandLineOfRun.isOfSomeTests else { return }
        for (command, before) in (recorded[suite] ?? [:]).sorted(by: { $0.key < $1.key }) {
            let now = counts[command] ?? Count()
            guard now.exact < before.exact || now.exact + now.inPart < before.exact + before.inPart else { continue }
            Issue.record(
                """
                \(command) has got worse: \(now.exact) cases are equal and \(now.inPart) in part, \(before.exact) and \
                \(before.inPart) are recorded (BROKER_UPDATE_GOLDEN=1 records these)
                """, sourceLocation: sourceLocation)
        }
    }
}

private enum CommandLineOfRun {
    static var isOfSomeTests: Bool { ProcessInfo.processInfo.arguments.contains { $0 == "--filter" || $0 == "--skip" } }
}
