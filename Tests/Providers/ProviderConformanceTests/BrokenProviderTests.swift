import BrokerModel
import ProviderConformance
import Synchronization
import Testing

/// Every check can fail: a provider that breaks one sentence of the contract is told which.
@Suite struct BrokenProviderTests {
    private func conformance(_ provider: FakeProvider) -> ProviderConformance {
        var aids = ConformanceAids()
        aids.unservable = FakeProvider.unservable
        aids.endServer = { provider.crash($0) }
        aids.successor = { provider.successor() }
        aids.connects = { provider.connects($0) }
        aids.leftovers = { provider.leftovers }
        aids.limit = .seconds(6)
        return ProviderConformance(
            provider, reference: FakeProvider.reference, serviceClass: .redis, aids: aids)
    }

    @Test func `a provider that breaks nothing keeps all of the contract`() async throws {
        let outcomes = try await conformance(FakeProvider()).run()
        #expect(outcomes.values.allSatisfy { $0 == .kept }, "\(outcomes)")
        #expect(outcomes.count == ContractCheck.allCases.count)
    }

    @Test(arguments: ContractCheck.allCases)
    func `a provider that breaks a sentence is told which`(check: ContractCheck) async throws {
        let conformance = conformance(FakeProvider(flaw: check))
        let breach = await #expect(throws: ContractBreach.self) { try await conformance.run(check) }
        #expect(breach?.check == check, "\(breach?.description ?? "")")
        #expect(breach?.description.contains(check.sentence) == true)
        #expect(breach?.evidence.hasPrefix("an error came that the contract does not have") == expectsError(check))
    }

    /// Sentences that say that something succeeds are broken by an error.
    private func expectsError(_ check: ContractCheck) -> Bool {
        [.deprovisioningNothingSucceeds, .backingsAreMadeAtOnce].contains(check)
    }

    @Test func `a run tells every sentence that is broken`() async throws {
        let conformance = conformance(FakeProvider(flaw: .backingsAreApart))
        let breaches = await #expect(throws: ContractBreaches.self) { try await conformance.run() }
        #expect(breaches?.breaches.map(\.check).contains(.backingsAreApart) == true)
        #expect(breaches?.description.contains(ContractCheck.backingsAreApart.sentence) == true)
    }

    @Test func `what a check leaves behind is told, whichever it was`() async throws {
        let provider = FakeProvider()
        var aids = ConformanceAids()
        aids.leftovers = {
            provider.state.withLock { $0.number += 1 }
            return provider.state.withLock { $0.number } > 1 ? ["a file"] : []
        }
        let conformance = ProviderConformance(
            provider, reference: FakeProvider.reference, serviceClass: .redis, aids: aids)
        let breach = await #expect(throws: ContractBreach.self) { try await conformance.run(.offersWhatItServes) }
        #expect(breach?.check == .deprovisioningLeavesNothing)
        #expect(breach?.evidence == "after offersWhatItServes there is a file")
    }

    @Test func `a provider that hangs is told after the limit`() async throws {
        var aids = ConformanceAids()
        aids.limit = .milliseconds(50)
        let conformance = ProviderConformance(
            HangingProvider(), reference: FakeProvider.reference, serviceClass: .redis, aids: aids)
        let breach = await #expect(throws: ContractBreach.self) { try await conformance.run(.checkChangesNothing) }
        #expect(breach?.evidence == "it took longer than 0.05 seconds")
    }

    @Test func `checks of what a provider does not do, or that lack an aid, do not apply`() async throws {
        let conformance = ProviderConformance(
            HangingProvider(), reference: FakeProvider.reference, serviceClass: .redis)
        for check in [
            ContractCheck.copyArrivesAsItWas, .endOfServerIsReported, .frozenTimeStandsStill, .questionsAreAnswered,
            .restoreGoesBack, .suspendedComesBack, .suspendedComesBackInNextDaemon, .fencedIsShutOut,
            .liftedCredentialsAreTheSame,
            .errorsSayWhatHelps, .unboundIsShutOut,
        ] {
            let outcome = try await conformance.run(check)
            #expect(outcome != .kept, "\(check.rawValue)")
        }
    }
}

/// Answers nothing, until it is cancelled.
private struct HangingProvider: Provider {
    let offerings = [Offering(.redis, plans: [.durable], modes: [.endpoint])]

    func serves(_: ProviderReference) -> Bool { true }
    func check(_: CheckRequest) async throws(BrokerError) -> CheckResponse { throw await hang() }
    func provision(_: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse { throw await hang() }
    func deprovision(_: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse { throw await hang() }
    func bind(_: BindRequest) async throws(BrokerError) -> BindResponse { throw await hang() }
    func unbind(_: UnbindRequest) async throws(BrokerError) -> UnbindResponse { throw await hang() }

    private func hang() async -> BrokerError {
        try? await Task.sleep(for: .seconds(600))
        return FakeProvider.gone
    }
}
