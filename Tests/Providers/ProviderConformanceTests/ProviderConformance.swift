import BrokerModel
import ProviderKit
import Synchronization
import Testing

/// The contract of a provider, checked over any provider: what `ControlPlane` relies on.
///
/// Each check makes backings of its own and removes them.
struct ProviderConformance {
    let provider: any Provider
    let reference: ProviderReference
    let serviceClass: ServiceClass

    /// All checks, one after the other.
    func run() async throws {
        try await offersWhatItServes()
        try await checkChangesNothing()
        try await provisioningAgainChangesNothing()
        try await deprovisioningWhatIsGoneSucceeds()
        try await bindingAgainAnswersTheSame()
        try await twoBackingsAreApart()
    }

    func offersWhatItServes() async throws {
        #expect(provider.serves(reference))
        let offering = try #require(provider.offering(for: serviceClass))
        #expect(!offering.plans.isEmpty)
        #expect(!offering.modes.isEmpty)
    }

    func checkChangesNothing() async throws {
        let request = CheckRequest(provider: reference, serviceClass: serviceClass)
        let first = try await provider.check(request)
        #expect(try await provider.check(request) == first)
    }

    func provisioningAgainChangesNothing() async throws {
        try await withBacking { backing, memory in
            let first = try await provision(backing, memory)
            let remembered = memory.value
            let second = try await provision(backing, memory)
            #expect(first.path == second.path)
            #expect(first.server == second.server)
            #expect((first.upstream == nil) == (second.upstream == nil))
            #expect((first.upstream == nil) != (first.path == nil))
            #expect(memory.value == remembered)
        }
    }

    func deprovisioningWhatIsGoneSucceeds() async throws {
        try await withBacking { backing, memory in
            _ = try await deprovision(backing)
            _ = try await provision(backing, memory)
            _ = try await deprovision(backing)
            _ = try await deprovision(backing)
        }
    }

    func bindingAgainAnswersTheSame() async throws {
        let offering = try #require(provider.offering(for: serviceClass))
        try await withBacking { backing, memory in
            _ = try await provision(backing, memory)
            for mode in offering.modes {
                let id = AttachmentID.random()
                let request = BindRequest(backing: backing, serviceClass: serviceClass, attachment: id, mode: mode)
                let first = try await provider.bind(request).direct
                #expect(try await provider.bind(request).direct == first)
                #expect((first == nil) == (mode == .endpoint))
                if let first { #expect(backing.secret.reveal { !first.masked.contains($0) }) }
                let unbind = UnbindRequest(backing: backing, serviceClass: serviceClass, attachment: id, mode: mode)
                let answer = try await provider.unbind(unbind)
                #expect(try await provider.unbind(unbind) == answer)
            }
        }
    }

    func twoBackingsAreApart() async throws {
        try await withBacking { one, memory in
            let first = try await provision(one, memory)
            try await withBacking { two, memory in
                let second = try await provision(two, memory)
                if first.path != nil { #expect(first.path != second.path) }
                if case .exec = reference { #expect(memory.value["pid"] != nil) }
            }
            _ = try await provision(one, memory)
        }
    }

    // MARK: parts

    /// What a provider has asked to keep.
    final class Memory: Sendable {
        private let stored = Mutex<[String: String]>([:])
        var value: [String: String] {
            get { stored.withLock { $0 } }
            set { stored.withLock { $0 = newValue } }
        }
    }

    private func withBacking(_ body: (Backing, Memory) async throws -> Void) async throws {
        let backing = Backing(
            id: .random(), resource: .random(), provider: reference, secret: .random(), memory: [:])
        do {
            try await body(backing, Memory())
        } catch {
            _ = try? await deprovision(backing)
            throw error
        }
        _ = try await deprovision(backing)
    }

    private func provision(_ backing: Backing, _ memory: Memory) async throws -> ProvisionResponse {
        let plan = try #require(provider.offering(for: serviceClass)?.plans.first)
        return try await provider.provision(
            ProvisionRequest(backing: backing, serviceClass: serviceClass, plan: plan) { memory.value = $0 })
    }

    private func deprovision(_ backing: Backing) async throws -> DeprovisionResponse {
        try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: serviceClass))
    }
}
