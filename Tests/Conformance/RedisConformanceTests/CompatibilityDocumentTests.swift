import Foundation
import Testing

@testable import CacheEmulator

/// docs/reference/redis-compatibility.md is made of what was compared, and nothing else.
@Suite(.comparedWithRedis)
struct CompatibilityDocumentTests {
    private static let document = URL(filePath: #filePath)
        .appending(path: "../../../../docs/reference/redis-compatibility.md").standardizedFileURL

    /// The commands of a server by name; of those with subcommands only these.
    private static func names(_ reply: Reply) -> Set<String> {
        var names: Set<String> = []
        for row in reply.elements ?? [] {
            guard let fields = row.elements, let name = fields.first?.text else { continue }
            let parts = fields.count == 10 ? fields[9].elements ?? [] : []
            if parts.isEmpty { names.insert(name) } else { names.formUnion(Self.names(.array(parts))) }
        }
        return names
    }

    private static let refused = Set(
        CommandTable.shared.commands.filter { $0.flags.contains(.refused) }.map(\.name.description))

    private struct Commands {
        var there: Set<String>
        var absent: [(name: String, reason: String?)]
    }

    private func commands() throws -> Commands {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        let known = Self.names(try ours.call("COMMAND")).subtracting(Self.refused)
        let all = Self.names(try theirs.call("COMMAND"))
        let absent = all.subtracting(known).sorted().map { ($0, Absence.reason($0)) }
        return Commands(there: known, absent: absent)
    }

    @Test func `what is absent is so for a reason, and nothing is invented`() throws {
        let commands = try commands()
        for (name, reason) in commands.absent { #expect(reason != nil, "\(name) is missing without a reason") }
        let theirs = try Dialogue(version: 2).connection("A").theirs.call("COMMAND")
        let known = Self.names(theirs).union((theirs.elements ?? []).compactMap { $0.elements?.first?.text })
        let invented = commands.there.subtracting(known)
        #expect(invented.isSubset(of: Set(Deviation.all.flatMap(\.commands))), "\(invented)")
        #expect(Deviation.all.count <= 20)
    }

    /// Of a row with fewer cases than ten, why there are not more.
    private static let exempt = ["client|setinfo": "Redis 7.0 does not have it"]

    @Test func `every command has at least ten cases`() throws {
        let counts = try Self.counts()
        for name in try commands().there.sorted() where Self.exempt[name] == nil {
            let count = counts[name] ?? ComparedCases.Count()
            #expect(count.exact + count.inPart >= 10, "\(name)")
        }
    }

    private static func counts() throws -> [String: ComparedCases.Count] {
        var counts: [String: ComparedCases.Count] = [:]
        for (_, suite) in try ComparedCases.recorded {
            for (command, count) in suite { counts[command, default: ComparedCases.Count()] += count }
        }
        return counts
    }

    @Test func `the document says what was compared`() throws {
        let commands = try commands()
        let text = Self.text(commands, try Self.counts())
        if ProcessInfo.processInfo.environment["BROKER_UPDATE_GOLDEN"] == "1" {
            return try Data(text.utf8).write(to: Self.document)
        }
        let found = try? String(contentsOf: Self.document, encoding: .utf8)
        #expect(found == text, "docs/reference/redis-compatibility.md: BROKER_UPDATE_GOLDEN=1 writes it anew")
    }

    private static func text(_ commands: Commands, _ counts: [String: ComparedCases.Count]) -> String {
        let rows = commands.there.sorted().map { name -> String in
            let count = counts[name] ?? ComparedCases.Count()
            let notes = Deviation.all.enumerated().filter { $0.element.commands.contains(name) }
                .map { "[\($0.offset + 1)](#deviations)" }.joined(separator: ", ")
            let shown = name.uppercased().replacing("|", with: " ")
            let cases = count.exact + count.inPart
            return "| \(shown) | \(cases) | \(count.exact) | \(count.inPart) | \(count.random) | \(notes) |"
        }
        let deviations = Deviation.all.enumerated().map { number, deviation in
            let names = deviation.commands.map { $0.uppercased().replacing("|", with: " ") }.joined(separator: ", ")
            return "\(number + 1). \(names.isEmpty ? "" : "\(names): ")\(deviation.what). Reason: \(deviation.why)."
        }
        // Of a command without any of its subcommands, one row.
        let containers = Set(commands.there.map { $0.prefix { $0 != "|" } })
        var absent: [String] = []
        for (name, reason) in commands.absent {
            let container = name.prefix { $0 != "|" }
            let shown = containers.contains(container) ? name.replacing("|", with: " ") : String(container)
            let row = "| \(shown.uppercased()) | \(reason ?? "") |"
            if absent.last != row { absent.append(row) }
        }
        return """
            # The emulated cache and Redis 7.0

            Made by the tests from what they have compared with redis-server 7.0; not written by hand. A case is a command with
            its arguments and the state of its connection (in a transaction, subscribed, as another user), asked in RESP2 and in
            RESP3 over each driver of the daemon, with the replies of both side by side: *equal* to the byte, or equal *in part* where a reply has no order of its own or a time in it. *Random* counts the commands
            of random sequences (3,000 a family and version in every run of the tests) that had equal replies throughout. A case whose
            replies differ fails the tests, as does a command that has got fewer cases, or has fewer than ten.

            | command | cases | equal | in part | random | deviations |
            |---|---:|---:|---:|---:|---|
            \(rows.joined(separator: "\n"))

            ## Deviations

            \(deviations.joined(separator: "\n"))

            ## Not there

            These are answered with an error.

            | command | reason |
            |---|---|
            \(absent.joined(separator: "\n"))

            """
    }
}
