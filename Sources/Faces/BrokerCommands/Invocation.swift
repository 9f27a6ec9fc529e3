import BrokerClient
import BrokerModel

/// One run of the command line: what a verb needs beyond its own arguments.
struct Invocation: Sendable {
    let console: Console
    let environment: [String: String]
    let workspace: WorkspaceName
    private let workspaceFile: String?
    let places: BrokerPlaces
    let daemon: DaemonHook

    init(
        options: CommonOptions, console: Console, environment: [String: String], directory: String, daemon: DaemonHook
    ) throws(BrokerError) {
        self.console = console
        self.environment = environment
        self.daemon = daemon
        places = try BrokerPlaces(environment: environment)
        workspace = try WorkspaceResolution.resolve(
            option: options.workspace, environment: environment, directory: directory)
        workspaceFile = WorkspaceResolution.file(
            option: options.workspace, environment: environment, directory: directory)
    }

    /// What the `broker.yaml` that names the workspace has `broker test` lease.
    func leasesOfWorkspaceFile() throws(BrokerError) -> [WorkspaceFile.Lease] {
        guard let workspaceFile else { return [] }
        return try WorkspaceFile.read(workspaceFile).tests
    }

    /// Looks into the `broker.yaml` that names the workspace, where one does, and says what of it has no effect. Throws
    /// `invalidRequest` for one that cannot be read.
    func checkWorkspaceFile() throws(BrokerError) {
        guard let workspaceFile else { return }
        let ignored = try WorkspaceFile.read(workspaceFile).ignored
        guard !ignored.isEmpty else { return }
        console.warn("\(workspaceFile): \(ignored.joined(separator: ", ")) has no effect in this version")
    }

    /// Asks the daemon, which is started first when it does not run.
    ///
    /// - Parameter work: what a person who waits is told to wait for; nil where `body` tells it, or goes on for ever.
    func withDaemon<Value>(
        _ work: String? = "the daemon's answer", _ body: (BrokerClient) async throws -> Value
    ) async throws -> Value {
        try await withDaemonAndSocket(work) { client, _ in try await body(client) }
    }

    /// The same, for who needs to know where the daemon is.
    func withDaemonAndSocket<Value>(
        _ work: String? = "the daemon's answer", _ body: (BrokerClient, String) async throws -> Value
    ) async throws -> Value {
        let launcher = DaemonLauncher(places: places, environment: environment)
        let start = try await console.patiently("the daemon to start") { try await launcher.ensureRunning() }
        if start.isNew { console.narrate("started   the daemon (log: \(places.log))") }
        // One run of the command line is one operation, whichever daemon does it.
        let operation = OperationID.random()
        do {
            guard let work else { return try await ask(start.socket, operation, body) }
            return try await console.patiently(work) { try await ask(start.socket, operation, body) }
        } catch let error as BrokerError where error.code == .daemonEnded {
            // What was cut short is brought to its end by the next daemon, which is asked how it went.
            console.narrate("starting  the daemon again: it had ended while it worked (log: \(places.log))")
            return try await askNext(launcher, operation, body)
        }
    }

    /// Asks the daemon that comes behind one that has ended.
    private func askNext<Value>(
        _ launcher: DaemonLauncher, _ operation: OperationID, _ body: (BrokerClient, String) async throws -> Value
    ) async throws -> Value {
        try await pastEndedDaemon { try await ask(try await launcher.ensureRunning().socket, operation, body) }
    }

    /// Does it again while the daemon that it finds has ended. A process that is being killed may still take a connection.
    func pastEndedDaemon<Value>(_ body: () async throws -> Value) async throws -> Value {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(5)
        while true {
            do {
                return try await body()
            } catch let error as BrokerError
                where [.daemonNotRunning, .daemonEnded].contains(error.code) && clock.now < deadline
            {
                try await clock.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Asks the daemon; throws `daemonNotRunning` when it does not run.
    ///
    /// - Parameter work: what a person who waits is told to wait for.
    func withRunningDaemon<Value>(
        _ work: String? = "the daemon's answer", _ body: (BrokerClient) async throws -> Value
    ) async throws -> Value {
        try PrivateFolder.checkPlace(places.home)
        guard let socket = DaemonFinder(places: places).socket else { throw BrokerError.daemonNotRunning }
        guard let work else { return try await ask(socket, .random()) { client, _ in try await body(client) } }
        return try await console.patiently(work) {
            try await ask(socket, .random()) { client, _ in try await body(client) }
        }
    }

    private func ask<Value>(
        _ socket: String, _ operation: OperationID, _ body: (BrokerClient, String) async throws -> Value
    ) async throws -> Value {
        let client = BrokerClient(socket: socket, operation: operation)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(client, socket))
        } catch {
            result = .failure(error)
        }
        if let version = client.daemonVersion, version != BrokerVersion.current {
            console.warn(
                "the daemon is broker \(version), this is \(BrokerVersion.current); "
                    + "\"broker daemon stop\" lets the next verb start this one")
        }
        await client.close()
        return try result.get()
    }
}
