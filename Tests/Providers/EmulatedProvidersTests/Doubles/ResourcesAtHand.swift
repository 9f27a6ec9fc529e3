import BrokerModel
import EventLoop
import Gateway
import ProviderKit
import QueueEmulator
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// A provider with a loop for each resource.
struct ResourcesAtHand {
    let loops: LoopPool
    let folder: String
    let provider: EmulatorProvider

    static func run(
        loops most: Int = 8, folder: String? = nil, _ body: (ResourcesAtHand) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let loops = try LoopPool(most: most) { try LoopUnderTest.allCases[0].make() }
        let place = folder ?? directory.path
        let provider = EmulatorProvider(loops: loops, folders: place)
        do {
            try await body(ResourcesAtHand(loops: loops, folder: place, provider: provider))
            await loops.stop(grace: .zero)
        } catch {
            await loops.stop(grace: .zero)
            throw error
        }
    }

    func backing(_ resource: String) -> Backing {
        Backing(
            id: .random(), resource: ResourceID(rawValue: resource), provider: .emulator, secret: Secret("secret"),
            memory: [:])
    }

    func provision(
        _ backing: Backing, _ serviceClass: ServiceClass, from: SnapshotID? = nil, isDurable: Bool = false
    ) async throws -> ProvisionResponse {
        let plan =
            isDurable ? Plan.durable : try #require(Plan.offered(for: serviceClass, by: .emulator).first)
        return try await provider.provision(
            ProvisionRequest(backing: backing, serviceClass: serviceClass, plan: plan, from: from) {
                _ throws(BrokerError) in
            })
    }

    func cache(
        _ resource: String, from: SnapshotID? = nil, isDurable: Bool = false, as known: Backing? = nil
    ) async throws -> CachesAtHand.Cache {
        let backing = known ?? backing(resource)
        let response = try await provision(backing, .redis, from: from, isDurable: isDurable)
        guard case .cache(let emulator) = response.upstream else { throw NeverHappened("it is no cache") }
        let loop = loops.take(for: resource)
        loops.give(for: resource)
        return CachesAtHand.Cache(backing, emulator, on: loop)
    }

    func snapshot(_ backings: (Backing, ServiceClass)...) async throws -> [SnapshotID] {
        let ids = backings.map { _ in SnapshotID.random() }
        let parts = zip(ids, backings).map { SnapshotRequest.Part(id: $0, backing: $1.0, serviceClass: $1.1) }
        let response = try await provider.snapshot(SnapshotRequest(parts: parts))
        #expect(response.facts.count == backings.count)
        return ids
    }

    func snapshot(_ caches: CachesAtHand.Cache...) async throws -> [SnapshotID] {
        let ids = caches.map { _ in SnapshotID.random() }
        let parts = zip(ids, caches).map { SnapshotRequest.Part(id: $0, backing: $1.backing, serviceClass: .redis) }
        _ = try await provider.snapshot(SnapshotRequest(parts: parts))
        return ids
    }

    func restore(_ backing: Backing, _ id: SnapshotID, as serviceClass: ServiceClass = .redis) async throws {
        _ = try await provider.restore(
            RestoreRequest(backing: backing, serviceClass: serviceClass, snapshot: id))
    }

    func reset(
        _ backing: Backing, as serviceClass: ServiceClass = .redis, to goal: ResetRequest.Goal = .nothing
    ) async throws {
        _ = try await provider.reset(ResetRequest(backing: backing, serviceClass: serviceClass, goal: goal))
    }

    func remove(_ backing: Backing, as serviceClass: ServiceClass = .redis) async throws {
        _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: serviceClass))
    }
}
