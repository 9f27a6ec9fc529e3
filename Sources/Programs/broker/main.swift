import BrokerCommands
import BrokerDaemon
import Foundation

let environment = ProcessInfo.processInfo.environment
let daemon = DaemonHook(
    run: { try await Daemon.run(flags: $0, environment: environment) },
    settings: { try Settings.document(flags: $0, environment: environment) })
let program = CommandLineProgram(
    daemon: daemon, environment: environment, directory: FileManager.default.currentDirectoryPath)
exit(await program.run(Array(CommandLine.arguments.dropFirst())))
