import Testing

@testable import ControlPlane

/// Who is next when many leases are made and ended at once.
@Suite struct LeaseTurnsTests {
    /// Holds the turns as the control plane does, and notes in which order they are had.
    private actor Turns {
        private var turns = LeaseTurns()
        private(set) var had: [String] = []
        private(set) var waiting = 0

        func take(_ name: String, _ kind: LeaseTurns.Kind) async {
            if !turns.takeNow() {
                waiting += 1
                await withCheckedContinuation { turns.wait(kind, $0) }
                waiting -= 1
            }
            had.append(name)
        }

        func give() { turns.give() }
    }

    @Test func `those to be made go first, in their order, and those to be ended are not forgotten`() async throws {
        let turns = Turns()
        for number in 0..<4 { await turns.take("first \(number)", .making) }
        var tasks: [Task<Void, Never>] = []
        // Each is asked for when the one before it waits.
        for number in 0..<2 {
            tasks.append(Task { await turns.take("end \(number)", .ending) })
            while await turns.waiting < tasks.count { await Task.yield() }
        }
        for number in 0..<6 {
            tasks.append(Task { await turns.take("make \(number)", .making) })
            while await turns.waiting < tasks.count { await Task.yield() }
        }
        for given in 1...tasks.count {
            await turns.give()
            while await turns.had.count < 4 + given { await Task.yield() }
        }
        for task in tasks { await task.value }
        #expect(
            await turns.had.dropFirst(4) == [
                "make 0", "make 1", "make 2", "make 3", "end 0", "make 4", "make 5", "end 1",
            ])
        // All are given back: as many as before have theirs at once.
        for _ in 0..<4 { await turns.give() }
        for number in 0..<4 { await turns.take("last \(number)", .ending) }
        #expect(await turns.had.count == 16)
    }
}
