import BrokerModel
import Foundation
import ProviderConformance
import ProviderKit
import Synchronization

extension FakeProvider: ReportsHealth {
    /// As if its server had ended by itself.
    func crash(_ backing: Backing) {
        reports.yield(HealthReport(backing: backing.id, health: .failed("it has ended")))
        if !breaks(.endOfServerIsReported) { reports.yield(HealthReport(backing: backing.id, health: .ready)) }
    }
}

extension FakeProvider: ControlsClock {
    func move(_ request: ClockMove) async throws(BrokerError) -> ClockReading {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        return try held(request.backing) { held in
            let time = held.frozenAt ?? now + held.shift
            switch request.step {
            case .freeze: held.frozenAt = time
            case .resume: (held.frozenAt, held.shift) = (nil, time - now)
            case .set(let target): jump(&held, by: target - time, time)
            case .advance(let amount): jump(&held, by: breaks(.timeMovesAsFarAsAsked) ? amount + 1 : amount, time)
            case .look: break
            }
            let shared = breaks(.timesAreApart) ? Self.common.add(request.step) : 0
            let shown = held.frozenAt ?? now + held.shift
            let drift = breaks(.frozenTimeStandsStill) ? Int64(next()) : 0
            return ClockReading(time: shown + shared + drift, isFrozen: held.frozenAt != nil)
        }
    }

    private func jump(_ held: inout Held, by amount: Int64, _ time: Int64) {
        if held.frozenAt != nil { held.frozenAt = time + amount } else { held.shift += amount }
    }

    /// The time that all backings share, where they are not to be apart.
    private static let common = CommonTime()
}

/// A time that is moved by every backing.
private final class CommonTime: Sendable {
    private let shift = Mutex<Int64>(0)

    func add(_ step: ClockMove.Step) -> Int64 {
        shift.withLock { shift in
            if case .advance(let amount) = step { shift += amount }
            return shift
        }
    }
}

extension FakeProvider: AnswersQuestions {
    func ask(_ question: Question) async throws(BrokerError) -> Answer {
        guard case .command(let words) = question.kind, words.count == 2 else {
            if breaks(.foreignQuestionIsRefused) { return .null }
            throw Question.unsupported(question.serviceClass, question.kind)
        }
        if breaks(.questionsAreAnswered) { return .null }
        if state.withLock({ $0.ghosts.contains(question.backing.id) }) { return .null }
        return try held(question.backing) { held in held.values[words[1]].map(Answer.text) ?? .null }
    }
}

extension FakeProvider: SuspendsServers {
    func suspend(_ backing: Backing) async throws(BrokerError) {
        state.withLock { state in
            guard let held = state.held.removeValue(forKey: key(backing.id)) else { return }
            state.suspended[key(backing.id)] = breaks(.suspendedComesBack) ? Held() : held
        }
    }
}

extension FakeProvider: FencesDirect {
    func fence(_ backing: Backing, within _: Duration) async throws(BrokerError) {
        try held(backing) { held in
            if !breaks(.fencedIsShutOut) { held.isFenced = true }
            if breaks(.liftedCredentialsAreTheSame) { held.nonces = [:] }
        }
    }

    func lift(_ backing: Backing) async throws(BrokerError) {
        try held(backing) { $0.isFenced = false }
    }
}

extension FakeProvider: Snapshots {
    func snapshot(_ request: SnapshotRequest) async throws(BrokerError) -> SnapshotResponse {
        var facts: [SnapshotResponse.Facts] = []
        for part in request.parts {
            let values = try held(part.backing) { $0.values }
            state.withLock { state in
                if state.snapshots[part.id] == nil { state.snapshots[part.id] = values }
            }
            facts.append(.init(items: values.count, bytes: 0))
        }
        return SnapshotResponse(facts: facts)
    }

    func restore(_ request: RestoreRequest) async throws(BrokerError) -> RestoreResponse {
        let values = try snapshot(request.snapshot)
        try held(request.backing) { held in
            if breaks(.restoreGoesBack) { held.values.merge(values) { $1 } } else { held.values = values }
        }
        return RestoreResponse()
    }

    func reset(_ request: ResetRequest) async throws(BrokerError) -> ResetResponse {
        try held(request.backing) { held in if !breaks(.resetEmpties) { held.values = [:] } }
        return ResetResponse()
    }

    func removeSnapshot(_ id: SnapshotID) async throws(BrokerError) {
        state.withLock { $0.snapshots[id] = nil }
    }

    func seed(_ request: SeedRequest) async throws(BrokerError) -> SeedResponse {
        guard let bytes = try? Data(contentsOf: URL(filePath: request.path)) else { throw Self.gone }
        let (commands, isWhole) = FakeCommands.read(Array(bytes))
        if isWhole || breaks(.badSeedChangesNothing) {
            try held(request.backing) { held in for command in commands { FakeCommands.run(command, &held) } }
        }
        guard isWhole else {
            throw BrokerError(.invalidRequest, "the file cannot be taken in", why: "nonsense", fix: "correct it")
        }
        return SeedResponse(items: commands.count)
    }
}
