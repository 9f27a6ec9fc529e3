import BrokerModel
import EventLoop
import Gateway
import ProviderConformance
import ProviderKit
import Synchronization

/// Keeps the contract in memory, all of its protocols; but for one sentence where it is told to break that.
final class FakeProvider: Provider {
    static let reference = ProviderReference.exec(program: "fake")
    static let unservable = ProviderReference.exec(program: "nothing")

    /// What a backing is.
    struct Held {
        var values: [String: String] = [:]
        /// Every command since it was made.
        var journal: [[String]] = []
        var shift: Int64 = 0
        /// The time at which it stands still.
        var frozenAt: Int64?
        var nonces: [AttachmentID: Int] = [:]
        var hasUnbound = false
        /// The passwords that let in.
        var passwords: Set<String> = []
        var isFenced = false
    }

    struct State {
        var held: [BackingID: Held] = [:]
        var suspended: [BackingID: Held] = [:]
        var snapshots: [SnapshotID: [String: String]] = [:]
        /// What nobody removes.
        var ghosts: Set<BackingID> = []
        var number = 0
        var underWay = 0
    }

    let flaw: ContractCheck?
    let state = Mutex(State())
    let health: AsyncStream<HealthReport>
    let reports: AsyncStream<HealthReport>.Continuation

    init(flaw: ContractCheck? = nil) {
        self.flaw = flaw
        (health, reports) = AsyncStream.makeStream(of: HealthReport.self)
    }

    /// Another one over the same places.
    func successor() -> FakeProvider {
        let next = FakeProvider()
        let suspended = state.withLock { $0.suspended }
        if !breaks(.suspendedComesBackInNextDaemon) { next.state.withLock { $0.suspended = suspended } }
        return next
    }

    var offerings: [Offering] {
        [Offering(.redis, plans: breaks(.offersWhatItServes) ? [] : [.durable], modes: [.endpoint, .direct])]
    }

    /// Whether it is this sentence that is to be broken.
    func breaks(_ check: ContractCheck) -> Bool { flaw == check }

    /// All that there is of backings.
    var leftovers: Set<String> {
        state.withLock { state in
            Set(state.held.keys.map { "\($0)" } + state.ghosts.map { "\($0)" } + state.snapshots.keys.map { "\($0)" })
        }
    }

    func serves(_ reference: ProviderReference) -> Bool {
        if case .exec = reference { true } else { false }
    }

    func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse {
        try refuseUnservable(request.provider)
        return CheckResponse(server: breaks(.checkChangesNothing) ? "fake \(next())" : "fake")
    }

    func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        try refuseUnservable(request.backing.provider)
        let id = request.backing.id
        let isAlone = state.withLock { state in
            state.underWay += 1
            return state.underWay == 1
        }
        defer { state.withLock { $0.underWay -= 1 } }
        if breaks(.backingsAreMadeAtOnce), !isAlone {
            throw BrokerError(.portTaken, "another one is being made", why: "there is one place", fix: "wait")
        }
        // Making takes a while, and may be cancelled within it.
        guard (try? await Task.sleep(for: .milliseconds(10))) != nil else {
            if breaks(.cancelledProvisionLeavesNothing) { state.withLock { _ = $0.ghosts.insert(id) } }
            throw BrokerError(.serverUnreachable, "it was stopped", why: "nobody waits", fix: "try again")
        }
        if breaks(.unkeptMemoryFailsTheProvision) {
            try? await request.remember(["name": id.rawValue])
        } else {
            let secret = request.backing.secret.reveal { $0 }
            try await request.remember(["name": breaks(.memoryHasNoSecret) ? secret : id.rawValue])
        }
        let beginning = try request.from.map { id throws(BrokerError) in try snapshot(id) }
        state.withLock { state in
            guard state.held[key(id)] == nil else { return }
            var held = state.suspended.removeValue(forKey: key(id)) ?? Held()
            if let beginning, !breaks(.branchBeginsWithSnapshot) { held.values = beginning }
            state.held[key(id)] = held
        }
        let server = Upstream.RedisServer(address: .unix(path: "/fake/\(id)"), user: nil, secret: nil, database: nil)
        return ProvisionResponse(
            upstream: .redisServer(server), path: breaks(.isReachedInOneWay) ? "/fake" : nil,
            server: breaks(.provisioningAgainChangesNothing) ? "fake \(next())" : "fake")
    }

    func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        let id = key(request.backing.id)
        let wasThere = state.withLock { state in
            state.suspended[id] = nil
            if breaks(.deprovisioningLeavesNothing) { return true }
            return state.held.removeValue(forKey: id) != nil
        }
        if breaks(.deprovisioningNothingSucceeds), !wasThere { throw Self.gone }
        return DeprovisionResponse()
    }

    func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        guard request.mode == .direct || breaks(.directModeAloneHasURL) else { return BindResponse(direct: nil) }
        let fresh = next()
        let password = try held(request.backing) { held in
            let nonce = breaks(.bindingAgainAnswersTheSame) ? fresh : held.nonces[request.attachment] ?? fresh
            held.nonces[request.attachment] = nonce
            let password = breaks(.attachmentsHaveTheirOwnCredentials) ? "same" : "p\(nonce)"
            held.passwords.insert(password)
            return password
        }
        let url = "redis://\(request.attachment):\(password)@127.0.0.1:1"
        let masked = breaks(.maskedURLHidesSecret) ? url : "redis://\(request.attachment):***@127.0.0.1:1"
        return BindResponse(direct: DirectURL(url: Secret(url), masked: masked))
    }

    func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        try held(request.backing) { held in
            if !breaks(.unboundIsShutOut), let nonce = held.nonces[request.attachment] {
                held.passwords.remove("p\(nonce)")
            }
            if !breaks(.credentialsAreNewAfterUnbind) { held.nonces[request.attachment] = nil }
            defer { held.hasUnbound = true }
            let warns = breaks(.unbindingAgainAnswersTheSame) && held.hasUnbound
            return UnbindResponse(warning: warns ? "unbound \(next())" : nil)
        }
    }

    /// Whether a client is let in by a URL.
    func connects(_ url: Secret) -> Bool {
        let password = url.reveal { $0.split(separator: "@")[0].split(separator: ":").last.map(String.init) } ?? ""
        return state.withLock { state in
            state.held.values.contains { !$0.isFenced && $0.passwords.contains(password) }
        }
    }

    // MARK: parts

    /// Where a backing's data is: of a provider that does not keep backings apart, all at one place.
    func key(_ id: BackingID) -> BackingID { breaks(.backingsAreApart) ? BackingID(rawValue: "one") : id }

    func held<Value>(
        _ backing: Backing, _ body: (inout Held) throws(BrokerError) -> Value
    ) throws(BrokerError) -> Value {
        let result: Result<Value, BrokerError> = state.withLock { state in
            guard var held = state.held[key(backing.id)] else { return .failure(Self.gone) }
            do throws(BrokerError) {
                let value = try body(&held)
                state.held[key(backing.id)] = held
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func snapshot(_ id: SnapshotID) throws(BrokerError) -> [String: String] {
        if let values = state.withLock({ $0.snapshots[id] }) { return values }
        throw BrokerError(
            breaks(.lostSnapshotIsTold) ? .invalidRequest : .snapshotNotFound, "there is no snapshot \"\(id)\"",
            why: "it was removed", fix: "broker snapshot ls")
    }

    /// 1, 2, 3 …
    func next() -> Int {
        Self.numbers.withLock { number in
            number += 1
            return number
        }
    }

    private static let numbers = Mutex(0)

    private func refuseUnservable(_ reference: ProviderReference) throws(BrokerError) {
        guard reference == Self.unservable else { return }
        throw BrokerError(
            .programNotFound, "no program \"nothing\"", why: "it is not there",
            fix: breaks(.errorsSayWhatHelps) ? nil : "install it")
    }

    static let gone = BrokerError(.serverUnreachable, "it does not serve", why: "it is gone", fix: "broker status")
}
