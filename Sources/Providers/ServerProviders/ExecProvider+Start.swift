import BrokerModel
import Processes
import ProviderKit

/// Starting a server, and finding one again that an earlier daemon has started.
extension ExecProvider {
    /// Starts the server on the data in its folder and returns when it answers. A failure leaves no process behind.
    func launch(_ request: ProvisionRequest) async throws(BrokerError) -> RunningServer {
        let files = files(of: request.backing.id)
        let program = try program(of: request.backing.provider)
        let users = DirectUsers(request.backing)
        let rules = try files.attachmentsWithUser().map { users.rules(of: $0).joined(separator: " ") }
        try files.make(secret: request.backing.secret, users: rules)
        files.removeSocket()
        var command = ProcessCommand(
            program.name, [files.configuration], environment: environment, workingDirectory: files.folder)
        command.output = .append(path: files.log)
        command.error = .append(path: files.log)
        command.newSession = true
        let child: ChildProcess
        do throws(SpawnError) {
            child = try ChildProcess.spawn(command)
        } catch {
            throw program.failure(error)
        }
        do throws(BrokerError) {
            try await request.remember(child.identity.memory)
            let facts = try await answer(of: child, program, files, login(of: request.backing))
            return RunningServer(process: .child(child), name: facts.server ?? program.name)
        } catch {
            await child.terminate(grace: .seconds(1))
            throw error
        }
    }

    /// A server of this backing that runs already and answers; nil when there is none. One that runs and does not
    /// answer is ended, so that two never write to one folder.
    func findAgain(_ request: ProvisionRequest) async throws(BrokerError) -> RunningServer? {
        guard let process = await running(request.backing) else { return nil }
        if let facts = try? await facts(login(of: request.backing)), let name = facts.server {
            try await request.remember(process.identity.memory)
            return RunningServer(process: process, name: name)
        }
        await process.terminate(grace: limits.stop)
        return nil
    }

    /// The process of a backing, whoever has started it: the one at hand, the one that was remembered, or the one that
    /// answers on the backing's socket with its secret and names its pid.
    func running(_ backing: Backing) async -> ServerProcess? {
        if let process = servers[backing.id]?.process { return process.isAlive ? process : nil }
        if let identity = ProcessIdentity(memory: backing.memory), identity.isAlive { return .adopted(identity) }
        guard let pid = try? await facts(login(of: backing)).processID else { return nil }
        return ProcessIdentity(of: pid).map(ServerProcess.adopted)
    }

    private func facts(_ login: RedisLogin) async throws(RedisProblem) -> RedisFacts {
        try await RedisAdmin.run { () throws(RedisProblem) in
            let admin = try RedisAdmin.connect(login, timeout: .seconds(2))
            return try RedisFacts.ask(admin)
        }
    }

    /// Asks again and again until the server answers, has ended, or its time is over.
    private func answer(
        of child: ChildProcess, _ program: ServerProgram, _ files: ServerFiles, _ login: RedisLogin
    ) async throws(BrokerError) -> RedisFacts {
        let clock = ContinuousClock()
        let started = clock.now
        var pause = Duration.milliseconds(2)
        while true {
            if let status = child.exitNow { throw failure(program, files, "it ended with \(status)") }
            var isLoading = false
            do throws(RedisProblem) {
                return try await facts(login)
            } catch {
                switch error {
                case .unreachable: break
                case .refused(let text) where text.hasPrefix("LOADING"): isLoading = true
                case .otherProtocol, .refused:
                    throw error.brokerError(program.name, fix: "cat \(ShellWord.quoted(files.log))")
                }
            }
            guard clock.now < started + (isLoading ? limits.loading : limits.start) else {
                throw failure(program, files, "it does not answer on its socket")
            }
            guard (try? await clock.sleep(for: pause)) != nil else { throw failure(program, files, "it was stopped") }
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private func failure(_ program: ServerProgram, _ files: ServerFiles, _ why: String) -> BrokerError {
        BrokerError(
            .serverUnreachable, "\"\(program.name)\" does not start",
            why: "\(why); the end of \(files.log):\n       \(files.logTail())",
            fix: "cat \(ShellWord.quoted(files.log))")
    }
}
