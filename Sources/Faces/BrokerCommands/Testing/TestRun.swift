import BrokerClient
import BrokerModel
import Processes

/// One run of a command with leased resources.
struct TestRun {
    let invocation: Invocation
    let command: [String]
    var wishes: [LeaseWish]
    /// Taken in before the command runs.
    let seeds: [Seed]
    /// Who wins where this shell has set a variable already.
    let replacesVariables: Bool
    let keepsOnFailure: Bool

    struct Seed {
        let resource: String
        let path: String
    }

    /// What came of it.
    struct Outcome {
        let exitCode: Int32
        let took: Duration
        let provider: String
        let resources: [LeasedResourceDocument]
        /// Nil where the leases are kept.
        let end: LeaseEndDocument?
        /// What the tests said in the JUnit file; nil where none was asked for.
        let results: JUnitResults?
    }

    /// Leases, runs, and gives back. Throws where the broker itself fails; a program that cannot be started is reported
    /// here and is an exit code.
    ///
    /// - Parameter file: the JUnit file that the command writes.
    func perform(results file: String? = nil) async throws -> Outcome {
        let inherited = OpenDescriptors.now
        if let file { JUnitResults.remove(file) }
        return try await invocation.withDaemonAndSocket(nil) { client, socket in
            let began = ContinuousClock.now
            let held = try await client.holdLease(LeaseRequest(resources: wishes), in: invocation.workspace)
            let lease = held.document
            for seed in seeds {
                _ = try await client.seed(
                    "\(lease.id).\(seed.resource)", SeedFileRequest(path: seed.path, format: nil),
                    in: invocation.workspace)
            }
            let exitCode = await run(with: lease, client, socket, inherited)
            let took = began.duration(to: .now)
            let results = try file.map { file throws(BrokerError) in try JUnitResults.read(file) }
            let end = await giveBack(lease, exitCode, client)
            withExtendedLifetime(held) {}
            let outcome = Outcome(
                exitCode: exitCode, took: took, provider: lease.resources.first?.provider ?? "emulator",
                resources: lease.resources, end: end, results: results)
            invocation.console.narrate(outcome.summary)
            return outcome
        }
    }

    private func run(
        with lease: LeaseDocument, _ client: BrokerClient, _ socket: String, _ inherited: OpenDescriptors
    ) async -> Int32 {
        do throws(SpawnError) {
            let status = try await ForegroundProcess.run(
                command[0], Array(command.dropFirst()), environment: environment(lease, socket), inherited: inherited
            ) { identity in
                // Where it fails the command still runs; only a kill -9 of this program would leave it alone.
                _ = try? await client.guardProcess(
                    LeaseProcess(pid: identity.pid, startTime: identity.startTime), with: lease.id,
                    in: invocation.workspace)
            }
            return status.shellCode
        } catch {
            invocation.console.report(BrokerError(error), exitCode: error.exitCode, asRunner: true)
            return error.exitCode
        }
    }

    /// This shell's variables, the lease's, and what plugins need to take leases of their own under it.
    private func environment(_ lease: LeaseDocument, _ socket: String) -> [String: String] {
        var environment = ChildEnvironment.withoutKey(invocation.environment)
        for variable in lease.variables {
            let former = environment[variable.name].flatMap { $0.isEmpty ? nil : $0 }
            if let former, former != variable.value {
                invocation.console.warn(
                    replacesVariables
                        ? "\(variable.name) of this shell is replaced by the lease's"
                        : "\(variable.name) is set already and left alone (--override replaces it)")
                guard replacesVariables else { continue }
            }
            environment[variable.name] = variable.value
        }
        environment["BROKER_TEST_SOCKET"] = socket
        environment["BROKER_TEST_WORKSPACE"] = invocation.workspace.rawValue
        environment["BROKER_TEST_LEASE"] = lease.id
        environment["BROKER_TEST_SET"] = lease.resources.map { "\($0.name)=\($0.class)" }.joined(separator: ",")
        if let provider = lease.resources.first?.provider, provider != "emulator" {
            environment["BROKER_TEST_PROVIDER"] = provider
        }
        return environment
    }

    /// Gives the lease back, or keeps it; nil when it is kept.
    private func giveBack(
        _ lease: LeaseDocument, _ exitCode: Int32, _ client: BrokerClient
    ) async -> LeaseEndDocument? {
        // The command has run: whatever fails now must not have it run again.
        do throws(BrokerError) {
            guard keepsOnFailure, exitCode != 0 else {
                return try await client.endLease(lease.id, in: invocation.workspace)
            }
            let kept = try await client.keepLease(lease.id, ttl: nil, in: invocation.workspace)
            invocation.console.narrate(
                ["kept      lease \(lease.id) for \(Int(kept.endsIn ?? 0) / 60) minutes; broker lease env \(lease.id)"]
                    + lease.variables.map { "          \($0.name)=\($0.masked)" })
        } catch {
            invocation.console.warn("the lease was not given back: \(error.what)")
        }
        return nil
    }
}

extension TestRun.Outcome {
    /// One line, and one for each command that is not known.
    var summary: [String] {
        var line = "test      exit \(exitCode) in \(TestRun.seconds(took))   \(provider)"
        guard let end else { return [line] }
        line += "   \(end.leases) lease\(end.leases == 1 ? "" : "s"), p99 \(TestRun.rounded(end.tookP99)) ms"
        line += ", \(end.leftOpen) left open   \(end.requests) commands, \(end.unsupported.count) unsupported"
        return [line]
            + end.unsupported.sorted { $0.key < $1.key }.map { "          unsupported: \($0.key) (\($0.value)x)" }
    }
}

extension TestRun {
    static func seconds(_ duration: Duration) -> String { "\(rounded(duration / .seconds(1))) s" }

    /// With two digits behind the point.
    static func rounded(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        let rest = String(hundredths % 100)
        return "\(hundredths / 100).\(rest.count == 1 ? "0" : "")\(rest)"
    }
}
