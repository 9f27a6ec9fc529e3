import BrokerModel
import ProviderKit

/// The checks of what a provider can do beside serving: time, questions, health, rest, fences.
extension ProviderConformance {
    // MARK: ReportsHealth

    func endOfServerIsReported() async throws {
        guard let reporting = provider as? any ReportsHealth else { throw DoesNotApply("it reports no health") }
        guard let endServer = aids.endServer else { throw DoesNotApply("no way was given to end a server") }
        try await withServingBacking { checked in
            let reports = reporting.health
            let id = checked.backing.id
            let seen = Task {
                var seen: [HealthReport.Health] = []
                for await report in reports where report.backing == id {
                    seen.append(report.health)
                    if report.health == .ready { break }
                }
                return seen
            }
            let clock = Task { [limit = aids.limit] in
                try await Task.sleep(for: limit / 2)
                seen.cancel()
            }
            try await endServer(checked.backing)
            let health = await seen.value
            clock.cancel()
            guard case .failed(let why)? = health.first else { throw Broken(evidence: "nothing was reported") }
            try require(!why.isEmpty, "the report does not say why")
            try require(health.last == .ready, "it is not reported as ready again: \(health)")
        }
    }

    // MARK: ControlsClock

    func frozenTimeStandsStill() async throws {
        try await withClock { clock, checked in
            let frozen = try await move(clock, checked, .freeze)
            try require(frozen.isFrozen, "it does not say that it is frozen")
            try await Task.sleep(for: .milliseconds(30))
            let later = try await move(clock, checked, .look)
            try require(later == frozen, "30 ms later it is \(later.time - frozen.time) ms later there")
            let resumed = try await move(clock, checked, .resume)
            try require(!resumed.isFrozen, "it says that it is frozen when it was resumed")
            try await Task.sleep(for: .milliseconds(30))
            let now = try await move(clock, checked, .look)
            try require(now.time > frozen.time, "it does not go on when it was resumed")
            try require(now.time < frozen.time + 60_000, "it has jumped when it was resumed")
        }
    }

    func timeMovesAsFarAsAsked() async throws {
        try await withClock { clock, checked in
            let start = try await move(clock, checked, .freeze).time
            for (step, expected) in [
                (ClockMove.Step.advance(5000), start + 5000), (.advance(1), start + 5001),
                (.set(start + 86_400_000), start + 86_400_000), (.advance(0), start + 86_400_000),
            ] {
                let reading = try await move(clock, checked, step)
                try require(reading.time == expected, "\(step) comes to \(reading.time), not to \(expected)")
                try require(reading.isFrozen, "\(step) lets frozen time go on")
            }
        }
    }

    func timesAreApart() async throws {
        try await withClock { clock, one in
            try await withServingBacking { two in
                let before = try await move(clock, two, .look)
                _ = try await move(clock, one, .freeze)
                _ = try await move(clock, one, .advance(86_400_000))
                let after = try await move(clock, two, .look)
                try require(!after.isFrozen, "freezing the one freezes the other")
                try require(after.time - before.time < 43_200_000, "the other one has moved, too")
            }
        }
    }

    private func withClock(_ body: (any ControlsClock, CheckedBacking) async throws -> Void) async throws {
        guard let clock = provider as? any ControlsClock else { throw DoesNotApply("it controls no clock") }
        try await withServingBacking { checked in
            do {
                _ = try await move(clock, checked, .look)
            } catch let error as BrokerError where error.code == .unsupported {
                try await requireError("a look at the time of a class without one") { throw error }
                throw DoesNotApply("class \(serviceClass) has no time of its own")
            }
            try await body(clock, checked)
        }
    }

    private func move(
        _ clock: any ControlsClock, _ checked: CheckedBacking, _ step: ClockMove.Step
    ) async throws -> ClockReading {
        try await clock.move(ClockMove(backing: checked.backing, serviceClass: serviceClass, step: step))
    }

    // MARK: AnswersQuestions

    func questionsAreAnswered() async throws {
        guard provider is any AnswersQuestions else { throw DoesNotApply("it answers no questions") }
        try await withServingBacking { checked in
            let mark = Mark("asked")
            try require(try await !holds(mark, checked), "it has what nobody has written")
            try await write(mark, to: checked)
            for _ in 0..<2 {
                try require(try await holds(mark, checked), "it does not have what was written")
            }
            try await erase([mark.key], checked)
        }
    }

    func foreignQuestionIsRefused() async throws {
        guard let asked = provider as? any AnswersQuestions else { throw DoesNotApply("it answers no questions") }
        let foreign = ServiceClass.allCases.filter { $0 != serviceClass }
        try await withServingBacking { checked in
            for other in foreign {
                let kind = Mark("foreign").question(other)
                try await requireError("\(kind)", code: .unsupported) {
                    _ = try await asked.ask(
                        Question(backing: checked.backing, serviceClass: serviceClass, kind: kind))
                }
            }
        }
    }

    // MARK: SuspendsServers

    private func suspending() throws -> any SuspendsServers {
        guard let suspending = provider as? any SuspendsServers else { throw DoesNotApply("it suspends no servers") }
        guard try offering().plans.contains(.durable) else { throw DoesNotApply("what it serves is not durable") }
        return suspending
    }

    func suspendedComesBackInNextDaemon() async throws {
        let suspending = try suspending()
        guard let successor = aids.successor else {
            throw DoesNotApply("no way was given to the next daemon's provider")
        }
        try await withBacking { checked in
            try await provision(checked, plan: .durable)
            let mark = Mark("kept")
            try await write(mark, to: checked)
            try await suspending.suspend(checked.backing)
            let next = ProviderConformance(
                try await successor(), reference: reference, serviceClass: serviceClass, aids: aids)
            let path = try await next.provision(checked, plan: .durable).path
            try require(try await next.holds(mark, checked), "what was written is gone")
            try await next.deprovision(checked)
            try await next.requireGone(checked, path: path)
        }
    }

    func suspendedComesBack() async throws {
        let suspending = try suspending()
        try await withBacking { checked in
            try await suspending.suspend(checked.backing)
            try await provision(checked, plan: .durable)
            let mark = Mark("suspended")
            try await write(mark, to: checked)
            try await suspending.suspend(checked.backing)
            try await suspending.suspend(checked.backing)
            try await provision(checked, plan: .durable)
            try require(try await holds(mark, checked), "what was written is gone")
            try await erase([mark.key], checked)
        }
    }

    // MARK: FencesDirect

    func fencedIsShutOut() async throws {
        guard let fencing = provider as? any FencesDirect else { throw DoesNotApply("it fences nobody") }
        let connects = try wayToConnect()
        try await withDirect { checked, id in
            let url = try await bindDirect(checked, id).url
            try require(try await connects(url), "nobody is let in by the URL at all")
            try await fencing.fence(checked.backing, within: .seconds(5))
            try require(try await !connects(url), "who comes by the URL is still let in")
            try await fencing.lift(checked.backing)
            try require(try await connects(url), "who comes by the URL is not let in again")
        }
    }

    func liftedCredentialsAreTheSame() async throws {
        guard let fencing = provider as? any FencesDirect else { throw DoesNotApply("it fences nobody") }
        try await withDirect { checked, id in
            let first = try await bindDirect(checked, id)
            for _ in 0..<2 { try await fencing.fence(checked.backing, within: .seconds(5)) }
            for _ in 0..<2 { try await fencing.lift(checked.backing) }
            let again = try await bindDirect(checked, id)
            try require(again == first, "the URL is another one")
        }
    }
}
