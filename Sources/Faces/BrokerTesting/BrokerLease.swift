public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Backing services of a test's own: fresh when they are taken, gone when the lease ends, at the latest with the process.
///
/// In Swift Testing a trait takes and ends it (`@Test(.broker("cache"))`) and the test finds it in `BrokerLease.current`.
/// In XCTest `setUp` takes it and `tearDown` ends it: <doc:TestingWithLeases>.
public struct BrokerLease: Sendable {
    /// The lease of the test that runs, where a trait has taken one.
    @TaskLocal public static var current: BrokerLease?

    /// Names it in `broker lease ls`, and its resources as `ID.NAME` to the other verbs.
    public let id: String
    /// In the order in which they were asked for.
    public let resources: [LeasedResource]
    /// What an app finds in its environment: `CACHE_URL`, `REDIS_URL`, …
    public let variables: [String: String]
    private let place: TestSession.Place

    /// Takes fresh resources. The daemon is started when it does not run.
    ///
    /// - Parameters:
    ///   - resources: names, with a class where the name does not suggest it: `"cache"`, `"sessions=redis"`.
    ///   - provider: who serves them: `emulator`, `exec:redis-server` or a URL; nil is what `broker test` was told, else the
    ///     emulator.
    ///   - snapshot: what they begin with, by the name that `broker snapshot create` gave it.
    ///
    /// Throws what the daemon says: `invalidRequest`, `classUnknown`, `snapshotNotFound`, …
    public static func take(
        _ resources: String..., provider: String? = nil, from snapshot: String? = nil
    ) async throws(BrokerError) -> BrokerLease {
        try await take(resources, provider: provider, from: snapshot)
    }

    static func take(
        _ resources: [String], provider: String?, from snapshot: String?
    ) async throws(BrokerError) -> BrokerLease {
        do throws(BrokerError) {
            return try await take(resources, provider, snapshot)
        } catch  where error.code == .daemonNotRunning || error.code == .leaseNotFound {
            // The daemon has ended since, and with it what this process had there.
            await TestSession.shared.forget()
            return try await take(resources, provider, snapshot)
        }
    }

    private static func take(
        _ resources: [String], _ provider: String?, _ snapshot: String?
    ) async throws(BrokerError) -> BrokerLease {
        let place = try await TestSession.shared.place
        let named = provider ?? ProcessInfo.processInfo.environment["BROKER_TEST_PROVIDER"]
        let reference = try named.map { text throws(BrokerError) in try ProviderDocument(text) }
        let wishes = resources.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            var wish = LeaseWish(name: parts.first ?? "", class: parts.count > 1 ? parts[1] : nil, provider: reference)
            wish.from = snapshot
            return wish
        }
        let request = LeaseRequest(resources: wishes, under: place.root)
        let document: LeaseDocument = try await place.socket.call(
            "POST", place.target("leases"), body: try Self.encoded(request))
        return BrokerLease(document, place)
    }

    private init(_ document: LeaseDocument, _ place: TestSession.Place) {
        id = document.id
        variables = document.values
        self.place = place
        resources = document.resources.map { resource in
            let variable = Alias(defaultFor: ResourceName(unchecked: resource.name)).urlVariable
            return LeasedResource(
                name: resource.name, url: document.values[variable] ?? "", reference: "\(document.id).\(resource.name)",
                place: place)
        }
    }

    /// A resource by its name; throws `resourceNotFound`.
    public func resource(_ name: String) throws(BrokerError) -> LeasedResource {
        guard let resource = resources.first(where: { $0.name == name }) else {
            throw BrokerError(
                .resourceNotFound, "the lease has no \"\(name)\"",
                why: "it has \(resources.map(\.name).joined(separator: ", "))", fix: "ask for it: .broker(\"\(name)\")")
        }
        return resource
    }

    /// The time of all its resources.
    public var clock: ResourceClock {
        ResourceClock(references: resources.map(\.reference), place: place)
    }

    /// Gives the resources back. Done again it does nothing.
    public func end() async throws(BrokerError) {
        let _: LeaseEndDocument = try await place.socket.call("DELETE", place.target("leases", id))
    }

    static func encoded(_ document: some Encodable) throws(BrokerError) -> Data {
        do {
            return try JSONEncoder().encode(document)
        } catch {
            throw BrokerError(.internalFailure, "a request cannot be written", why: "\(error)", fix: nil)
        }
    }
}
