import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker test [--set NAME[=CLASS] …] -- CMD…`
struct TestCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run a test suite with resources of its own, and free them.",
        usage: "broker test [<options>] -- <command> ...",
        discussion: """
            Fresh resources are made for the run, put into the command's environment (CACHE_URL, REDIS_URL, …) and \
            freed when it ends, however it ends. They are those named by --set, else those below "test:" in \
            broker.yaml. Exit code: the command's own; 128+n when signal n ended it; 125 broker's own failure, \
            126 not executable, 127 not found; with --compare 1 where the results differ.

            Examples:
              broker test --set cache -- pytest -n 4
              broker test --set cache --provider exec:redis-server -- pytest
              broker test --set cache --compare exec:redis-server --results out.xml -- pytest --junitxml out.xml
            """)
    static let ownFailure: Int32? = RunnerVerbs.ownFailure

    @Option(
        name: .long,
        help: ArgumentHelp("Lease a resource; the class is known for cache, db, queue.", valueName: "name[=class]"))
    var set: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Have them begin with what a snapshot holds.", valueName: "snapshot"))
    var from: String?

    @Option(
        name: .customLong("seed"),
        help: ArgumentHelp("Fill one from a file before the command runs.", valueName: "name=file"))
    var seeds: [String] = []

    @Option(name: .long, help: "Who serves them: emulator, exec:redis-server or a URL.")
    var provider: String?

    @Option(name: .long, help: "The plan of emulated caches: debug has them answer DEBUG.")
    var plan: String?

    @Option(name: .long, help: ArgumentHelp("A file with the URL's secret; - is stdin.", valueName: "file"))
    var secretFile: String?

    @Option(name: .long, help: ArgumentHelp("The port of the first one, for suites that insist.", valueName: "n"))
    var port: Int?

    @Flag(name: .long, help: "Let clients in without a password, for suites that insist.")
    var noAuth = false

    @Flag(name: .long, help: "Replace variables that this shell has set already.")
    var override = false

    @Flag(name: .long, help: "When the command fails, keep the resources for an hour to look at.")
    var keepOnFailure = false

    @Option(name: .long, help: "Write a report: github, junit or json.")
    var report: TestReport.Format?

    @Option(
        name: .long,
        help: ArgumentHelp("Where the report goes, instead of broker-test.xml or .json.", valueName: "file"))
    var reportFile: String?

    @Option(
        name: .long, help: ArgumentHelp("Run a second time with this provider, and compare.", valueName: "provider"))
    var compare: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The JUnit file that the command writes, to compare test by test.", valueName: "file"))
    var results: String?

    @OptionGroup var options: CommonOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, as they are; no shell.")
    var command: [String]

    func validate() throws {
        if compare == nil, results != nil { throw ValidationError("--results is for --compare") }
        if report == nil, reportFile != nil { throw ValidationError("--report-file is for --report") }
        if secretFile != nil, provider == nil { throw ValidationError("--secret-file is for --provider") }
        if plan != nil, provider ?? "emulator" != "emulator" {
            throw ValidationError("--plan is for the emulator's caches")
        }
        if let port, !(1...65535).contains(port) { throw ValidationError("--port is 1 to 65535") }
        if report == .github, reportFile != nil {
            throw ValidationError("--report github writes to the file that GITHUB_STEP_SUMMARY names")
        }
    }

    func perform(_ invocation: Invocation) async throws -> Int32 {
        guard !command.isEmpty else {
            throw BrokerError(
                .usage, "no command to run", why: "the command and its arguments follow \"--\"",
                fix: "broker test --set cache -- env")
        }
        if report == .github { _ = try TestReport.summaryFile(invocation) }
        var run = TestRun(
            invocation: invocation, command: command, wishes: try wishes(invocation, provider, secretFile),
            seeds: try seeds.map { text throws(BrokerError) in try Self.seed(text) },
            replacesVariables: self.override, keepsOnFailure: keepOnFailure)
        guard let compare else {
            let outcome = try await run.perform()
            try report.map { try TestReport(outcome).write($0, to: reportFile, invocation) }
            return outcome.exitCode
        }
        let first = try await run.perform(results: results)
        run.wishes = try wishes(invocation, compare, nil)
        let second = try await run.perform(results: results)
        try report.map { try TestReport(first, second).write($0, to: reportFile, invocation) }
        let comparison = TestComparison(first, second)
        invocation.console.narrate(comparison.lines)
        return comparison.isEqual ? 0 : 1
    }

    /// What is to be leased: by the flags, else by the workspace's file.
    private func wishes(
        _ invocation: Invocation, _ provider: String?, _ secretFile: String?
    ) throws(BrokerError) -> [LeaseWish] {
        if port != nil || noAuth, (try? Self.wish(set.first ?? ""))?.class == "sqlite" {
            invocation.console.warn("--port and --no-auth mean nothing to a file")
        }
        let document = try provider.map { text throws(BrokerError) in
            try ProviderArgument.document(
                text, secretFile: secretFile, invocation.console, command: "broker test --set cache --provider")
        }
        var named = try set.map { text throws(BrokerError) in try Self.wish(text) }
        if named.isEmpty {
            named = try invocation.leasesOfWorkspaceFile().map { LeaseWish(name: $0.name, class: $0.serviceClass) }
        }
        guard !named.isEmpty else {
            throw BrokerError(
                .usage, "there is nothing to lease",
                why: "no --set is given, and no broker.yaml has names below \"test:\"",
                fix: "broker test --set cache -- \(command.map(ShellWord.quoted).joined(separator: " "))")
        }
        let emulator = ProviderReference.emulator.description
        for index in named.indices {
            named[index].provider = document
            named[index].from = from
            if let plan, document?.reference ?? emulator == emulator, try Self.isCache(named[index]) {
                named[index].plan = plan
            }
            if index == 0 { named[index].port = port }
            if noAuth { named[index].auth = false }
        }
        if plan != nil, document == nil, named.allSatisfy({ $0.plan == nil }) {
            throw BrokerError(
                .usage, "there is no cache for the plan", why: "--plan is for the emulator's caches",
                fix: "leave --plan away, or lease a cache: --set cache")
        }
        return named
    }

    private static func isCache(_ wish: LeaseWish) throws(BrokerError) -> Bool {
        if let name = wish.class { return name == ServiceClass.redis.rawValue }
        return try ServiceClass(defaultFor: ResourceName(wish.name)) == .redis
    }

    private static func seed(_ text: String) throws(BrokerError) -> TestRun.Seed {
        guard let sign = text.firstIndex(of: "=") else {
            throw BrokerError(
                .usage, "\"\(text.prefix(80))\" names no file", why: "a resource is seeded from a file",
                fix: "broker test --set cache --seed cache=fixtures/cache.json -- env")
        }
        let file = String(text[text.index(after: sign)...])
        return TestRun.Seed(
            resource: String(text[..<sign]),
            path: file.hasPrefix("/") ? file : WorkingDirectory.current + "/" + file)
    }

    private static func wish(_ text: String) throws(BrokerError) -> LeaseWish {
        guard let sign = text.firstIndex(of: "=") else { return LeaseWish(name: text) }
        return LeaseWish(name: String(text[..<sign]), class: String(text[text.index(after: sign)...]))
    }
}

extension TestReport.Format: ExpressibleByArgument {}
