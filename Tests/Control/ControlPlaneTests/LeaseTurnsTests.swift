import TestKit
import Testing

@testable import ControlPlane

/// Who is next when many leases are made and ended at once.
@Suite struct LeaseTurnsTests {
    /// Holds the turns as the control plane does, and notes in which order they are had.
    private actor Turns {
        private var turns = LeaseTurns()
        private(set) var had: [(name: String, turn: LeaseTurns.Turn)] = []
        private(set) var waiting = 0

        func take(_ name: String, _ kind: LeaseTurns.Kind, at now: ContinuousClock.Instant = .now) async {
            if let turn = turns.take(at: now) { return had.append((name, turn)) }
            waiting += 1
            let turn = await withCheckedContinuation { turns.wait(kind, $0) }
            waiting -= 1
            had.append((name, turn))
        }

        func give(_ place: Int) { turns.give(had[place].turn) }

        func lapse(at now: ContinuousClock.Instant) { turns.lapse(at: now) }
    }

    private let most = LeaseTurns.atOnce

    /// All turns are taken, and so many wait, each behind the one before it.
    private func crowd(
        _ turns: Turns, ending: Int, making: Int, at now: ContinuousClock.Instant = .now
    ) async throws -> [Task<Void, Never>] {
        for number in 0..<most { await turns.take("first \(number)", .making, at: now) }
        var tasks: [Task<Void, Never>] = []
        for number in 0..<(ending + making) {
            let isEnding = number < ending
            tasks.append(
                Task {
                    await turns.take(
                        isEnding ? "end \(number)" : "make \(number - ending)", isEnding ? .ending : .making)
                })
            let waiting = tasks.count
            try await eventually("number \(number) waits") { await turns.waiting == waiting }
        }
        return tasks
    }

    @Test func `those to be made go first, in their order, and those to be ended are not forgotten`() async throws {
        let turns = Turns()
        let tasks = try await crowd(turns, ending: 2, making: 6)
        for given in 0..<tasks.count {
            await turns.give(given)
            try await eventually("the next one has it") { await turns.had.count == most + given + 1 }
        }
        for task in tasks { await task.value }
        let order = await turns.had.map(\.name).dropFirst(most)
        #expect(order == ["make 0", "make 1", "make 2", "make 3", "end 0", "make 4", "make 5", "end 1"])
        // As many as before have theirs at once.
        for place in tasks.count..<(tasks.count + most) { await turns.give(place) }
        for number in 0..<most { await turns.take("last \(number)", .ending) }
        #expect(await turns.had.count == tasks.count + 2 * most)
    }

    @Test func `one that takes long holds up nobody, and is not given back twice`() async throws {
        let (turns, now) = (Turns(), ContinuousClock.now)
        let tasks = try await crowd(turns, ending: 0, making: 2, at: now)
        await turns.lapse(at: now + LeaseTurns.lapse / 2)
        #expect(await turns.waiting == 2)
        await turns.lapse(at: now + LeaseTurns.lapse)
        for task in tasks { await task.value }
        // Those that have lapsed come back late: the two that have theirs now keep it.
        for place in 0..<most { await turns.give(place) }
        for number in 0..<(most - 2) { await turns.take("then \(number)", .making) }
        let late = Task { await turns.take("late", .making) }
        try await eventually("there is none left") { await turns.waiting == 1 }
        await turns.give(most)
        await late.value
    }
}
