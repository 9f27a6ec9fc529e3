import BrokerModel
import EmulatedProviders
import Gateway
import ProviderKit
import Synchronization

/// A provider for `exec:fake` that works, by an emulator or a server that it is given, until it is told to fail or to
/// wait.
final class FakeProvider: Provider, ReportsHealth {
    private struct State {
        var failing: Set<Verb> = []
        var calls: [Verb] = []
        var gate: AsyncStream<Void>?
        var server: Upstream.RedisServer?
    }

    enum Verb: Hashable, Sendable {
        case check, provision, deprovision, bind, unbind
    }

    private let emulator: EmulatorProvider
    private let state = Mutex(State())
    let health: AsyncStream<HealthReport>
    let reports: AsyncStream<HealthReport>.Continuation

    init(_ emulator: EmulatorProvider) {
        self.emulator = emulator
        (health, reports) = AsyncStream.makeStream(of: HealthReport.self)
    }

    let offerings = [Offering(.redis, plans: [.durable], modes: [.endpoint])]

    /// The verbs that fail from now on.
    var failing: Set<Verb> {
        get { state.withLock { $0.failing } }
        set { state.withLock { $0.failing = newValue } }
    }

    /// Who serves what is provisioned from now on; nil is an emulator.
    var server: Upstream.RedisServer? {
        get { state.withLock { $0.server } }
        set { state.withLock { $0.server = newValue } }
    }

    /// What was asked so far.
    var calls: [Verb] { state.withLock { $0.calls } }

    /// The next `provision` waits until the stream gives something or ends.
    func wait(for gate: AsyncStream<Void>) {
        state.withLock { $0.gate = gate }
    }

    func serves(_ reference: ProviderReference) -> Bool { reference == .exec(program: "fake") }

    func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse {
        try note(.check)
        return CheckResponse(server: "fake 1")
    }

    func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        let gate = state.withLock { state in
            defer { state.gate = nil }
            return state.gate
        }
        if let gate { for await _ in gate { break } }
        try note(.provision)
        if let server { return ProvisionResponse(upstream: .redisServer(server), server: server.product) }
        return try await emulator.provision(request)
    }

    func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        try note(.deprovision)
        return try await emulator.deprovision(request)
    }

    func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        try note(.bind)
        return BindResponse(direct: nil)
    }

    func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        try note(.unbind)
        return UnbindResponse(warning: nil)
    }

    private func note(_ verb: Verb) throws(BrokerError) {
        let fails = state.withLock { state in
            state.calls.append(verb)
            return state.failing.contains(verb)
        }
        if fails { throw BrokerError(.serverUnreachable, "the fake does not \(verb)", why: "it was told so") }
    }
}
