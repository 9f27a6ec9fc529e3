public import BrokerModel

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// One resource of a lease.
public struct LeasedResource: Sendable {
    /// As it was asked for.
    public let name: String
    /// With user and password where the class has them; a file's is `sqlite:///…`.
    public let url: String
    let reference: String
    let place: TestSession.Place

    /// Its time.
    public var clock: ResourceClock { ResourceClock(references: [reference], place: place) }

    /// What is to go wrong between it and its clients.
    public var faults: ResourceFaults { ResourceFaults(reference: reference, place: place) }

    /// Empties it, or has it go back to the snapshot that it began with. Its clients stay connected.
    public func reset() async throws(BrokerError) {
        let _: ResetDocument = try await place.socket.call(
            "POST", place.target("resources", reference, "reset"), body: Data("{}".utf8))
    }

    /// Waits until a key has a value, for a time at most; throws `expectationFailed` with what it has instead.
    public func expect(key: String, equals value: String, within time: Duration = .zero) async throws(BrokerError) {
        try await expect(ExpectRequest(key: key, equals: value, within: time.wholeMilliseconds))
    }

    /// Waits until what is expected is true; throws `expectationFailed` with what was seen last.
    public func expect(_ request: ExpectRequest) async throws(BrokerError) {
        let document: ExpectDocument = try await place.socket.call(
            "POST", place.target("resources", reference, "expect"), body: try BrokerLease.encoded(request))
        guard !document.met else { return }
        throw BrokerError(
            .expectationFailed, "not as expected: \(document.expected)", why: "it is \(document.saw)", fix: nil)
    }

    /// The commands since the last mark, or since they are counted; `mark` begins anew.
    public func commands(mark: Bool = false) async throws(BrokerError) -> CommandsDocument {
        try await place.socket.call(
            "POST", place.target("resources", reference, "commands"),
            body: try BrokerLease.encoded(CommandsRequest(mark: mark)))
    }
}

/// The time of emulated resources. Whatever depends on it follows: expiry, timeouts, delays, the ids of streams.
public struct ResourceClock: Sendable {
    let references: [String]
    let place: TestSession.Place

    /// Has time stand still.
    public func freeze() async throws(BrokerError) { try await move(.freeze) }

    /// Has time go on from where it is.
    public func resume() async throws(BrokerError) { try await move(.resume) }

    /// Moves time ahead; what lies between happens in its order, and who waits is answered.
    public func advance(by time: Duration) async throws(BrokerError) {
        try await move(.advance, by: Int64(time.wholeMilliseconds))
    }

    /// Moves time to a point.
    public func set(to date: Date) async throws(BrokerError) {
        try await move(.set, to: Int64(Duration.seconds(date.timeIntervalSince1970).wholeMilliseconds))
    }

    private func move(
        _ action: ClockRequest.Action, to: Int64? = nil, by: Int64? = nil
    ) async throws(BrokerError) {
        let request = ClockRequest(resources: references, action: action, to: to, by: by)
        let _: ClockDocument = try await place.socket.call(
            "POST", place.target("clock"), body: try BrokerLease.encoded(request))
    }
}

extension Duration {
    /// As many as there is room for.
    fileprivate var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflow) = Int(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : product &+ Int(attoseconds / 1_000_000_000_000_000)
    }
}

/// What is to go wrong between a resource and its clients.
public struct ResourceFaults: Sendable {
    let reference: String
    let place: TestSession.Place

    /// Adds faults, all at once; returns their ids.
    @discardableResult
    public func add(_ faults: Fault...) async throws(BrokerError) -> [String] {
        let document: FaultsDocument = try await place.socket.call(
            "POST", place.target("resources", reference, "faults"),
            body: try BrokerLease.encoded(FaultsRequest(faults: faults)))
        return document.faults.map(\.id)
    }

    /// What there is, with how often it has happened.
    public var all: [FaultStatus] {
        get async throws(BrokerError) {
            let document: FaultsDocument = try await place.socket.call(
                "GET", place.target("resources", reference, "faults"))
            return document.faults
        }
    }

    /// Takes one back; what it holds up goes on.
    public func remove(_ id: String) async throws(BrokerError) {
        let _: FaultsDocument = try await place.socket.call(
            "DELETE", place.target("resources", reference, "faults", id))
    }

    /// Takes all back.
    public func removeAll() async throws(BrokerError) {
        let _: FaultsDocument = try await place.socket.call("DELETE", place.target("resources", reference, "faults"))
    }
}
