public import BrokerModel
import Gateway

extension ControlPlane {
    /// Adds faults to a resource's endpoints, all or none. Where each attachment has an endpoint of its own (a queue), each
    /// has its own fault, which counts by itself.
    ///
    /// Throws `invalidRequest` or `unsupported` for the first that cannot be.
    public func addFaults(
        _ request: FaultsRequest, to resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> FaultsDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        let faults = try request.faults.map { fault throws(BrokerError) in try fault.checked(for: live.serviceClass) }
        guard !faults.isEmpty else {
            throw BrokerError(
                .invalidRequest, "there is no fault to add", why: "\"faults\" is empty",
                fix: "broker fault add \(live.reference.name) --error loading")
        }
        guard !live.endpoints.isEmpty else {
            throw BrokerError(
                .unsupported, "\"\(live.reference)\" has no endpoint yet",
                why: "faults happen between a client and its endpoint, and nothing is attached",
                fix: "broker attach \(live.reference.name) --to web")
        }
        var added: [(endpoint: EndpointID, id: FaultID)] = []
        var reports: [FaultReport] = []
        do throws(BrokerError) {
            for endpoint in live.endpoints {
                let ids = try await gateway.addFaults(faults, on: endpoint)
                added += ids.map { (endpoint, $0) }
                reports += await gateway.faults(on: endpoint).filter { ids.contains($0.id) }
            }
        } catch {
            for (endpoint, id) in added { await gateway.removeFault(id, on: endpoint) }
            throw error
        }
        return FaultsDocument(reports)
    }

    /// A resource's faults, with what has come of them.
    public func faults(of resource: String, in workspace: WorkspaceName) async throws(BrokerError) -> FaultsDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        var reports: [FaultReport] = []
        for endpoint in live.endpoints { reports += await gateway.faults(on: endpoint) }
        return FaultsDocument(reports)
    }

    /// Removes a fault, or all of a resource where none is named, and lets go what they hold; answers what they came to.
    /// Throws `faultNotFound`.
    public func removeFaults(
        _ id: String?, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> FaultsDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        var removed: [FaultReport] = []
        for endpoint in live.endpoints {
            for report in await gateway.faults(on: endpoint) where id == nil || "\(report.id)" == id {
                if await gateway.removeFault(report.id, on: endpoint) { removed.append(report) }
            }
        }
        guard let id, removed.isEmpty else { return FaultsDocument(removed) }
        throw BrokerError(
            .faultNotFound, "\"\(live.reference)\" has no fault \"\(id.prefix(40))\"",
            why: "it has ended, or never was",
            fix: "broker fault ls \(live.reference.name)")
    }
}

extension FaultsDocument {
    init(_ reports: [FaultReport]) {
        self.init(
            faults: reports.map { report in
                FaultStatus(
                    id: "\(report.id)", fault: report.fault, matched: report.matched, fired: report.fired,
                    remaining: report.remaining, endsIn: report.endsIn)
            })
    }
}
