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
                fix: "broker run \(app) -- COMMAND")
        }
        let app = try AppName(app).rawValue
        let inherited = OpenDescriptors.now
        let document = try await invocation.withDaemon { try await $0.environment(of: app, in: invocation.workspace) }
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
}
