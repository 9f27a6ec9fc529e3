import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a test suite says in a JUnit file of its own: the outcome of each test by its name.
///
/// Of the XML only the tags of `testcase` and what is below them are looked at; that is the same in what pytest, Maven, Go
/// and Node's runners write.
struct JUnitResults: Equatable {
    enum Outcome: String {
        case passed, failed, skipped
    }

    private(set) var outcomes: [String: Outcome] = [:]

    static func remove(_ path: String) {
        // What is not there need not be removed; what cannot be is found to be old when the command writes no other.
        try? FileManager.default.removeItem(atPath: path)
    }

    static func read(_ path: String) throws(BrokerError) -> JUnitResults {
        guard let data = try? Data(contentsOf: URL(filePath: path)),
            let text = String(validating: data, as: UTF8.self)
        else {
            throw BrokerError(
                .invalidRequest, "the command has not written \"\(path)\"", why: "its results were to be compared",
                fix: "have it write them, as in: pytest --junitxml \(ShellWord.quoted(path))")
        }
        return JUnitResults(text)
    }

    init(_ text: String) {
        var current: String?
        for tag in Self.tags(of: text) {
            switch tag.name {
            case "testcase":
                let name = "\(tag.attribute("classname") ?? "").\(tag.attribute("name") ?? "")"
                outcomes[name] = outcomes[name] ?? .passed
                current = tag.isWhole ? nil : name
            case "/testcase": current = nil
            case "failure", "error": if let current { outcomes[current] = .failed }
            case "skipped": if let current, outcomes[current] != .failed { outcomes[current] = .skipped }
            default: break
            }
        }
    }

    private struct Tag {
        let name: Substring
        let rest: Substring

        var isWhole: Bool { rest.hasSuffix("/") }

        /// As it is written, entities and all: names are compared with others of the same writer.
        func attribute(_ key: String) -> Substring? {
            for quote in ["\"", "'"] {
                guard let start = rest.firstRange(of: " \(key)=\(quote)") else { continue }
                let value = rest[start.upperBound...]
                if let end = value.firstRange(of: quote) { return value[..<end.lowerBound] }
            }
            return nil
        }
    }

    /// The tags in their order; comments, declarations and CDATA are passed over.
    private static func tags(of text: String) -> [Tag] {
        var tags: [Tag] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "<") {
            rest = rest[open...].dropFirst()
            if rest.hasPrefix("![CDATA[") || rest.hasPrefix("!--") {
                let closing = rest.hasPrefix("!--") ? "-->" : "]]>"
                guard let end = rest.firstRange(of: closing) else { break }
                rest = rest[end.upperBound...]
                continue
            }
            let body = rest.prefix { $0 != ">" }
            let name = body.prefix { !$0.isWhitespace && ($0 != "/" || body.first == "/") }
            tags.append(Tag(name: name, rest: body.dropFirst(name.count)))
            rest = rest.dropFirst(body.count)
        }
        return tags
    }
}

/// Two runs of one suite, side by side.
struct TestComparison {
    private let first: TestRun.Outcome
    private let second: TestRun.Outcome
    private static let mostShown = 20

    init(_ first: TestRun.Outcome, _ second: TestRun.Outcome) {
        self.first = first
        self.second = second
    }

    /// The tests whose outcome differs, with both.
    var differences: [(test: String, String, String)] {
        let (one, other) = (first.results?.outcomes ?? [:], second.results?.outcomes ?? [:])
        return Set(one.keys).union(other.keys).sorted().compactMap { test in
            guard one[test] != other[test] else { return nil }
            return (test, one[test]?.rawValue ?? "absent", other[test]?.rawValue ?? "absent")
        }
    }

    var isEqual: Bool { differences.isEmpty && (first.exitCode == second.exitCode) }

    var lines: [String] {
        let tests = first.results.map { "\($0.outcomes.count) tests" } ?? "exit codes only; --results compares tests"
        let verdict = isEqual ? "equal" : "different"
        return [
            "compare   \(first.provider) exit \(first.exitCode), \(second.provider) exit \(second.exitCode): \(verdict) (\(tests))"
        ]
            + differences.prefix(Self.mostShown).map { "          \($0.test): \($0.1), then \($0.2)" }
            + (differences.count > Self.mostShown ? ["          and \(differences.count - Self.mostShown) more"] : [])
    }
}
