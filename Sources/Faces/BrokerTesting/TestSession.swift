import BrokerModel
import Processes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What this process has at the daemon: one lease that its connection holds, under which all others are. When the process
/// ends, however, all of them do.
actor TestSession {
    static let shared = TestSession()

    struct Place: Sendable {
        let socket: ControlSocket
        let workspace: String
        /// The lease that is held.
        let root: String

        func target(_ segments: String...) -> String {
            let all = ["v1", "workspaces", workspace] + segments
            return all.map { "/" + PercentCoding.encoded(path: $0) }.joined()
        }
    }

    private var opening: Task<(Place, OpenConnection), any Error>?

    /// Where leases are taken; the daemon is started when it does not run.
    var place: Place {
        get async throws(BrokerError) {
            let task = opening ?? Task { try await Self.open() }
            opening = task
            do {
                return try await task.value.0
            } catch let error as BrokerError {
                opening = nil
                throw error
            } catch {
                throw BrokerError(
                    .internalFailure, "the daemon cannot be reached", why: "\(error)", fix: "broker daemon start")
            }
        }
    }

    /// The next one opens anew.
    func forget() { opening = nil }

    private static func open() async throws -> (Place, OpenConnection) {
        let environment = ProcessInfo.processInfo.environment
        let socket = ControlSocket(path: try await socketPath(environment))
        let workspace = set("BROKER_TEST_WORKSPACE", environment) ?? set("BROKER_WORKSPACE", environment) ?? "default"
        let request = LeaseRequest(
            resources: [], under: set("BROKER_TEST_LEASE", environment), ttl: LeaseRequest.longestTTL)
        let target = "/v1/workspaces/\(PercentCoding.encoded(path: workspace))/leases?hold=true"
        let (document, connection) = try await socket.hold(target, body: try JSONEncoder().encode(request))
        return (Place(socket: socket, workspace: workspace, root: document.id), connection)
    }

    private static func set(_ name: String, _ environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// That of the `broker test` that runs this process, else of the user's daemon.
    private static func socketPath(_ environment: [String: String]) async throws(BrokerError) -> String {
        if let socket = set("BROKER_TEST_SOCKET", environment) { return socket }
        let program = set("BROKER_BINARY", environment) ?? "broker"
        let command = ProcessCommand(program, ["daemon", "start", "--quiet", "--json"], environment: environment)
        let output: ProgramOutput
        do throws(SpawnError) {
            output = try await ProgramOutput.collect(command, within: .seconds(30))
        } catch {
            throw BrokerError(
                .programNotFound, "no program \"\(program)\"", why: "tests lease their resources from its daemon",
                fix: "install broker, or name it by BROKER_BINARY")
        }
        guard let version = try? JSONDecoder().decode(VersionDocument.self, from: Data(output.text.utf8)),
            let socket = version.socket
        else {
            throw BrokerError(
                .daemonNotRunning, "the daemon could not be started", why: "\(output.text.prefix(500))",
                fix: "broker daemon start")
        }
        return socket
    }
}
