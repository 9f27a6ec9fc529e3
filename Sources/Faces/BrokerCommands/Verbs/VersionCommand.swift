import ArgumentParser
import BrokerClient
import BrokerModel

/// `broker version`
struct VersionCommand: BrokerVerb {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Show the versions of this program and of the daemon, which it does not start.")

    static let usesWorkspace = false
    @OptionGroup var options: CommonOptions

    func perform(_ invocation: Invocation) async throws -> Int32 {
        let daemon = try await runningDaemon(invocation)
        if options.json {
            try invocation.console.document(VersionsDocument(daemon: daemon))
        } else {
            invocation.console.data("broker \(BrokerVersion.current)\n")
            invocation.console.data(daemon.map { "daemon \($0.version) (pid \($0.pid))\n" } ?? "daemon not running\n")
        }
        return 0
    }
}

extension VersionCommand {
    /// Nil when none runs; one that hangs is an error.
    private func runningDaemon(_ invocation: Invocation) async throws -> VersionDocument? {
        do {
            return try await invocation.withRunningDaemon { try await $0.version() }
        } catch let error as BrokerError where error.code == .daemonNotRunning {
            return nil
        }
    }
}

/// What `broker version --json` prints; no daemon where none runs.
struct VersionsDocument: Encodable {
    let schema = "broker.versions/1"
    let version = BrokerVersion.current
    let daemon: VersionDocument?
}
