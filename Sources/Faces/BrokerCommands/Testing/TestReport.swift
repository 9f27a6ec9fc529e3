import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a run came to, for machines.
struct TestReport: Encodable {
    enum Format: String, CaseIterable {
        /// Markdown into the file that GITHUB_STEP_SUMMARY names.
        case github
        case junit
        case json
    }

    struct Run: Encodable {
        let provider: String
        let exitCode: Int32
        let seconds: Double
        let resources: [LeasedResourceDocument]
        let leases: LeaseEndDocument?
    }

    let schema = "broker.test-report/1"
    let runs: [Run]

    init(_ outcomes: TestRun.Outcome...) {
        runs = outcomes.map {
            Run(
                provider: $0.provider, exitCode: $0.exitCode, seconds: $0.took / .seconds(1), resources: $0.resources,
                leases: $0.end)
        }
    }

    func write(_ format: Format, to file: String?, _ invocation: Invocation) throws(BrokerError) {
        switch format {
        case .json: try Self.write(try JSONDocument.text(self), to: file ?? "broker-test.json")
        case .junit: try Self.write(junit, to: file ?? "broker-test.xml")
        case .github:
            let summary = try Self.summaryFile(invocation)
            let former = (try? String(contentsOf: URL(filePath: summary), encoding: .utf8)) ?? ""
            try Self.write(former + markdown, to: summary)
        }
    }

    static func summaryFile(_ invocation: Invocation) throws(BrokerError) -> String {
        if let summary = invocation.environment["GITHUB_STEP_SUMMARY"], !summary.isEmpty { return summary }
        throw BrokerError(
            .invalidRequest, "there is no place for a GitHub report", why: "GITHUB_STEP_SUMMARY is not set",
            fix: "use --report json")
    }

    private static func write(_ text: String, to path: String) throws(BrokerError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: path))
        } catch {
            throw BrokerError(
                .invalidRequest, "cannot write the report \"\(path)\"", why: "\(error)",
                fix: "ls -ld \(ShellWord.quoted(path))")
        }
    }

    /// A suite of broker's own: a case for each run, and one for each command that is not known.
    var junit: String {
        var cases: [String] = []
        var failures = 0
        for run in runs {
            let name = "run with \(run.provider)"
            let time = TestRun.rounded(run.seconds)
            if run.exitCode == 0 {
                cases.append("  <testcase classname=\"broker.test\" name=\"\(Self.escaped(name))\" time=\"\(time)\"/>")
            } else {
                failures += 1
                cases.append(
                    "  <testcase classname=\"broker.test\" name=\"\(Self.escaped(name))\" time=\"\(time)\">"
                        + "<failure message=\"exit code \(run.exitCode)\"/></testcase>")
            }
            for (command, count) in (run.leases?.unsupported ?? [:]).sorted(by: { $0.key < $1.key }) {
                cases.append(
                    "  <testcase classname=\"broker.test\" name=\"\(Self.escaped("\(command) with \(run.provider)"))\">"
                        + "<skipped message=\"not known, asked for \(count) times\"/></testcase>")
            }
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="broker test" tests="\(cases.count)" failures="\(failures)">
            \(cases.joined(separator: "\n"))
            </testsuite>

            """
    }

    var markdown: String {
        let rows = runs.map { run in
            let unsupported = (run.leases?.unsupported ?? [:]).keys.sorted().joined(separator: ", ")
            return "| \(run.provider) | \(run.exitCode) | \(TestRun.rounded(run.seconds)) s "
                + "| \(run.leases?.leases ?? 0) | \(TestRun.rounded(run.leases?.tookP99 ?? 0)) ms "
                + "| \(run.leases?.leftOpen ?? 0) | \(unsupported.isEmpty ? "none" : unsupported) |"
        }
        return """
            ### broker test

            | provider | exit code | time | leases | lease p99 | left open | unsupported commands |
            |---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))


            """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
