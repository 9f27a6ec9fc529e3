import BrokerModel
import Logging
import ProviderKit

/// Servers of `exec:` that were started ahead of need: a lease takes one instead of waiting for a start.
///
/// From the second lease of a program on as many are kept ready as are in use at once, up to `most`; one that nobody has
/// asked for in `patience` has none any more. A server is one lease's and never another's, so that no test finds what
/// one before it has left.
struct WarmServers {
    static let most = 8
    static let patience = Duration.seconds(30)

    /// A server that nobody has yet.
    struct Server {
        let backing: Backing
        let plan: Plan
        let record: LeaseRecord?
    }

    /// The servers of one program.
    struct Program {
        var ready: [Server] = []
        /// Starts what is missing.
        var refilling: Task<Void, Never>?
        /// Ends them all when their time is over.
        var end: Task<Void, Never>?
    }

    var programs: [ProviderReference: Program] = [:]
}

extension ControlPlane {
    /// A server that runs already, with what its leased resource is called; nil where none is ready. One that has ended
    /// meanwhile is started again, and is removed where it cannot be.
    func takeWarm(_ wish: LeasedWish, as resource: ResourceID) async -> ServedBacking? {
        guard case .exec = wish.provider else { return nil }
        while let server = warm.programs[wish.provider]?.ready.popLast() {
            let made = server.backing
            guard server.plan == wish.plan,
                let response = try? await provision(made, wish.serviceClass, server.plan, server.record)
            else {
                await remove(made, wish.serviceClass, server.record)
                continue
            }
            let backing = Backing(
                id: made.id, resource: resource, provider: made.provider, secret: made.secret, memory: made.memory)
            return ServedBacking(backing: backing, response: response, record: server.record)
        }
        return nil
    }

    /// Starts servers for the leases that may come next, behind whoever asks for this one.
    func keepWarm(_ wish: LeasedWish) {
        guard case .exec = wish.provider, !isStopping else { return }
        let reference = wish.provider
        let isAskedAgain = warm.programs[reference] != nil
        var program = warm.programs[reference] ?? WarmServers.Program()
        program.end?.cancel()
        program.end = Task {
            guard (try? await ContinuousClock().sleep(for: WarmServers.patience)) != nil, !Task.isCancelled else {
                return
            }
            // Else this very task would be cancelled.
            warm.programs[reference]?.end = nil
            await endWarm(reference)
        }
        if isAskedAgain, program.refilling == nil { program.refilling = Task { await refill(wish) } }
        warm.programs[reference] = program
    }

    /// How many servers of a program run that nobody has.
    var warmServers: [String: Int] {
        var counts: [String: Int] = [:]
        for (reference, program) in warm.programs where !program.ready.isEmpty {
            counts[reference.description] = program.ready.count
        }
        return counts
    }

    /// Ends them all, for the end of the daemon.
    func endWarm() async {
        for reference in Array(warm.programs.keys) { await endWarm(reference) }
    }

    private func endWarm(_ reference: ProviderReference) async {
        guard let program = warm.programs.removeValue(forKey: reference) else { return }
        program.end?.cancel()
        program.refilling?.cancel()
        for server in program.ready { await remove(server.backing, .redis, server.record) }
        await program.refilling?.value
    }

    private func refill(_ wish: LeasedWish) async {
        let reference = wish.provider
        while !Task.isCancelled, let ready = warm.programs[reference]?.ready.count, ready < wanted(reference) {
            guard let server = await start(wish) else { break }
            // Those that are ready have had their end meanwhile, or the daemon has.
            guard !Task.isCancelled, warm.programs[reference] != nil else {
                await remove(server.backing, wish.serviceClass, server.record)
                return
            }
            warm.programs[reference]?.ready.append(server)
        }
        if !Task.isCancelled { warm.programs[reference]?.refilling = nil }
    }

    /// As many as are in use, in case their users come again.
    private func wanted(_ reference: ProviderReference) -> Int {
        let used = leases.values.reduce(0) { $0 + $1.resources.count { $0.wish.provider == reference } }
        return min(max(used, 1), WarmServers.most)
    }

    private func start(_ wish: LeasedWish) async -> WarmServers.Server? {
        let id = BackingID.random()
        let backing = Backing(
            id: id, resource: ResourceID(rawValue: "warm-\(id)"), provider: wish.provider, secret: .random(),
            memory: [:])
        var record: LeaseRecord?
        do throws(BrokerError) {
            record = try LeaseRecord.begin(backing, wish.serviceClass, wish.plan, in: settings.leaseRecords)
            _ = try await provision(backing, wish.serviceClass, wish.plan, record)
            return WarmServers.Server(backing: backing, plan: wish.plan, record: record)
        } catch {
            // Whoever needs one hears the reason; here nobody waits.
            log.info("no server is kept warm", metadata: ["provider": "\(wish.provider)", "error": "\(error)"])
            await remove(backing, wish.serviceClass, record)
            return nil
        }
    }

    func provision(
        _ backing: Backing, _ serviceClass: ServiceClass, _ plan: Plan, _ record: LeaseRecord?,
        from snapshot: SnapshotID? = nil
    ) async throws(BrokerError) -> ProvisionResponse {
        try await providers.provider(for: backing.provider).provision(
            ProvisionRequest(backing: backing, serviceClass: serviceClass, plan: plan, from: snapshot) {
                memory throws(BrokerError) in try record?.remember(memory)
            })
    }
}
