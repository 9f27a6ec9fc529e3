public import BrokerModel
import EventLoop
import Gateway
import Logging
import Processes
import ProviderKit

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Taking leases and giving them back. What a lease has is made by the same providers and served by the same endpoints
/// as resources of the workspace; nothing of it is in the ledger.
extension ControlPlane {
    /// Makes resources of their own for whoever asks, until the lease ends.
    ///
    /// Throws `leaseNotFound` where the lease under which it is to be is not there, `portTaken`, and whatever a provider
    /// finds wrong; then nothing is left behind.
    ///
    /// - Parameters:
    ///   - pid: the process that asks.
    ///   - isHeld: whether whoever calls ends the lease when that process goes (`leaseLost`).
    public func lease(
        _ request: LeaseRequest, in workspace: WorkspaceName, pid: Int32? = nil, isHeld: Bool = false
    ) async throws(BrokerError) -> LeaseDocument {
        let began = ContinuousClock.now
        let above = try request.under.map { id throws(BrokerError) in try found(id, in: workspace) }
        let wishes = try check(request, under: above)
        let parent = above?.id
        // One that a connection or another lease ends has no other end, unless one is asked for.
        let isBound = isHeld || parent != nil
        let ttl = try isBound && request.ttl == nil ? nil : Self.term(request.ttl)
        let turn = wishes.isEmpty || !wishes.allSatisfy(\.isInMemory) ? nil : await takeTurn(.making)
        defer { if let turn { leaseTurns.give(turn) } }
        try checkStanding(parent)
        let id = LeaseID.random()
        var lease = Lease(
            id: id, workspace: workspace, parent: parent, pid: pid, isHeld: isHeld, endsAt: ttl.map { .now + $0 })
        do throws(BrokerError) {
            for wish in wishes { lease.resources.append(try await make(wish, for: id, in: workspace)) }
            // Meanwhile the one under which it is to be may have ended, or the daemon been asked to.
            try checkStanding(parent)
        } catch {
            await remove(lease.resources)
            throw error
        }
        lease.took = began.duration(to: .now)
        if !lease.resources.isEmpty { lease.under.took = [lease.took] }
        leases[id] = lease
        endLater(id)
        return document(of: lease, revealing: true)
    }

    /// All leases of a workspace, the oldest first; secrets are masked.
    public func leases(in workspace: WorkspaceName) async -> LeasesDocument {
        var documents: [LeaseDocument] = []
        for lease in leases.values.filter({ $0.workspace == workspace }).sorted(by: { $0.madeAt < $1.madeAt }) {
            documents.append(await withStatistics(document(of: lease, revealing: false), of: lease))
        }
        return LeasesDocument(leases: documents, warm: warmServers)
    }

    /// One lease, secrets in the clear. Throws `leaseNotFound`.
    public func lease(_ id: String, in workspace: WorkspaceName) async throws(BrokerError) -> LeaseDocument {
        let lease = try found(id, in: workspace)
        return await withStatistics(document(of: lease, revealing: true), of: lease)
    }

    /// Has a lease end later, or earlier: `ttl` seconds from now. Throws `leaseNotFound`.
    public func renew(
        _ id: String, _ term: LeaseTerm, in workspace: WorkspaceName
    ) throws(BrokerError) -> LeaseDocument {
        let lease = try found(id, in: workspace)
        let ttl = try Self.term(term.ttl)
        leases[lease.id]?.endsAt = .now + ttl
        endLater(lease.id)
        return document(of: try found(id, in: workspace), revealing: true)
    }

    /// Has a lease live on when its connection ends, for `ttl` seconds, so that somebody can look at it. Throws
    /// `leaseNotFound`.
    public func keep(
        _ id: String, _ term: LeaseTerm, in workspace: WorkspaceName
    ) throws(BrokerError) -> LeaseDocument {
        let lease = try found(id, in: workspace)
        leases[lease.id]?.isKept = true
        leases[lease.id]?.process = nil
        return try renew(id, term, in: workspace)
    }

    /// Names the process that works with a lease. Throws `leaseNotFound`.
    public func guardProcess(
        _ id: String, _ process: LeaseProcess, in workspace: WorkspaceName
    ) throws(BrokerError) -> LeaseDocument {
        let lease = try found(id, in: workspace)
        leases[lease.id]?.process = process
        return document(of: lease, revealing: true)
    }

    /// Gives a lease back with all that are under it, and tells what came of them. One that has ended already is answered
    /// with `ended: false`.
    public func endLease(_ id: String, in workspace: WorkspaceName) async -> LeaseEndDocument {
        let isQuick = (try? found(id, in: workspace)).map { lease in
            // Those under it may be servers, which are given a grace.
            lease.isInMemory && !leases.values.contains { $0.parent == lease.id }
        }
        let turn = isQuick == true ? await takeTurn(.ending) : nil
        defer { if let turn { leaseTurns.give(turn) } }
        guard let lease = try? found(id, in: workspace) else { return LeaseEndDocument(id: id, ended: false) }
        return await end(lease.id).document(of: lease.id)
    }

    /// The connection that held a lease has ended: so does the lease, unless it was given back or is kept.
    public func leaseLost(_ id: String) async {
        let id = LeaseID(rawValue: id)
        guard let lease = leases[id] else { return }
        guard !lease.isKept else {
            leases[id]?.isHeld = false
            return
        }
        log.info("the holder of a lease has gone", metadata: ["lease": "\(id)"])
        await end(id)
        if let process = lease.process { await Self.end(process) }
    }

    /// All leases, for the end of the daemon.
    func endLeases() async {
        for id in leases.keys where leases[id] != nil { await end(id) }
        await endWarm()
    }

    // MARK: parts

    /// Throws `leaseNotFound` where the lease under which one is to be has ended meanwhile, or all are about to.
    private func checkStanding(_ parent: LeaseID?) throws(BrokerError) {
        if isStopping || parent.map({ leases[$0] == nil }) ?? false { throw Self.noLease(parent?.rawValue ?? "new") }
    }

    private func check(_ request: LeaseRequest, under parent: Lease?) throws(BrokerError) -> [LeasedWish] {
        guard request.resources.count <= LeaseRequest.mostResources else {
            throw BrokerError(
                .invalidRequest, "a lease cannot have \(request.resources.count) resources",
                why: "\(LeaseRequest.mostResources) are the most", fix: "take several leases")
        }
        var wishes: [LeasedWish] = []
        for wish in request.resources {
            let checked = try LeasedWish(wish, under: parent, providers)
            guard !settings.ports.contains(checked.port) else {
                throw BrokerError(
                    .portTaken, "port \(checked.port) is not for leases",
                    why: "\(settings.ports.lowerBound) to \(settings.ports.upperBound) are the resources' own",
                    fix: "choose another port, or leave it away")
            }
            guard !wishes.contains(where: { $0.name == checked.name }) else {
                throw BrokerError(
                    .invalidRequest, "\"\(checked.name)\" is asked for twice", why: "a lease has a name once",
                    fix: "give the other one another name")
            }
            wishes.append(checked)
        }
        return wishes
    }

    private static func term(_ seconds: Int?) throws(BrokerError) -> Duration {
        let seconds = seconds ?? LeaseRequest.usualTTL
        guard (1...LeaseRequest.longestTTL).contains(seconds) else {
            throw BrokerError(
                .invalidRequest, "a lease cannot last \(seconds) s",
                why: "1 to \(LeaseRequest.longestTTL) seconds are possible", fix: "renew it when it is needed longer")
        }
        return .seconds(seconds)
    }

    func found(_ id: String, in workspace: WorkspaceName) throws(BrokerError) -> Lease {
        guard let lease = leases[LeaseID(rawValue: id)], lease.workspace == workspace else { throw Self.noLease(id) }
        return lease
    }

    static func noLease(_ id: String) -> BrokerError {
        BrokerError(
            .leaseNotFound, "there is no lease \"\(id.prefix(80))\"", why: "it has ended, or never was",
            fix: "broker lease ls")
    }

    private func make(
        _ wish: LeasedWish, for lease: LeaseID, in workspace: WorkspaceName
    ) async throws(BrokerError) -> LeasedResource {
        let provider = try providers.provider(for: wish.provider)
        let beginning = try wish.from.map { name throws(BrokerError) in
            try found(snapshot: name, in: workspace).part(for: wish.name, wish.serviceClass)
        }
        guard beginning == nil || provider is any Snapshots else {
            throw BrokerError(
                .unsupported, "\(wish.provider) cannot begin with a snapshot",
                why: "what emulated resources hold can be kept and branched",
                fix: "leave the snapshot or the provider away")
        }
        let served = try await serve(wish, from: beginning, as: ResourceID(rawValue: "lease-\(lease)-\(wish.name)"))
        let backing = served.backing
        do throws(BrokerError) {
            let bound = try await provider.bind(
                BindRequest(
                    backing: backing, serviceClass: wish.serviceClass,
                    attachment: AttachmentID(rawValue: backing.id.rawValue),
                    mode: wish.serviceClass.isNetworked ? .endpoint : .direct))
            let secret = Secret.random()
            let port = try await open(backing, wish, to: served.response, secret)
            return LeasedResource(
                wish: wish, backing: backing, server: served.response.server, path: served.response.path, port: port,
                secret: secret, direct: bound.direct, beginning: beginning, record: served.record)
        } catch {
            await remove(backing, wish.serviceClass, served.record)
            throw error
        }
    }

    /// A backing of its own, which serves: one that runs already where there is one.
    private func serve(
        _ wish: LeasedWish, from beginning: KeptSnapshot.Part?, as resource: ResourceID
    ) async throws(BrokerError) -> ServedBacking {
        defer { keepWarm(wish) }
        if let served = await takeWarm(wish, as: resource) { return served }
        let backing = Backing(
            id: .random(), resource: resource, provider: wish.provider, secret: .random(), memory: [:])
        let record = try LeaseRecord.begin(backing, wish.serviceClass, wish.plan, in: settings.leaseRecords)
        do throws(BrokerError) {
            let response = try await provision(
                backing, wish.serviceClass, wish.plan, record, from: beginning?.id)
            return ServedBacking(backing: backing, response: response, record: record)
        } catch {
            await remove(backing, wish.serviceClass, record)
            throw error
        }
    }

    /// Opens the endpoint of a leased resource outside the range of persisted ports; nil for a file.
    private func open(
        _ backing: Backing, _ wish: LeasedWish, to response: ProvisionResponse, _ secret: Secret
    ) async throws(BrokerError) -> UInt16? {
        guard let upstream = response.upstream else { return nil }
        let grant = Grant(holder: backing.id.rawValue, user: LeasedResource.user, secret: secret.reveal { $0 })
        let beginning = EndpointBeginning(
            grant: wish.serviceClass.authenticates ? grant : nil, admitsAll: !wish.asksForPassword,
            upstream: wish.faults.isEmpty ? upstream : nil)
        let address: SocketAddress
        do throws(SocketError) {
            address = try await gateway.open(
                backing.resource.endpoint, at: .tcp(host: "127.0.0.1", port: wish.port), beginning: beginning)
        } catch {
            guard wish.port != 0 else {
                throw BrokerError(
                    .portsExhausted, "a lease's endpoint cannot be opened", why: "\(error)", fix: "broker lease ls")
            }
            throw BrokerError(
                .portTaken, "port \(wish.port) cannot be had",
                why: PortOwner.find(port: wish.port).map { "it is held by \($0)" } ?? "\(error)",
                fix: "leave --port away, or end who holds it")
        }
        if !wish.faults.isEmpty {
            // Who has connected already waits for this, and meets them too.
            try await gateway.addFaults(wish.faults, on: backing.resource.endpoint)
            await gateway.route(backing.resource.endpoint, to: upstream)
        }
        guard case .tcp(_, let port) = address else { return nil }
        return port
    }

    private func remove(_ resources: [LeasedResource]) async {
        for resource in resources { await remove(resource.backing, resource.wish.serviceClass, resource.record) }
    }

    /// Removes what was made, as far as it was. What cannot be removed stays written down: the next daemon tries again.
    func remove(_ backing: Backing, _ serviceClass: ServiceClass, _ record: LeaseRecord?) async {
        await gateway.close(backing.resource.endpoint)
        var backing = backing
        backing.memory = record?.memory ?? [:]
        do throws(BrokerError) {
            let provider = try providers.provider(for: backing.provider)
            _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: serviceClass))
            record?.remove()
        } catch {
            log.error(
                "a resource of a lease was not removed",
                metadata: ["backing": "\(backing.id)", "error": "\(error)"])
        }
    }

    /// Ends a lease and all that are under it, the youngest first; returns what came of them.
    @discardableResult
    private func end(_ id: LeaseID, isUnder: Bool = false) async -> LeaseTally {
        guard let lease = leases.removeValue(forKey: id) else { return LeaseTally() }
        lease.end?.cancel()
        var tally = lease.under
        // One without resources is what holds others: it ends with its process.
        if isUnder, !lease.resources.isEmpty { tally.leftOpen += 1 }
        for child in leases.values.filter({ $0.parent == id }) { tally.add(await end(child.id, isUnder: true)) }
        for resource in lease.resources {
            if let endpoint = resource.endpoint { tally.add(await gateway.closeCounting(endpoint)) }
        }
        await remove(lease.resources)
        // One that is given back leaves its figures with the one above; one that ends with that hands them over above.
        if !isUnder, let parent = lease.parent { leases[parent]?.under.add(tally) }
        return tally
    }

    private func endLater(_ id: LeaseID) {
        guard let lease = leases[id] else { return }
        lease.end?.cancel()
        leases[id]?.end = nil
        guard let endsAt = lease.endsAt else { return }
        leases[id]?.end = Task {
            guard (try? await ContinuousClock().sleep(until: endsAt)) != nil else { return }
            log.info("a lease's time is over", metadata: ["lease": "\(id)"])
            // Else this very task would be cancelled, and with it the grace that servers get.
            leases[id]?.end = nil
            let process = leases[id]?.process
            await end(id)
            if let process { await Self.end(process) }
        }
    }

    /// Its resources are gone: a process that works with them is asked to end, then killed.
    private static func end(_ process: LeaseProcess) async {
        let identity = ProcessIdentity(pid: process.pid, startTime: process.startTime)
        guard identity.signal(SIGTERM) else { return }
        if await !identity.end(within: .seconds(2)) { identity.signal(SIGKILL) }
    }

    // MARK: documents

    private func document(of lease: Lease, revealing: Bool) -> LeaseDocument {
        LeaseDocument(
            id: lease.id.rawValue, under: lease.parent?.rawValue, held: lease.isHeld, kept: lease.isKept,
            pid: lease.pid,
            endsIn: lease.endsAt.map { max(0, ContinuousClock.now.duration(to: $0) / .seconds(1)) },
            took: lease.took.milliseconds,
            resources: lease.resources.map { resource in
                LeasedResourceDocument(
                    name: resource.name.rawValue, class: resource.wish.serviceClass.rawValue,
                    provider: resource.wish.provider.description, server: resource.server,
                    port: resource.port.map(Int.init), path: resource.path, connections: 0, unsupported: [:])
            },
            variables: lease.variables(revealing: revealing))
    }

    private func withStatistics(_ document: LeaseDocument, of lease: Lease) async -> LeaseDocument {
        var document = document
        for (index, resource) in lease.resources.enumerated() {
            guard let endpoint = resource.endpoint else { continue }
            let statistics = await gateway.statistics(of: endpoint)
            document.resources[index].connections = statistics.connections
            document.resources[index].unsupported = statistics.unsupported
        }
        return document
    }
}

extension Lease {
    /// `NAME_URL` of every resource, and the class's usual variable of the first of each class; where a name spells
    /// another class's usual variable, the name wins: it was asked for.
    func variables(revealing: Bool) -> [LeaseDocument.Variable] {
        var owners: [String: LeasedResource] = [:]
        for resource in resources.reversed() { owners[resource.wish.serviceClass.usualVariable] = resource }
        for resource in resources { owners[Alias(defaultFor: resource.name).urlVariable] = resource }
        return owners.sorted { $0.key < $1.key }.map { name, resource in
            let url = resource.url
            return LeaseDocument.Variable(
                name: name, value: revealing ? url.value : nil, masked: url.masked, resource: resource.name.rawValue)
        }
    }
}
