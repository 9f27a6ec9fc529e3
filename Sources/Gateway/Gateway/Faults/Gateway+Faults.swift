public import BrokerModel
import EventLoop

/// Faults at endpoints: what is to go wrong there, whoever serves them.
extension Gateway {
    /// Adds faults to an endpoint at one instant: all of them, or none.
    ///
    /// Throws `invalidRequest` or `unsupported` for the first that cannot be, `resourceNotFound` where no endpoint is open.
    @discardableResult
    public func addFaults(_ faults: [Fault], on id: EndpointID) async throws(BrokerError) -> [FaultID] {
        let named = faults.map { (id: nextFault(), fault: $0) }
        let failure: BrokerError? = await run(id) { table in
            guard let endpoint = table.endpoints[id] else { return Self.notOpen(id) }
            return endpoint.add(named)
        } orWhenStopped: {
            Self.notOpen(id)
        }
        if let failure { throw failure }
        return named.map(\.id)
    }

    @discardableResult
    public func addFault(_ fault: Fault, on id: EndpointID) async throws(BrokerError) -> FaultID {
        try await addFaults([fault], on: id)[0]
    }

    /// Removes a fault and lets go what it holds; false when there is none of this name.
    @discardableResult
    public func removeFault(_ fault: FaultID, on id: EndpointID) async -> Bool {
        await run(id) {
            $0.endpoints[id]?.removeFault(fault) ?? false
        } orWhenStopped: {
            false
        }
    }

    /// Removes all of an endpoint's faults; returns how many there were.
    @discardableResult
    public func removeFaults(on id: EndpointID) async -> Int {
        await run(id) {
            $0.endpoints[id]?.removeFaults() ?? 0
        } orWhenStopped: {
            0
        }
    }

    /// In the order in which they were added, those that are over included.
    public func faults(on id: EndpointID) async -> [FaultReport] {
        await run(id) {
            $0.endpoints[id].map { $0.faults.reports(now: $0.loop.now) } ?? []
        } orWhenStopped: {
            []
        }
    }

    private static func notOpen(_ id: EndpointID) -> BrokerError {
        BrokerError(
            .resourceNotFound, "no endpoint \"\(id)\" is open", why: "faults happen at endpoints", fix: "broker status")
    }
}
