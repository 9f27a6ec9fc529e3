import BrokerModel
import Processes

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Runs a program in the foreground: the terminal, the streams, what else the shell has opened for it, and the process
/// group stay this process's own.
enum ForegroundProcess {
    /// Starts it, passes signals on, and returns how it ended. Of this process's descriptors it gets those that were
    /// `inherited`.
    ///
    /// - Parameter started: told of the process as soon as it runs.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String],
        inherited: OpenDescriptors, started: (ProcessIdentity) async -> Void = { _ in }
    ) async throws(SpawnError) -> ExitStatus {
        var command = ProcessCommand(program, arguments, environment: environment)
        command.input = .inherit
        command.keepsIgnoredSignals = true
        command.keepsDescriptors = true
        let signals = SignalRelay.install()
        inherited.closeOthersOnExec()
        let child = try ChildProcess.spawn(command)
        signals?.forward(to: child)
        await started(child.identity)
        return await child.exit
    }
}

extension BrokerError {
    /// A program that could not be started, named by what it is to the user.
    init(_ error: SpawnError) {
        switch error {
        case .notFound(let program):
            let isPath = program.contains("/")
            self.init(
                .programNotFound, "no program \"\(program)\"",
                why: isPath ? "there is no such file" : "it is not on PATH",
                fix: isPath
                    ? "name a file that is there"
                    : "install it, or name its path, as in ./\(program) or /usr/bin/\(program)")
        case .notExecutable(let program, let number):
            let fix =
                switch number {
                case EISDIR: "name a program: a folder cannot be run"
                case EACCES where program.contains("/"): "chmod +x \(ShellWord.quoted(program))"
                default: "run it by its interpreter, as in: -- sh \(program)"
                }
            self.init(.programNotExecutable, "\(error)", why: "the system refuses to run it", fix: fix)
        case .failed:
            self.init(.internalFailure, "cannot start the program", why: "\(error)", fix: "try again; see ulimit -a")
        }
    }
}
