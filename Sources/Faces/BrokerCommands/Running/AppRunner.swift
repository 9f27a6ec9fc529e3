import BrokerClient
import BrokerModel
import Processes

/// Runs a command in an app's environment and hands its exit code on.
struct AppRunner {
    let invocation: Invocation
    let attachmentsWin: Bool
    let assignsPort: Bool

    func run(_ command: [String], as app: String) async throws -> Int32 {
        guard let program = command.first else {
            throw BrokerError(
                .usage, "no command to run", why: "the command and its arguments follow \"--\"",
                fix: "broker \(assignsPort ? "run" : "exec") \(app) -- env")
        }
        let app = try AppName(app).rawValue
        let inherited = OpenDescriptors.now
        let document = try await invocation.withDaemon(nil) { client in
            let document = try await client.environment(of: app, in: invocation.workspace)
            try await waitUntilServed(app, client)
            return document
        }
        var environment = ChildEnvironment(
            inherited: invocation.environment, app: document.values, attachmentsWin: attachmentsWin)
        for warning in environment.warnings { invocation.console.warn(warning) }
        if assignsPort, let port = try environment.assignPort(FreePort.find) {
            invocation.console.narrate("running   \(app) v\(document.release)   PORT=\(port)")
        }
        do throws(SpawnError) {
            let status = try await ForegroundProcess.run(
                program, Array(command.dropFirst()), environment: environment.variables, inherited: inherited)
            return status.shellCode
        } catch {
            invocation.console.report(BrokerError(error), exitCode: error.exitCode, asRunner: true)
            return error.exitCode
        }
    }

    /// Returns when everything that the app is attached to serves. Throws `serverUnreachable` where a stranger has the
    /// port, who would be handed the app's credential, and where a resource has not come up within `patience`.
    private func waitUntilServed(_ app: String, _ client: BrokerClient) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        var hasTold = false
        while true {
            let status = try await client.status(in: invocation.workspace)
            let attached = Set(status.apps.first { $0.name == app }?.attachments.map(\.resource) ?? [])
            guard let missing = status.resources.first(where: { attached.contains($0.name) && $0.state != "ready" })
            else { return }
            let waited = began.duration(to: clock.now)
            guard missing.state != "port-taken", waited < Self.patience else {
                throw BrokerError(
                    .serverUnreachable, "\"\(missing.name)\", which \"\(app)\" is attached to, does not serve",
                    why: "\(missing.state)\(missing.detail.map { ": \($0)" } ?? "")", fix: "broker logs \(missing.name)"
                )
            }
            if !hasTold, waited > .milliseconds(500) {
                hasTold = true
                invocation.console.narrate("waiting   for \(missing.name): \(missing.detail ?? missing.state)")
            }
            try await clock.sleep(for: .milliseconds(20))
        }
    }

    private static let patience = Duration.seconds(10)
}
